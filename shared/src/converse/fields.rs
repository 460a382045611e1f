//! Fields of the model's own: `additionalModelRequestFields` and `additionalModelResponseFields`.

use aws_smithy_types::{Document, Number};
use serde_json::{Map, Value};

use crate::Error;

/// The request's field that names them.
const NAME: &str = "additional_model_request_fields";

/// Puts the caller's fields beside our own, which they must not contradict.
pub(crate) fn merge(own: &mut Map<String, Value>, given: &Map<String, Value>) -> Result<(), Error> {
    merge_at(own, given, NAME)
}

fn merge_at(
    own: &mut Map<String, Value>,
    given: &Map<String, Value>,
    path: &str,
) -> Result<(), Error> {
    for (key, value) in given {
        let path = format!("{path}.{key}");
        match (own.get_mut(key), value) {
            (None, value) => {
                own.insert(key.clone(), value.clone());
            }
            (Some(Value::Object(own)), Value::Object(given)) => merge_at(own, given, &path)?,
            (Some(_), _) => {
                let reason = "another field of the request says it already";
                return Err(Error::invalid(path, reason));
            }
        }
    }
    Ok(())
}

/// The fields as the SDK takes them; `None` where there are none.
pub(super) fn written(fields: Map<String, Value>) -> Option<Document> {
    (!fields.is_empty()).then(|| document(Value::Object(fields)))
}

/// JSON as the SDK takes it.
pub(super) fn document(value: Value) -> Document {
    match value {
        Value::Null => Document::Null,
        Value::Bool(value) => Document::Bool(value),
        Value::String(text) => Document::String(text),
        Value::Number(number) => Document::Number(match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => Number::PosInt(number),
            (None, Some(number)) => Number::NegInt(number),
            (None, None) => Number::Float(number.as_f64().unwrap_or_default()),
        }),
        Value::Array(values) => Document::Array(values.into_iter().map(document).collect()),
        Value::Object(members) => Document::Object(
            members
                .into_iter()
                .map(|(key, value)| (key, document(value)))
                .collect(),
        ),
    }
}

/// What the SDK read, as JSON.
pub(super) fn read(document: Document) -> Value {
    match document {
        Document::Null => Value::Null,
        Document::Bool(value) => Value::Bool(value),
        Document::String(text) => Value::String(text),
        Document::Number(Number::PosInt(number)) => Value::from(number),
        Document::Number(Number::NegInt(number)) => Value::from(number),
        Document::Number(Number::Float(number)) => Value::from(number),
        Document::Array(values) => Value::Array(values.into_iter().map(read).collect()),
        Document::Object(members) => Value::Object(
            members
                .into_iter()
                .map(|(key, value)| (key, read(value)))
                .collect(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn given_fields_stand_beside_our_own() {
        let mut own = object(json!({"inferenceConfig": {"topK": 3}, "top_k": 1}));
        let given = object(json!({"inferenceConfig": {"x": [1, -2, 0.5, null, true]}, "y": "z"}));
        merge(&mut own, &given).unwrap();
        let merged = json!({
            "inferenceConfig": {"topK": 3, "x": [1, -2, 0.5, null, true]}, "top_k": 1, "y": "z",
        });
        assert_eq!(Value::Object(own.clone()), merged);
        assert_eq!(read(written(own).unwrap()), merged);
        assert_eq!(written(Map::new()), None);
    }

    #[test]
    fn a_contradiction_is_refused_by_its_path() {
        let mut own = object(json!({"inferenceConfig": {"topK": 3}}));
        for (given, param) in [
            (
                json!({"inferenceConfig": {"topK": 3}}),
                "inferenceConfig.topK",
            ),
            (json!({"inferenceConfig": 1}), "inferenceConfig"),
        ] {
            let error = merge(&mut own, &object(given)).unwrap_err();
            assert_eq!(error.param(), Some(format!("{NAME}.{param}").as_str()));
        }
    }
}
