//! The tools of a chat: `tools`, `tool_choice` and `parallel_tool_calls`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::content::CacheControl;
use super::fields::Fields;
use crate::Error;
use crate::dialogue::{Choice, Tool, Tools};
use crate::error::FieldFault;

/// How many tools a request may have, as with OpenAI.
const MOST_TOOLS: usize = 128;

/// The longest name of a tool, and the longest id of a call, in characters.
const LONGEST_NAME: usize = 64;

/// What an unknown kind of tool, choice or call is told.
pub(super) const ONLY_FUNCTIONS: &str = "only functions are served";

/// A tool, as it is sent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    r#type: String,
    #[serde(default)]
    function: Option<Function>,
    #[serde(default)]
    cache_control: Option<CacheControl>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Function {
    name: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    parameters: Option<Map<String, Value>>,
    #[serde(default)]
    strict: Option<bool>,
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "expected `none`, `auto`, `required` or a function"
)]
enum GivenChoice {
    Word(String),
    Kind(Kind),
}

#[derive(Deserialize)]
struct Kind {
    r#type: String,
    #[serde(default)]
    function: Option<Named>,
    /// What choices of other types carry.
    #[serde(flatten)]
    rest: BTreeMap<String, IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    name: String,
}

/// Takes `tools`, `tool_choice` and `parallel_tool_calls`, and refuses the fields that came before
/// them.
pub(super) fn tools(fields: &mut Fields<'_>) -> Result<Tools, Error> {
    let given: Vec<Given> = fields.take("tools")?.unwrap_or_default();
    if given.len() > MOST_TOOLS {
        let reason = format!("it must hold at most {MOST_TOOLS} tools");
        return Err(Error::invalid("tools", reason));
    }
    let mut list: Vec<Tool> = Vec::with_capacity(given.len());
    for (index, given) in given.into_iter().enumerate() {
        let tool = tool(given, index)?;
        if list.iter().any(|other| other.name == tool.name) {
            let param = format!("tools[{index}].function.name");
            return Err(Error::invalid(param, "another tool has the same name"));
        }
        list.push(tool);
    }
    let choice = choice(fields.take("tool_choice")?, &list)?;
    let parallel = fields.take::<bool>("parallel_tool_calls")?.unwrap_or(true);
    for name in ["functions", "function_call"] {
        let off = fields.take::<Value>(name)?;
        if off.is_some_and(|value| {
            value != "none" && value != "auto" && value != Value::Array(Vec::new())
        }) {
            return Err(Error::unsupported(name, "use `tools` and `tool_choice`"));
        }
    }
    Ok(Tools {
        one_at_a_time: !parallel && !list.is_empty(),
        list,
        choice,
    })
}

fn tool(given: Given, index: usize) -> Result<Tool, Error> {
    let Given {
        r#type,
        function,
        cache_control,
    } = given;
    if r#type != "function" {
        return Err(Error::unsupported(
            format!("tools[{index}].type"),
            ONLY_FUNCTIONS,
        ));
    }
    let param = |name: &str| format!("tools[{index}].function{name}");
    let Function {
        name,
        description,
        parameters,
        strict,
    } = function.ok_or_else(|| Error::missing(param("")))?;
    check_name(&name, || param(".name"))?;
    let schema = object_schema(parameters.unwrap_or_default(), || param(".parameters"))?;
    Ok(Tool {
        name,
        description: description.filter(|text| !text.trim().is_empty()),
        schema,
        strict: strict.unwrap_or(false),
        cache: cache_control
            .map(|control| control.read(&format!("tools[{index}].cache_control")))
            .transpose()?,
    })
}

fn choice(given: Option<GivenChoice>, tools: &[Tool]) -> Result<Choice, Error> {
    let choice = match given {
        None => return Ok(Choice::Auto),
        Some(GivenChoice::Word(word)) => match word.as_str() {
            "auto" => return Ok(Choice::Auto),
            "none" => return Ok(Choice::None),
            "required" => Choice::Any,
            _ => {
                let reason = "it is `none`, `auto`, `required` or a function";
                return Err(Error::invalid("tool_choice", reason));
            }
        },
        Some(GivenChoice::Kind(Kind {
            r#type,
            function,
            rest,
        })) => {
            if r#type != "function" {
                return Err(Error::unsupported("tool_choice.type", ONLY_FUNCTIONS));
            }
            if let Some(name) = rest.keys().next() {
                return Err(Error::Field {
                    param: format!("tool_choice.{name}"),
                    fault: FieldFault::Unknown { nearest: None },
                });
            }
            let Named { name } = function.ok_or_else(|| Error::missing("tool_choice.function"))?;
            if !tools.is_empty() && tools.iter().all(|tool| tool.name != name) {
                let reason = "`tools` has no function of this name";
                return Err(Error::invalid("tool_choice.function.name", reason));
            }
            Choice::Named(name)
        }
    };
    match tools.is_empty() {
        true => Err(Error::invalid("tool_choice", "it goes with `tools` only")),
        false => Ok(choice),
    }
}

/// Refuses a name that Bedrock does not take for a tool.
pub(super) fn check_name(name: &str, param: impl FnOnce() -> String) -> Result<(), Error> {
    let is_good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    match (1..=LONGEST_NAME).contains(&name.len()) && name.chars().all(is_good) {
        true => Ok(()),
        false => Err(Error::invalid(
            param(),
            "it must have 1 to 64 letters, digits, `_` and `-`",
        )),
    }
}

/// A schema whose top is an object, which is what Bedrock takes; a schema without a type is one.
pub(super) fn object_schema(
    mut schema: Map<String, Value>,
    param: impl FnOnce() -> String,
) -> Result<Map<String, Value>, Error> {
    let kind = schema
        .entry("type")
        .or_insert_with(|| Value::from("object"));
    match kind == "object" {
        true => Ok(schema),
        false => Err(Error::invalid(
            param(),
            "the schema's `type` must be `object`",
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::chat::Request;
    use crate::api::limits::Limits;

    fn parsed(options: &str) -> Result<Tools, Error> {
        let body = format!(r#"{{"messages":[{{"role":"user","content":"a"}}],{options}}}"#);
        Request::parse(body.as_bytes(), &Limits::default()).map(|request| request.dialogue.tools)
    }

    #[track_caller]
    fn refused(options: &str, param: &str, code: &str) {
        let error = parsed(options).unwrap_err();
        assert_eq!(
            (error.param(), error.row().code),
            (Some(param), code),
            "{options}: {error}"
        );
    }

    const TOOLS: &str = r#""tools":[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"g-2","description":"Does g.","parameters":{"type":"object","properties":{"a":{"type":"string"}}},"strict":true}}]"#;

    #[test]
    fn tools_are_read_with_their_schemas() {
        let tools = parsed(TOOLS).unwrap();
        let [f, g] = tools.list.as_slice() else {
            panic!("{tools:?}");
        };
        let (name, schema) = (f.name.as_str(), Value::Object(f.schema.clone()));
        assert_eq!((name, schema), ("f", json!({"type": "object"})));
        assert_eq!(g.description.as_deref(), Some("Does g."));
        assert_eq!(g.schema["properties"], json!({"a": {"type": "string"}}));
        assert!(g.strict && !f.strict);
        assert_eq!(tools.choice, Choice::Auto);
        assert!(!tools.one_at_a_time);
    }

    #[test]
    fn a_choice_is_read_in_each_of_its_forms() {
        for (choice, expected) in [
            (r#""none""#, Choice::None),
            (r#""auto""#, Choice::Auto),
            ("null", Choice::Auto),
            (r#""required""#, Choice::Any),
            (
                r#"{"type":"function","function":{"name":"f"}}"#,
                Choice::Named("f".to_owned()),
            ),
        ] {
            let tools = parsed(&format!(r#"{TOOLS},"tool_choice":{choice}"#)).unwrap();
            assert_eq!(tools.choice, expected, "{choice}");
        }
        let tools = parsed(&format!(r#"{TOOLS},"parallel_tool_calls":false"#)).unwrap();
        assert!(tools.one_at_a_time);
    }

    #[test]
    fn what_means_no_tools_is_no_tools() {
        for options in [
            r#""tools":[],"tool_choice":"none""#,
            r#""tools":null,"tool_choice":"auto","parallel_tool_calls":false"#,
            r#""functions":[],"function_call":"none""#,
        ] {
            let tools = parsed(options).unwrap();
            assert_eq!(tools.list, [], "{options}");
            assert!(!tools.one_at_a_time, "{options}");
        }
    }

    #[test]
    fn bad_tools_are_refused_by_name() {
        let tool =
            |function: &str| format!(r#""tools":[{{"type":"function","function":{function}}}]"#);
        let long = "f".repeat(65);
        for name in ["", "a b", "é", long.as_str()] {
            let options = tool(&format!(r#"{{"name":"{name}"}}"#));
            refused(&options, "tools[0].function.name", "invalid_value");
        }
        for (options, param, code) in [
            (r#""tools":{}"#.to_owned(), "tools", "invalid_value"),
            (
                r#""tools":[{"type":"custom","custom":{"name":"f"}}]"#.to_owned(),
                "tools[0].custom",
                "unknown_parameter",
            ),
            (
                r#""tools":[{"type":"web_search"}]"#.to_owned(),
                "tools[0].type",
                "unsupported_parameter",
            ),
            (
                r#""tools":[{"type":"function"}]"#.to_owned(),
                "tools[0].function",
                "missing_required_parameter",
            ),
            (
                tool(r#"{"name":"f","parameters":[]}"#),
                "tools[0].function.parameters",
                "invalid_value",
            ),
            (
                tool(r#"{"name":"f","parameters":{"type":"array"}}"#),
                "tools[0].function.parameters",
                "invalid_value",
            ),
            (
                tool(r#"{"name":"f","colour":1}"#),
                "tools[0].function.colour",
                "unknown_parameter",
            ),
            (
                r#""tools":[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"f"}}]"#.to_owned(),
                "tools[1].function.name",
                "invalid_value",
            ),
            (
                r#""tool_choice":"required""#.to_owned(),
                "tool_choice",
                "invalid_value",
            ),
            (
                format!(r#"{TOOLS},"tool_choice":"sometimes""#),
                "tool_choice",
                "invalid_value",
            ),
            (
                format!(r#"{TOOLS},"tool_choice":{{"type":"function","function":{{"name":"h"}}}}"#),
                "tool_choice.function.name",
                "invalid_value",
            ),
            (
                format!(r#"{TOOLS},"tool_choice":{{"type":"allowed_tools","allowed_tools":{{}}}}"#),
                "tool_choice.type",
                "unsupported_parameter",
            ),
            (
                r#""functions":[{"name":"f"}]"#.to_owned(),
                "functions",
                "unsupported_parameter",
            ),
            (
                r#""function_call":{"name":"f"}"#.to_owned(),
                "function_call",
                "unsupported_parameter",
            ),
        ] {
            refused(&options, param, code);
        }
        let many = vec![r#"{"type":"function","function":{"name":"f"}}"#; 129];
        refused(
            &format!(r#""tools":[{}]"#, many.join(",")),
            "tools",
            "invalid_value",
        );
    }
}
