//! The form of a chat's answer: `response_format`.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::fields::Fields;
use super::tools::{check_name, object_schema};
use crate::Error;
use crate::dialogue::{Format, Schema};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    r#type: String,
    #[serde(default)]
    json_schema: Option<GivenSchema>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GivenSchema {
    name: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    schema: Option<Map<String, Value>>,
    #[serde(default)]
    #[expect(
        dead_code,
        reason = "Bedrock has no looser way: what holds the answer to the schema does so in any case"
    )]
    strict: Option<bool>,
}

/// Takes `response_format`.
pub(super) fn format(fields: &mut Fields<'_>) -> Result<Format, Error> {
    let Some(Given {
        r#type,
        json_schema,
    }) = fields.take("response_format")?
    else {
        return Ok(Format::Text);
    };
    match (r#type.as_str(), json_schema) {
        ("text", None) => Ok(Format::Text),
        ("json_object", None) => Ok(Format::Json),
        ("json_schema", Some(given)) => {
            let GivenSchema {
                name,
                description,
                schema,
                strict: _,
            } = given;
            let param = |name: &str| format!("response_format.json_schema.{name}");
            check_name(&name, || param("name"))?;
            let schema = schema.ok_or_else(|| Error::missing(param("schema")))?;
            Ok(Format::Schema(Schema {
                name,
                description: description.filter(|text| !text.trim().is_empty()),
                schema: object_schema(schema, || param("schema"))?,
            }))
        }
        ("json_schema", None) => Err(Error::missing("response_format.json_schema")),
        ("text" | "json_object", Some(_)) => Err(Error::invalid(
            "response_format.json_schema",
            "it goes with the type `json_schema` only",
        )),
        _ => Err(Error::invalid(
            "response_format.type",
            "it is `text`, `json_object` or `json_schema`",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::chat::Request;
    use crate::api::limits::Limits;

    fn parsed(format: &str) -> Result<Format, Error> {
        let body = format!(
            r#"{{"messages":[{{"role":"user","content":"a"}}],"response_format":{format}}}"#
        );
        Request::parse(body.as_bytes(), &Limits::default()).map(|request| request.dialogue.format)
    }

    #[test]
    fn a_format_is_read_in_each_of_its_forms() {
        assert_eq!(parsed("null"), Ok(Format::Text));
        assert_eq!(parsed(r#"{"type":"text"}"#), Ok(Format::Text));
        assert_eq!(parsed(r#"{"type":"json_object"}"#), Ok(Format::Json));
        let format = parsed(
            r#"{"type":"json_schema","json_schema":{"name":"fox","description":"A fox.","schema":{"properties":{}},"strict":true}}"#,
        );
        let Ok(Format::Schema(schema)) = format else {
            panic!("{format:?}");
        };
        assert_eq!(schema.name, "fox");
        assert_eq!(schema.description.as_deref(), Some("A fox."));
        assert_eq!(schema.schema["type"], "object");
    }

    #[test]
    fn bad_formats_are_refused_by_name() {
        for (format, param, code) in [
            (r#""json""#, "response_format", "invalid_value"),
            (r#"{}"#, "response_format", "invalid_value"),
            (
                r#"{"type":"grammar"}"#,
                "response_format.type",
                "invalid_value",
            ),
            (
                r#"{"type":"json_schema"}"#,
                "response_format.json_schema",
                "missing_required_parameter",
            ),
            (
                r#"{"type":"json_schema","json_schema":{"name":"a"}}"#,
                "response_format.json_schema.schema",
                "missing_required_parameter",
            ),
            (
                r#"{"type":"json_schema","json_schema":{"name":"a b","schema":{}}}"#,
                "response_format.json_schema.name",
                "invalid_value",
            ),
            (
                r#"{"type":"json_schema","json_schema":{"name":"a","schema":{"type":"array"}}}"#,
                "response_format.json_schema.schema",
                "invalid_value",
            ),
            (
                r#"{"type":"text","json_schema":{"name":"a","schema":{}}}"#,
                "response_format.json_schema",
                "invalid_value",
            ),
        ] {
            let error = parsed(format).unwrap_err();
            let told = (error.param(), error.row().code);
            assert_eq!(told, (Some(param), code), "{format}: {error}");
        }
    }
}
