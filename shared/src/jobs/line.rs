//! A line of a batch file, in the shape that OpenAI's batch API has.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Function;
use crate::Error;
use crate::api::fields::Fields;
use crate::error::RequestFault;

/// The longest name that a caller may give a request, in characters.
const LONGEST_CUSTOM_ID: usize = 512;

/// A line.
#[derive(Debug)]
pub struct Line<'a> {
    /// The caller's own name for it.
    pub custom_id: Option<String>,
    /// What the request is for.
    pub function: Function,
    /// The request.
    pub body: &'a str,
}

/// A line that cannot be read, with its name where that can be.
#[derive(Debug, PartialEq)]
pub struct Unread {
    /// The caller's own name for it.
    pub custom_id: Option<String>,
    /// What is wrong with it.
    pub error: Error,
}

impl<'a> Line<'a> {
    /// Reads a line.
    pub fn read(line: &'a [u8]) -> Result<Self, Unread> {
        let mut custom_id = None;
        Self::take(line, &mut custom_id).map_err(|error| Unread { custom_id, error })
    }

    fn take(line: &'a [u8], name: &mut Option<String>) -> Result<Self, Error> {
        let mut fields = Fields::parse(line)?;
        *name = custom_id(fields.take("custom_id")?)?;
        let method: Option<Cow<'_, str>> = fields.take("method")?;
        if method.is_some_and(|method| method != "POST") {
            return Err(RequestFault::MethodNotAllowed { allow: "POST" }.into());
        }
        let url: String = fields.require("url")?;
        let body = fields.raw("body").ok_or_else(|| Error::missing("body"))?;
        fields.finish()?;
        Ok(Self {
            custom_id: name.clone(),
            function: Function::with_path(&url)
                .ok_or_else(|| Error::from(RequestFault::RouteNotFound))?,
            body: body.get(),
        })
    }
}

/// The function that a line is for, without looking at anything else.
pub fn function_of(line: &[u8]) -> Option<Function> {
    #[derive(Deserialize)]
    struct Addressed<'a> {
        #[serde(borrow)]
        url: Cow<'a, str>,
        #[serde(borrow, rename = "body")]
        _body: Option<&'a RawValue>,
    }

    let line: Addressed<'_> = serde_json::from_slice(line).ok()?;
    Function::with_path(&line.url)
}

/// Checks a caller's name for a request.
pub fn custom_id(name: Option<String>) -> Result<Option<String>, Error> {
    match &name {
        Some(text) if text.chars().count() > LONGEST_CUSTOM_ID => Err(Error::invalid(
            "custom_id",
            format!("it must have at most {LONGEST_CUSTOM_ID} characters"),
        )),
        _ => Ok(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_its_route_and_holds_its_request() {
        let text = br#" {"custom_id":"a\u00e4","method":"POST","url":"/v1/completions","body":{"prompt": "x"}} "#;
        let line = Line::read(text).unwrap();
        assert_eq!(line.custom_id.as_deref(), Some("a\u{e4}"));
        assert_eq!(line.function, Function::Completion);
        assert_eq!(line.body, r#"{"prompt": "x"}"#);
        assert_eq!(function_of(text), Some(Function::Completion));
    }

    #[test]
    fn what_is_wrong_with_a_line_is_told_with_its_name() {
        let long = format!(r#"{{"custom_id":"{}"}}"#, "a".repeat(513));
        for (text, name, code) in [
            ("nonsense", None, "invalid_json"),
            ("", None, "body_required"),
            (r#"{"custom_id":7}"#, None, "invalid_value"),
            (&long, None, "invalid_value"),
            (
                r#"{"custom_id":"a"}"#,
                Some("a"),
                "missing_required_parameter",
            ),
            (
                r#"{"custom_id":"a","url":"/v1/completions"}"#,
                Some("a"),
                "missing_required_parameter",
            ),
            (
                r#"{"custom_id":"a","url":"/v2/x","body":{}}"#,
                Some("a"),
                "not_found",
            ),
            (
                r#"{"custom_id":"a","method":"GET","url":"/v1/completions","body":{}}"#,
                Some("a"),
                "method_not_allowed",
            ),
            (
                r#"{"custom_id":"a","url":"/v1/completions","body":{},"boddy":1}"#,
                Some("a"),
                "unknown_parameter",
            ),
            (r#"{"custom_id":"a","custom_id":"b"}"#, None, "invalid_json"),
        ] {
            let unread = Line::read(text.as_bytes()).unwrap_err();
            assert_eq!(unread.custom_id.as_deref(), name, "{text}");
            assert_eq!(unread.error.row().code, code, "{text}");
        }
    }
}
