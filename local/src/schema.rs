//! What a body may hold. Bedrock checks the bodies of its older models against a JSON schema that
//! permits no other key and no null, and words its refusals as that schema's validator does.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::Failure;

/// What a value may be.
#[derive(Debug)]
pub(crate) enum Shape {
    /// Anything, for what the local server carries but does not look into.
    Any,
    /// A string of this many characters.
    Text { min: usize, max: usize },
    /// A string that a pattern describes.
    Pattern {
        pattern: &'static str,
        matches: fn(&str) -> bool,
    },
    /// One of these strings.
    OneOf(&'static [&'static str]),
    /// A boolean.
    Flag,
    /// A number, bounds included.
    Number { min: f64, max: f64 },
    /// A number above 0 and up to `max`.
    Positive { max: f64 },
    /// A whole number, bounds included.
    Integer { min: i64, max: i64 },
    /// A list of this many items.
    List {
        items: &'static Shape,
        min: usize,
        max: usize,
    },
    /// An object with these keys and no other.
    Object(&'static [Field]),
    /// A string, or a list of these.
    TextOrList(&'static Shape),
}

/// A key of an object.
#[derive(Debug)]
pub(crate) struct Field {
    name: &'static str,
    required: bool,
    shape: Shape,
}

/// A key that must be there.
pub(crate) const fn required(name: &'static str, shape: Shape) -> Field {
    Field {
        name,
        required: true,
        shape,
    }
}

/// A key that may be there.
pub(crate) const fn optional(name: &'static str, shape: Shape) -> Field {
    Field {
        name,
        required: false,
        shape,
    }
}

/// A string of any length.
pub(crate) const TEXT: Shape = Shape::Text {
    min: 0,
    max: usize::MAX,
};
/// A string with at least one character.
pub(crate) const NON_EMPTY: Shape = Shape::Text {
    min: 1,
    max: usize::MAX,
};
/// A list of strings.
pub(crate) const TEXTS: Shape = Shape::List {
    items: &TEXT,
    min: 0,
    max: usize::MAX,
};
/// A number from 0 to 1.
pub(crate) const UNIT: Shape = Shape::Number { min: 0.0, max: 1.0 };

/// How a refusal is worded.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wording {
    /// A native body: the JSON schema validator's words.
    Native,
    /// Converse: the API front's words.
    Converse,
}

/// A body that holds what `shape` says, as a `T`.
///
/// # Errors
///
/// `ValidationException` for a body that is not JSON, or that `shape` does not permit.
pub(crate) fn read<T: DeserializeOwned>(
    body: &[u8],
    shape: &Shape,
    wording: Wording,
) -> Result<T, Failure> {
    let value: Value = serde_json::from_slice(body).map_err(|_| not_json())?;
    let mut violations = Vec::new();
    check(&value, shape, "#", &mut violations);
    match violations.as_slice() {
        [] => serde_json::from_value(value).map_err(|_| not_json()),
        violations => Err(refuse(violations, wording)),
    }
}

/// The family's keys are looked at before its schema is known.
pub(crate) fn has_key(body: &[u8], key: &str) -> bool {
    serde_json::from_slice::<Value>(body).is_ok_and(|value| value.get(key).is_some())
}

/// A refusal in a native schema's words.
pub(crate) fn malformed(detail: &str) -> Failure {
    Failure::validation(format!(
        "Malformed input request: {detail}, please reformat your input and try again."
    ))
}

fn not_json() -> Failure {
    Failure::validation("Malformed input request, please reformat your input and try again.")
}

fn refuse(violations: &[String], wording: Wording) -> Failure {
    match (violations, wording) {
        ([only], Wording::Native) => malformed(only),
        (several, Wording::Native) => {
            malformed(&format!("{} schema violations found", several.len()))
        }
        (several, Wording::Converse) => Failure::validation(format!(
            "{} validation error(s) detected: {}",
            several.len(),
            several.join("; ")
        )),
    }
}

fn check(value: &Value, shape: &Shape, path: &str, violations: &mut Vec<String>) {
    let mut say = |problem: String| violations.push(format!("{path}: {problem}"));
    let wrong_type =
        |expected: &str| format!("expected type: {expected}, found: {}", type_name(value));
    match shape {
        Shape::Any => {}
        Shape::Text { min, max } => match value.as_str().map(|text| text.chars().count()) {
            None => say(wrong_type("String")),
            Some(length) if length < *min => {
                say(format!("expected minLength: {min}, actual: {length}"));
            }
            Some(length) if length > *max => {
                say(format!("expected maxLength: {max}, actual: {length}"));
            }
            Some(_) => {}
        },
        Shape::Pattern { pattern, matches } => match value.as_str() {
            None => say(wrong_type("String")),
            Some(text) if !matches(text) => {
                say(format!("string [{text}] does not match pattern {pattern}"));
            }
            Some(_) => {}
        },
        Shape::OneOf(allowed) => match value.as_str() {
            None => say(wrong_type("String")),
            Some(text) if !allowed.contains(&text) => {
                say(format!("{text} is not a valid enum value"));
            }
            Some(_) => {}
        },
        Shape::Flag => {
            if !value.is_boolean() {
                say(wrong_type("Boolean"));
            }
        }
        Shape::Number { min, max } => match value.as_f64() {
            None => say(wrong_type("Number")),
            Some(number) if number < *min => {
                say(format!("{number} is not greater or equal to {min}"));
            }
            Some(number) if number > *max => {
                say(format!("{number} is not less or equal to {max}"));
            }
            Some(_) => {}
        },
        Shape::Positive { max } => match value.as_f64() {
            None => say(wrong_type("Number")),
            Some(number) if number <= 0.0 => say(format!("{number} is not greater than 0")),
            Some(number) if number > *max => {
                say(format!("{number} is not less or equal to {max}"));
            }
            Some(_) => {}
        },
        Shape::Integer { min, max } => match (value.as_i64(), value.is_u64()) {
            (Some(number), _) if number < *min => {
                say(format!("{number} is not greater or equal to {min}"));
            }
            (Some(number), _) if number > *max => {
                say(format!("{number} is not less or equal to {max}"));
            }
            (Some(_), _) => {}
            // Above `i64::MAX`.
            (None, true) => say(format!("{value} is not less or equal to {max}")),
            (None, false) => say(wrong_type("Integer")),
        },
        Shape::List { items, min, max } => match value.as_array() {
            None => say(wrong_type("JSONArray")),
            Some(list) if list.len() < *min => {
                say(format!(
                    "expected minimum item count: {min}, found: {}",
                    list.len()
                ));
            }
            Some(list) if list.len() > *max => {
                say(format!(
                    "expected maximum item count: {max}, found: {}",
                    list.len()
                ));
            }
            Some(list) => {
                for (index, item) in list.iter().enumerate() {
                    check(item, items, &format!("{path}/{index}"), violations);
                }
            }
        },
        Shape::TextOrList(list) => {
            if !value.is_string() {
                check(value, list, path, violations);
            }
        }
        Shape::Object(fields) => match value.as_object() {
            None => say(wrong_type("JSONObject")),
            Some(object) => {
                for field in fields.iter().filter(|field| field.required) {
                    if !object.contains_key(field.name) {
                        violations.push(format!("{path}: required key [{}] not found", field.name));
                    }
                }
                for (key, value) in object {
                    match fields.iter().find(|field| field.name == key) {
                        Some(field) => {
                            check(value, &field.shape, &format!("{path}/{key}"), violations);
                        }
                        None => violations
                            .push(format!("{path}: extraneous key [{key}] is not permitted")),
                    }
                }
            }
        },
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "Null",
        Value::Bool(_) => "Boolean",
        Value::Number(number) if number.is_f64() => "Double",
        Value::Number(_) => "Integer",
        Value::String(_) => "String",
        Value::Array(_) => "JSONArray",
        Value::Object(_) => "JSONObject",
    }
}
