//! A result, in the shape of a line of an OpenAI batch's output.

use bytes::{Bytes, BytesMut};
use serde::Serialize;

use crate::Error;
use crate::api::document::Document;

/// What stands before the answer.
#[derive(Serialize)]
struct Head<'a> {
    id: &'a str,
    custom_id: Option<&'a str>,
}

#[derive(Serialize)]
struct Response<'a> {
    status_code: u16,
    request_id: &'a str,
}

/// Whose result it is.
#[derive(Debug, Clone, Copy)]
pub struct Of<'a> {
    /// The id that follows from the input.
    pub id: &'a str,
    /// The caller's own name.
    pub custom_id: Option<&'a str>,
    /// The invocation that answered.
    pub request_id: &'a str,
}

/// The result that is an answer.
pub fn of_answer(of: Of<'_>, answer: Document) -> Result<Bytes, Error> {
    written(of, 200, answer.chunks())
}

/// The result that is an error.
pub fn of_error(of: Of<'_>, error: &Error) -> Result<Bytes, Error> {
    let body = Document::of(&error.body())?;
    written(of, error.row().status, body.chunks())
}

/// Puts it together by hand, so that the answer is held once.
fn written(
    Of {
        id,
        custom_id,
        request_id,
    }: Of<'_>,
    status_code: u16,
    body: impl Iterator<Item = Bytes>,
) -> Result<Bytes, Error> {
    let head = members(&Head { id, custom_id })?;
    let response = members(&Response {
        status_code,
        request_id,
    })?;
    let mut result = BytesMut::from(format!("{head},\"response\":{response},\"body\":").as_bytes());
    for chunk in body {
        result.extend_from_slice(&chunk);
    }
    result.extend_from_slice(b"},\"error\":null}\n");
    Ok(result.freeze())
}

/// An object's JSON without its end.
fn members(object: &impl Serialize) -> Result<String, Error> {
    let mut text = serde_json::to_string(object).map_err(|_| Error::defect("result"))?;
    text.pop();
    Ok(text)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const OF: Of<'_> = Of {
        id: "8f",
        custom_id: Some("a\"b"),
        request_id: "r",
    };

    #[test]
    fn an_answer_is_a_line_of_a_batch_s_output() {
        let answer = Document::of(&json!({"choices": []})).unwrap();
        let result: Value = serde_json::from_slice(&of_answer(OF, answer).unwrap()).unwrap();
        let expected = json!({
            "id": "8f",
            "custom_id": "a\"b",
            "response": {"status_code": 200, "request_id": "r", "body": {"choices": []}},
            "error": null,
        });
        assert_eq!(result, expected);
    }

    #[test]
    fn an_error_is_the_answer_that_http_would_have() {
        let error = Error::missing("prompt");
        let of = Of {
            custom_id: None,
            ..OF
        };
        let result: Value = serde_json::from_slice(&of_error(of, &error).unwrap()).unwrap();
        assert_eq!(result["custom_id"], Value::Null);
        assert_eq!(result["response"]["status_code"], 400);
        let body = serde_json::to_value(error.body()).unwrap();
        assert_eq!(result["response"]["body"], body);
    }
}
