//! A request's JSON object, taken apart field by field.
//!
//! Reading a field by name records the name, so the object knows at the end which fields nobody
//! asked for, and what the nearest known name is. Doubled keys are refused; `null` is absent.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::Error;
use crate::error::{FieldFault, RequestFault};

/// How many fields a request may have: more than twice what any route knows.
const MOST_FIELDS: usize = 100;

/// From which likeness on a known name is suggested for an unknown one, of 0 to 1.
const LIKE: f64 = 0.6;

/// What is said of a value beyond serde_json's own limit.
const TOO_DEEP: &str = "it is nested deeper than 128 levels";

/// The longest name that is compared with the known ones.
const LONGEST_NAME: usize = 64;

/// The fields of a request that are still to be read.
#[derive(Debug)]
pub struct Fields<'a> {
    rest: Vec<(Cow<'a, str>, &'a RawValue)>,
    known: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// Splits one JSON object into its fields, without reading their values yet.
    pub fn parse(body: &'a [u8]) -> Result<Self, Error> {
        let text = body.trim_ascii();
        if text.is_empty() || text == b"null" {
            return Err(RequestFault::BodyMissing.into());
        }
        let Object(rest) =
            serde_json::from_slice(body).map_err(|error| RequestFault::BodyNotJson {
                reason: reason(&error),
                line: error.line(),
                column: error.column(),
            })?;
        Ok(Self {
            rest,
            known: Vec::new(),
        })
    }

    /// Reads a whole request: a field that nobody takes is refused.
    pub(super) fn read<T>(
        body: &'a [u8],
        take: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut fields = Self::parse(body)?;
        let request = take(&mut fields)?;
        fields.finish()?;
        Ok(request)
    }

    /// The names that are asked for while this request is read, in the order of the alphabet.
    pub(super) fn names<T>(
        body: &'a [u8],
        take: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<Vec<&'static str>, Error> {
        let mut fields = Self::parse(body)?;
        take(&mut fields)?;
        fields.known.sort_unstable();
        Ok(fields.known)
    }

    /// The field's value; `None` if it is absent or `null`.
    pub fn take<T: Deserialize<'a>>(&mut self, name: &'static str) -> Result<Option<T>, Error> {
        self.known.push(name);
        let Some(position) = self.rest.iter().position(|(key, _)| key == name) else {
            return Ok(None);
        };
        let (_, value) = self.rest.swap_remove(position);
        let mut deserializer = serde_json::Deserializer::from_str(value.get());
        serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
            let inner = error.path().to_string();
            let reason = reason(error.inner());
            let param = match inner.as_str() {
                // The path to what is nested too deep is as deep.
                _ if reason == TOO_DEEP => name.to_owned(),
                "." => name.to_owned(),
                path if path.starts_with('[') => format!("{name}{path}"),
                path => format!("{name}.{path}"),
            };
            match reason.starts_with("unknown field ") {
                true => Error::Field {
                    param,
                    fault: FieldFault::Unknown { nearest: None },
                },
                false => Error::invalid(param, reason),
            }
        })
    }

    /// The field's value as it was written; `None` if it is absent or `null`.
    pub fn raw(&mut self, name: &'static str) -> Option<&'a RawValue> {
        self.known.push(name);
        let position = self.rest.iter().position(|(key, _)| key == name)?;
        let (_, value) = self.rest.swap_remove(position);
        (value.get() != "null").then_some(value)
    }

    /// The field's value, which must be there.
    pub fn require<T: Deserialize<'a>>(&mut self, name: &'static str) -> Result<T, Error> {
        self.take(name)?.ok_or_else(|| Error::missing(name))
    }

    /// Lets the field pass, whatever it says: it changes nothing. Only its nesting is looked at.
    pub fn accept(&mut self, name: &'static str) -> Result<(), Error> {
        self.take::<Value>(name)?;
        Ok(())
    }

    /// The field's value, which must be an object; its keys are any, but none stands there twice.
    pub fn object(&mut self, name: &'static str) -> Result<Option<Map<String, Value>>, Error> {
        let Some(Object(members)) = self.take(name)? else {
            return Ok(None);
        };
        let value = |value: &RawValue| {
            serde_json::from_str(value.get()).map_err(|error| Error::invalid(name, reason(&error)))
        };
        members
            .into_iter()
            .map(|(key, member)| Ok((key.into_owned(), value(member)?)))
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// Refuses the field, whatever it says.
    pub fn refuse(&mut self, name: &'static str) -> Result<(), Error> {
        self.neutral::<IgnoredAny>(name, |_| false)
    }

    /// Lets the field pass at a value that changes nothing, and refuses it at any other.
    pub fn neutral<T: Deserialize<'a>>(
        &mut self,
        name: &'static str,
        is_neutral: impl Fn(&T) -> bool,
    ) -> Result<(), Error> {
        match self.take::<T>(name)? {
            Some(value) if !is_neutral(&value) => Err(Error::unsupported(
                name,
                "leave it out; it would change the answer",
            )),
            _ => Ok(()),
        }
    }

    /// Refuses the first field that nobody asked for.
    pub fn finish(self) -> Result<(), Error> {
        let Some((unknown, _)) = self.rest.first() else {
            return Ok(());
        };
        Err(unknown_name(unknown, &self.known))
    }
}

/// The error that nobody knows this name, with the nearest of those that are known.
pub fn unknown_name(name: &str, known: &[&'static str]) -> Error {
    let nearest = known
        .iter()
        .filter(|_| name.len() <= LONGEST_NAME)
        .map(|known| (strsim::normalized_damerau_levenshtein(known, name), *known))
        .filter(|(likeness, _)| *likeness >= LIKE)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, known)| known);
    Error::Field {
        param: name.to_owned(),
        fault: FieldFault::Unknown { nearest },
    }
}

/// serde_json's message without the position, which is of a part of the body only.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let end = text.rfind(" at line ").unwrap_or(text.len());
    match text.get(..end).unwrap_or_default() {
        // serde_json's limit, which it does not name.
        "recursion limit exceeded" => TOO_DEEP.to_owned(),
        text => text.to_owned(),
    }
}

struct Object<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor;

        impl<'de> Visitor<'de> for ObjectVisitor {
            type Value = Object<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields: Vec<(Cow<'de, str>, &'de RawValue)> = Vec::new();
                while let Some((Key(key), value)) = map.next_entry()? {
                    if fields.iter().any(|(known, _)| *known == key) {
                        return Err(A::Error::custom("a key stands there twice"));
                    }
                    if fields.len() == MOST_FIELDS {
                        return Err(A::Error::custom("there are too many fields"));
                    }
                    fields.push((key, value));
                }
                Ok(Object(fields))
            }
        }

        deserializer.deserialize_map(ObjectVisitor)
    }
}

/// A key, borrowed where it has no escapes.
#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(body: &str) -> Error {
        let mut fields = match Fields::parse(body.as_bytes()) {
            Ok(fields) => fields,
            Err(error) => return error,
        };
        if let Err(error) = fields.take::<f64>("temperature") {
            return error;
        }
        match fields.accept("max_tokens") {
            Ok(()) => fields.finish().unwrap_err(),
            Err(error) => error,
        }
    }

    #[test]
    fn a_body_that_is_not_there_is_required() {
        for body in ["", "  \n", "null"] {
            assert_eq!(refused(body), RequestFault::BodyMissing.into(), "{body:?}");
        }
    }

    #[test]
    fn a_body_that_is_not_one_object_is_refused_with_its_position() {
        for (body, reason, column) in [
            ("[1]", "invalid type: sequence, expected an object", 0),
            ("{\"a\":1} x", "trailing characters", 9),
            ("{\"a\":1", "EOF while parsing an object", 6),
            ("{\"a\":1,\"a\":2}", "a key stands there twice", 13),
            ("\u{feff}{}", "expected value", 1),
        ] {
            let expected = RequestFault::BodyNotJson {
                reason: reason.to_owned(),
                line: 1,
                column,
            };
            assert_eq!(refused(body), expected.into(), "{body:?}");
        }
    }

    #[test]
    fn an_unknown_field_is_named_with_the_nearest_known_one() {
        for (body, param, nearest) in [
            (r#"{"max_token":1}"#, "max_token", Some("max_tokens")),
            (r#"{"temperture":1}"#, "temperture", Some("temperature")),
            (r#"{"zebra":1}"#, "zebra", None),
        ] {
            let expected = Error::Field {
                param: param.to_owned(),
                fault: FieldFault::Unknown { nearest },
            };
            assert_eq!(refused(body), expected, "{body}");
        }
    }

    #[test]
    fn an_ill_typed_field_is_named() {
        let error = refused(r#"{"temperature":"hot"}"#);
        assert_eq!(
            error.to_string(),
            "`temperature` is not valid: invalid type: string \"hot\", expected f64."
        );
        assert_eq!(error.param(), Some("temperature"));
    }

    #[test]
    fn a_flood_of_fields_is_refused() {
        let fields: Vec<_> = (0..100_000)
            .map(|index| format!("\"k{index}\":0"))
            .collect();
        let error = refused(&format!("{{{}}}", fields.join(",")));
        assert!(
            error.to_string().contains("there are too many fields"),
            "{error}"
        );
    }

    #[test]
    fn a_name_of_any_length_is_answered_briefly() {
        let name = "x".repeat(1_000_000);
        let body = serde_json::to_string(&refused(&format!("{{\"{name}\":0}}")).body()).unwrap();
        assert!(body.len() < 2_500, "{} bytes", body.len());
    }

    #[test]
    fn null_is_absent() {
        let mut fields = Fields::parse(br#"{"temperature":null}"#).unwrap();
        assert_eq!(fields.take::<f64>("temperature"), Ok(None));
        assert_eq!(fields.finish(), Ok(()));
    }

    #[test]
    fn invalid_utf8_and_lone_surrogates_are_refused() {
        assert!(matches!(
            Fields::parse(b"{\"a\":\"\xff\"}"),
            Err(Error::Request(RequestFault::BodyNotJson { .. }))
        ));
        let mut fields = Fields::parse(br#"{"a":"\ud800"}"#).unwrap();
        assert_eq!(fields.take::<String>("a").unwrap_err().param(), Some("a"));
    }

    #[test]
    fn deep_nesting_ends_in_an_error() {
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
        let mut fields = Fields::parse(deep.as_bytes()).unwrap();
        let error = fields.accept("a").unwrap_err();
        assert_eq!(error.param(), Some("a"));
        let said = error.to_string();
        assert!(said.contains("deeper than 128 levels"), "{said}");
    }

    #[test]
    fn an_object_of_any_keys_has_none_twice() {
        let object = |text: &str| Fields::parse(text.as_bytes()).unwrap().object("a");
        let found = object(r#"{"a":{"b":{"c":[1]},"d":null}}"#)
            .unwrap()
            .unwrap();
        assert_eq!(
            Value::from(found).to_string(),
            r#"{"b":{"c":[1]},"d":null}"#
        );
        assert_eq!(object(r#"{"a":null}"#), Ok(None));
        for bad in [
            r#"{"a":{"b":1,"b":2}}"#,
            r#"{"a":[]}"#,
            r#"{"a":{"b":"\ud800"}}"#,
        ] {
            assert_eq!(object(bad).unwrap_err().param(), Some("a"), "{bad}");
        }
    }
}
