//! What a function answers to an HTTP event.

use std::collections::BTreeMap;

use serde_json::Value;

/// An answer of a function, as API Gateway reads it.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// HTTP status.
    pub status: u64,
    /// Headers, with their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body, which is JSON on every path and status.
    pub body: Value,
}

impl Answer {
    /// Reads what the function gave to the Runtime API.
    pub(crate) fn read(response: &Value) -> Self {
        let field = |name: &str| response.get(name).unwrap_or(&Value::Null);
        assert_eq!(field("isBase64Encoded"), false, "{response}");
        let text = field("body").as_str().expect("a body");
        Self {
            status: field("statusCode").as_u64().expect("a status"),
            headers: field("headers")
                .as_object()
                .expect("headers")
                .iter()
                .map(|(name, value)| {
                    let value = value.as_str().expect("a header's text");
                    (name.to_ascii_lowercase(), value.to_owned())
                })
                .collect(),
            body: serde_json::from_str(text).expect("a JSON body"),
        }
    }

    /// A header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// A text in the body, by JSON pointer.
    pub fn text(&self, pointer: &str) -> &str {
        let found = self.body.pointer(pointer).and_then(Value::as_str);
        found.unwrap_or_else(|| panic!("no text at {pointer} of {self:?}"))
    }

    /// The error's object, which must have its four keys and no other.
    pub fn error(&self) -> &Value {
        let error = self.body.get("error");
        let error = error.unwrap_or_else(|| panic!("no error in {self:?}"));
        let keys: Vec<_> = error.as_object().expect("an object").keys().collect();
        assert_eq!(keys, ["code", "message", "param", "type"]);
        error
    }
}
