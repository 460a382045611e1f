//! The events in `events/`, as they are and with changes.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::canary::{CANARY, marked};

/// An event that a function is invoked with.
#[derive(Debug, Clone, PartialEq)]
pub struct Event(Value);

impl From<Value> for Event {
    fn from(event: Value) -> Self {
        Self(event)
    }
}

impl Event {
    /// The event in the file `events/{name}.json`.
    pub fn file(name: &str) -> Self {
        let path = directory().join(name).with_extension("json");
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let event = serde_json::from_str(&text);
        let event = Self(event.unwrap_or_else(|error| panic!("{name}: {error}")));
        match event.0.get("headers").is_some() {
            true => event.with_keys(),
            false => event,
        }
    }

    /// The same HTTP request with a caller's keys, which are nobody else's to know.
    fn with_keys(self) -> Self {
        let event = match self.is_rest() {
            true => self.with("/requestContext/identity/apiKey", CANARY.into()),
            false => self,
        };
        event
            .with_header("authorization", &format!("Bearer {CANARY}"))
            .with_header("x-api-key", CANARY)
    }

    /// The same event, each of whose prompts and messages begins with the canary; so does what is in
    /// texts within it.
    #[must_use]
    pub fn marked(self) -> Self {
        let mut event = self.0;
        mark(&mut event);
        Self(event)
    }

    /// The names of all those files, sorted.
    pub fn names() -> Vec<String> {
        let files = std::fs::read_dir(directory()).expect("the folder of events");
        let mut names: Vec<_> = files
            .map(|file| file.expect("a file").path())
            .filter(|path| {
                path.extension()
                    .is_some_and(|extension| extension == "json")
            })
            .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
            .collect();
        names.sort();
        names
    }

    /// The names of those that are HTTP requests.
    pub fn http_names() -> Vec<String> {
        let is_http = |name: &String| name.ends_with("-http-v2") || name.ends_with("-rest-v1");
        Self::names().into_iter().filter(is_http).collect()
    }

    /// The event's JSON.
    pub fn json(&self) -> &Value {
        &self.0
    }

    /// What is at a JSON pointer, which must be there.
    pub fn at(&self, pointer: &str) -> &Value {
        let found = self.0.pointer(pointer);
        found.unwrap_or_else(|| panic!("nothing at {pointer} of {}", self.0))
    }

    /// The JSON that its body holds.
    pub fn body(&self) -> Value {
        let body = self.0.get("body").and_then(Value::as_str);
        serde_json::from_str(body.expect("a body")).expect("a JSON body")
    }

    /// The same request with another body.
    #[must_use]
    pub fn with_body(self, body: &Value) -> Self {
        self.with_text(&body.to_string())
    }

    /// The same request with a body that need not be JSON.
    #[must_use]
    pub fn with_text(self, body: &str) -> Self {
        self.with("/body", body.into())
    }

    /// The same request with another field in its body.
    #[must_use]
    pub fn with_field(self, name: &str, value: Value) -> Self {
        let mut body = self.body();
        let fields = body.as_object_mut().expect("an object");
        fields.insert(name.to_owned(), value);
        self.with_body(&body)
    }

    /// The same event with another value at a JSON pointer, whose parent must be there.
    #[must_use]
    pub fn with(mut self, pointer: &str, value: Value) -> Self {
        let (object, name) = self.parent(pointer);
        object.insert(name.to_owned(), value);
        self
    }

    /// The same event without what is at a JSON pointer, whose parent must be there.
    #[must_use]
    pub fn without(mut self, pointer: &str) -> Self {
        let (object, name) = self.parent(pointer);
        object.remove(name);
        self
    }

    fn parent<'p>(&mut self, pointer: &'p str) -> (&mut Map<String, Value>, &'p str) {
        let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
        let object = self.0.pointer_mut(parent).and_then(Value::as_object_mut);
        let object = object.unwrap_or_else(|| panic!("no object at {parent}"));
        (object, name)
    }

    /// The same request with another header, in the place of any of that name.
    #[must_use]
    pub fn with_header(self, name: &str, value: &str) -> Self {
        let mut event = self.without_header(name);
        if event.is_rest() {
            event = event.with(&format!("/multiValueHeaders/{name}"), [value].into());
        }
        event.with(&format!("/headers/{name}"), value.into())
    }

    /// The same request without a header.
    #[must_use]
    pub fn without_header(mut self, name: &str) -> Self {
        for map in ["headers", "multiValueHeaders"] {
            if let Some(headers) = self.0.get_mut(map).and_then(Value::as_object_mut) {
                headers.retain(|key, _| !key.eq_ignore_ascii_case(name));
            }
        }
        self
    }

    /// The same request with another method.
    #[must_use]
    pub fn with_method(self, method: &str) -> Self {
        match self.is_rest() {
            true => self.with("/httpMethod", method.into()),
            false => self.with("/requestContext/http/method", method.into()),
        }
    }

    /// The same request for another path.
    #[must_use]
    pub fn with_path(self, path: &str) -> Self {
        match self.is_rest() {
            true => self.with("/path", path.into()),
            false => self.with("/rawPath", path.into()),
        }
    }

    /// Whether it comes from a REST API, which is version 1 of the format.
    pub fn is_rest(&self) -> bool {
        self.0.get("httpMethod").is_some()
    }

    /// As the function gets it.
    pub fn text(&self) -> String {
        self.0.to_string()
    }
}

/// Marks what a request says, wherever in the document the request is.
fn mark(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match (name.as_str(), value) {
                    ("prompt" | "negative_prompt" | "content" | "text", Value::String(text)) => {
                        *text = marked(text);
                    }
                    ("prompt", Value::Array(texts)) => texts.iter_mut().for_each(mark_text),
                    (_, value) => mark(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mark),
        Value::String(text) => {
            if let Ok(mut inner @ Value::Object(_)) = serde_json::from_str(text) {
                mark(&mut inner);
                *text = inner.to_string();
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn mark_text(value: &mut Value) {
    if let Value::String(text) = value {
        *text = marked(text);
    }
}

/// The bytes of the file `events/objects/{key}`: an object that events tell of.
pub fn sample(key: &str) -> Vec<u8> {
    let path = directory().join("objects").join(key);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../events")
}
