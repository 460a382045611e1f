//! Tools and JSON answers. No local model calls a tool: a call, and an answer that keeps to a schema,
//! are made up here, and their texts say so (`docs: tool-use`, `API_runtime_ToolConfiguration`,
//! `API_runtime_OutputConfig`, `structured-output`,
//! `conversation-inference-supported-models-features`). A tool is called when the request forces one,
//! or when the last user turn names one.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::thinking::fingerprint;
use crate::backend::simulator::LABEL;
use crate::catalogue::{Family, Model};
use crate::error::Failure;
use crate::families::{TextFamily, not_played};
use crate::schema::{NON_EMPTY, Shape, TEXT, optional, required};

/// Schemas that refer to themselves end here.
const DEEPEST: usize = 12;

const NAME: Shape = Shape::Pattern {
    pattern: "[a-zA-Z0-9_-]{1,64}",
    matches: is_name,
};

pub(super) const SHAPE: Shape = Shape::Object(&[
    required(
        "tools",
        Shape::List {
            items: &Shape::Any,
            min: 1,
            max: usize::MAX,
        },
    ),
    optional("toolChoice", Shape::Any),
]);

pub(super) const OUTPUT: Shape = Shape::Object(&[
    optional(
        "textFormat",
        Shape::Object(&[
            required("type", Shape::OneOf(&["json_schema"])),
            required(
                "structure",
                Shape::Object(&[required(
                    "jsonSchema",
                    Shape::Object(&[
                        required("schema", NON_EMPTY),
                        optional("name", NAME),
                        optional("description", TEXT),
                    ]),
                )]),
            ),
        ]),
    ),
    optional("effort", TEXT),
]);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Config {
    tools: Vec<Tool>,
    tool_choice: Option<Choice>,
}

/// A tool has exactly one key, which names its kind.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Tool {
    #[serde(rename = "toolSpec")]
    Function(Specification),
    #[serde(rename = "systemTool")]
    System(IgnoredAny),
    CachePoint(IgnoredAny),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Specification {
    name: String,
    #[serde(default)]
    description: Option<String>,
    input_schema: InputSchema,
    #[serde(default)]
    strict: bool,
}

#[derive(Deserialize)]
struct InputSchema {
    json: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Choice {
    Auto(IgnoredAny),
    Any(IgnoredAny),
    Tool(Named),
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Output {
    text_format: Option<TextFormat>,
    effort: Option<String>,
}

#[derive(Deserialize)]
struct TextFormat {
    structure: Structure,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Structure {
    json_schema: JsonSchema,
}

#[derive(Deserialize)]
struct JsonSchema {
    /// JSON in a string.
    schema: String,
}

/// A call in the history.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolUse {
    tool_use_id: String,
    name: String,
    input: Value,
}

/// A result in the history.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolResult {
    tool_use_id: String,
    content: Vec<Given>,
    #[serde(default)]
    status: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Given {
    Text(String),
    Json(Value),
    Image(IgnoredAny),
    Document(IgnoredAny),
    Video(IgnoredAny),
    SearchResult(IgnoredAny),
}

/// The calls and results of a history, as they are read.
#[derive(Default)]
pub(super) struct History {
    /// The calls of the turn before.
    open: Vec<String>,
    /// The calls of this turn.
    opening: Vec<String>,
    /// The results of this turn.
    closed: Vec<String>,
    any: bool,
}

/// A call that an answer makes.
#[derive(Debug)]
pub(super) struct Called {
    pub id: String,
    pub name: String,
    pub input: Value,
}

/// What is said in the place of the backend's text.
#[derive(Debug)]
pub(super) struct Said {
    /// Before the calls; empty where there is none.
    pub text: String,
    pub calls: Vec<Called>,
}

impl Said {
    /// Tokens, which are words here.
    pub(super) fn words(&self) -> usize {
        let inputs = self.calls.iter().map(|call| call.input.to_string());
        let inputs: usize = inputs.map(|json| json.split_whitespace().count()).sum();
        self.text.split_whitespace().count() + inputs
    }
}

impl ToolUse {
    /// What the local model reads of it.
    pub(super) fn read(self, history: &mut History, is_assistant: bool) -> Result<String, Failure> {
        let Self {
            tool_use_id,
            name,
            input,
        } = self;
        if !is_assistant {
            return Err(Failure::validation(
                "User messages cannot contain tool uses. Please remove the tool use and try again.",
            ));
        }
        if !is_name(&tool_use_id) || !is_name(&name) {
            return Err(Failure::validation(
                "toolUse: Member must satisfy regular expression pattern: [a-zA-Z0-9_-]{1,64}",
            ));
        }
        if !input.is_object() {
            return Err(Failure::validation(
                "The format of the value at toolUse.input is invalid. Provide a json object for the field and try \
                 again.",
            ));
        }
        let label = format!("[call of {name}: {input}]");
        history.any = true;
        history.opening.push(tool_use_id);
        Ok(label)
    }
}

impl ToolResult {
    /// What the local model reads of it.
    pub(super) fn read(self, history: &mut History, is_assistant: bool) -> Result<String, Failure> {
        let Self {
            tool_use_id,
            content,
            status,
        } = self;
        if is_assistant {
            return Err(Failure::validation(
                "Assistant messages cannot contain tool results. Please remove the tool result and try again.",
            ));
        }
        if !matches!(status.as_deref(), None | Some("success" | "error")) {
            return Err(Failure::validation(
                "toolResult.status: Member must satisfy enum value set: [success, error]",
            ));
        }
        let mut texts = Vec::new();
        for given in content {
            match given {
                Given::Text(text) if text.trim().is_empty() => {
                    return Err(Failure::validation(
                        "The text field in the ToolResultContentBlock object is blank. Add text to the text field, \
                         and try again.",
                    ));
                }
                Given::Text(text) => texts.push(text),
                Given::Json(value) => texts.push(value.to_string()),
                Given::Image(_) | Given::Document(_) | Given::Video(_) | Given::SearchResult(_) => {
                    return Err(not_played("results that are not text or JSON"));
                }
            }
        }
        history.any = true;
        history.closed.push(tool_use_id);
        let failed = match status.as_deref() {
            Some("error") => "failed result",
            _ => "result",
        };
        Ok(format!("[{failed}: {}]", texts.join("\n")))
    }
}

impl History {
    /// After a turn: the results of the user's are those of the calls before.
    pub(super) fn turn(&mut self, index: usize) -> Result<(), Failure> {
        let missing: Vec<&str> = self
            .open
            .iter()
            .filter(|id| !self.closed.contains(id))
            .map(String::as_str)
            .collect();
        if !missing.is_empty() {
            return Err(Failure::validation(format!(
                "Expected toolResult blocks at messages.{index}.content for the following Ids: {}",
                missing.join(", ")
            )));
        }
        if self.closed.len() > self.open.len() {
            return Err(Failure::validation(format!(
                "The number of toolResult blocks at messages.{index}.content exceeds the number of toolUse blocks of \
                 previous turn."
            )));
        }
        self.open = std::mem::take(&mut self.opening);
        self.closed.clear();
        Ok(())
    }
}

/// Which models take tools, and how.
fn calls_tools(model: &Model) -> bool {
    let id = model.id;
    model.family == Family::Text(TextFamily::ClaudeMessages)
        || [
            "amazon.nova-",
            "ai21.jamba-1-5",
            "cohere.command-r",
            "meta.llama3-1",
            "meta.llama3-2-11b",
            "meta.llama3-2-90b",
            "meta.llama3-3",
            "meta.llama4",
            "mistral.mistral-large",
            "mistral.mistral-small",
            "mistral.pixtral",
            "openai.",
            "qwen.",
        ]
        .iter()
        .any(|known| id.starts_with(known))
}

fn streams_tools(model: &Model) -> bool {
    !model.id.starts_with("meta.") && !model.id.starts_with("mistral.")
}

/// Claude since 4.5 and Qwen.
fn keeps_to_schemas(model: &Model) -> bool {
    let id = model.id;
    let claude = ["-4-5-", "-4-6", "-4-7", "-4-8", "-5"];
    (id.starts_with("anthropic.claude-") && claude.iter().any(|part| id.contains(part)))
        || id.starts_with("qwen.")
}

/// What the answer to a request with tools, or with a schema, says in the backend's place. `last` is
/// the last turn's text where it has no result, and `one` whether Claude was told to call one tool.
pub(super) fn said(
    model: &Model,
    (config, output): (Option<Config>, Option<Output>),
    history: &History,
    last: Option<&str>,
    (one, is_streamed): (bool, bool),
) -> Result<Option<Said>, Failure> {
    if config.is_none() && history.any {
        return Err(Failure::validation(
            "The toolConfig field must be defined when using toolUse and toolResult content blocks.",
        ));
    }
    let mut said = None;
    if let Some(Output {
        text_format,
        effort,
    }) = output
    {
        if effort.is_some() {
            return Err(not_played("outputConfig.effort"));
        }
        if let Some(format) = text_format {
            said = Some(Said {
                text: structured(model, &format.structure.json_schema.schema)?,
                calls: Vec::new(),
            });
        }
    }
    let Some(config) = config else {
        return Ok(said);
    };
    if !calls_tools(model) {
        return Err(Failure::validation("This model doesn't support tool use."));
    }
    if is_streamed && !streams_tools(model) {
        return Err(Failure::validation(
            "This model doesn't support tool use in streaming mode.",
        ));
    }
    let tools = specifications(model, config.tools)?;
    let is_named = |tool: &&Specification| {
        last.is_some_and(|text| {
            text.split(|c| !is_name_char(c))
                .any(|word| word == tool.name)
        })
    };
    let (mut called, is_forced): (Vec<&Specification>, bool) = match config.tool_choice {
        None | Some(Choice::Auto(_)) => (tools.iter().filter(is_named).collect(), false),
        Some(Choice::Any(_)) => {
            check_choice(model, "any", &["ai21.", "cohere.", "meta."])?;
            let named: Vec<_> = tools.iter().filter(is_named).collect();
            let first = tools.iter().take(1).collect();
            (if named.is_empty() { first } else { named }, true)
        }
        Some(Choice::Tool(Named { name })) => {
            check_choice(model, "tool", &["ai21.", "cohere.", "meta.", "mistral."])?;
            let named: Vec<_> = tools.iter().filter(|tool| tool.name == name).collect();
            if named.is_empty() {
                return Err(Failure::validation(format!(
                    "The tool {name} at toolConfig.toolChoice.tool.name is not among the tools."
                )));
            }
            (named, true)
        }
    };
    if one {
        called.truncate(1);
    }
    if called.is_empty() {
        return Ok(said);
    }
    let calls = called.iter().enumerate().map(|(index, tool)| {
        let seed = format!("{index}{}{}", tool.name, last.unwrap_or_default());
        Called {
            id: format!("tooluse_{:016x}", fingerprint(&seed)),
            name: tool.name.clone(),
            input: instance(&tool.input_schema.json, &tool.input_schema.json, "input", 0),
        }
    });
    Ok(Some(Said {
        calls: calls.collect(),
        text: match is_forced {
            // Bedrock's models say nothing then.
            true => String::new(),
            false => format!("{LABEL} No language model calls this tool."),
        },
    }))
}

fn specifications(model: &Model, tools: Vec<Tool>) -> Result<Vec<Specification>, Failure> {
    let mut specifications: Vec<Specification> = Vec::new();
    for (index, tool) in tools.into_iter().enumerate() {
        let path = format!("toolConfig.tools.{index}.toolSpec");
        let tool = match tool {
            Tool::Function(tool) => tool,
            Tool::CachePoint(_) => continue,
            Tool::System(_) => return Err(not_played("system tools")),
        };
        if !is_name(&tool.name) {
            return Err(Failure::validation(format!(
                "{path}.name: Member must satisfy regular expression pattern: [a-zA-Z0-9_-]{{1,64}}"
            )));
        }
        if tool.description.as_deref() == Some("") {
            return Err(Failure::validation(format!(
                "{path}.description: Member must have length greater than or equal to 1"
            )));
        }
        if tool.input_schema.json.get("type").and_then(Value::as_str) != Some("object") {
            return Err(Failure::validation(format!(
                "The value at {path}.inputSchema.json.type must be one of the following: object."
            )));
        }
        if tool.strict && !keeps_to_schemas(model) {
            return Err(Failure::validation(format!(
                "This model doesn't support the {path}.strict field. Remove it and try again."
            )));
        }
        if specifications.iter().any(|other| other.name == tool.name) {
            return Err(Failure::validation(
                "The toolConfig.tools field contains duplicate tool names.",
            ));
        }
        specifications.push(tool);
    }
    Ok(specifications)
}

fn check_choice(model: &Model, choice: &str, without: &[&str]) -> Result<(), Failure> {
    match without.iter().any(|prefix| model.id.starts_with(prefix)) {
        true => Err(Failure::validation(format!(
            "This model doesn't support the toolConfig.toolChoice.{choice} field. Remove \
             toolConfig.toolChoice.{choice} and try again."
        ))),
        false => Ok(()),
    }
}

fn structured(model: &Model, schema: &str) -> Result<String, Failure> {
    if !keeps_to_schemas(model) {
        return Err(Failure::validation(
            "This model doesn't support the outputConfig.textFormat field. Remove outputConfig.textFormat and try \
             again.",
        ));
    }
    let schema: Value = serde_json::from_str(schema).map_err(|_| {
        Failure::validation("outputConfig.textFormat.structure.jsonSchema.schema is not JSON.")
    })?;
    if !schema.is_object() || has_open_object(&schema) {
        return Err(Failure::validation(
            "outputConfig.textFormat: For 'object' type, 'additionalProperties' must be explicitly set to false",
        ));
    }
    Ok(instance(&schema, &schema, "answer", 0).to_string())
}

/// Whether a schema has an object that takes any other member.
fn has_open_object(schema: &Value) -> bool {
    match schema {
        Value::Object(members) => {
            let is_object = members.get("type").and_then(Value::as_str) == Some("object");
            (is_object && members.get("additionalProperties") != Some(&Value::Bool(false)))
                || members.values().any(has_open_object)
        }
        Value::Array(schemas) => schemas.iter().any(has_open_object),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// JSON that keeps to a schema; its texts say that nobody wrote them.
fn instance(schema: &Value, root: &Value, name: &str, depth: usize) -> Value {
    if depth > DEEPEST {
        return Value::Null;
    }
    let referred = schema
        .get("$ref")
        .and_then(Value::as_str)
        .and_then(|path| root.pointer(path.strip_prefix('#')?));
    if let Some(referred) = referred {
        return instance(referred, root, name, depth + 1);
    }
    let first_of = |key: &str| schema.get(key).and_then(Value::as_array)?.first();
    if let Some(value) = schema.get("const").or_else(|| first_of("enum")) {
        return value.clone();
    }
    let choice = ["anyOf", "oneOf", "allOf"]
        .iter()
        .find_map(|key| first_of(key));
    if let Some(choice) = choice {
        return instance(choice, root, name, depth + 1);
    }
    let number = |key: &str| schema.get(key).and_then(Value::as_i64);
    let kind = schema.get("type").map(|kind| match kind {
        Value::Array(kinds) => kinds.first().and_then(Value::as_str).unwrap_or_default(),
        kind => kind.as_str().unwrap_or_default(),
    });
    match kind {
        Some("object") => {
            let members = schema.get("properties").and_then(Value::as_object);
            let members = members.into_iter().flatten();
            Value::Object(
                members
                    .map(|(key, schema)| (key.clone(), instance(schema, root, key, depth + 1)))
                    .collect::<Map<_, _>>(),
            )
        }
        Some("array") => {
            let count = number("minItems").unwrap_or(1).clamp(0, 9);
            let any = Value::Object(Map::new());
            let items = schema.get("items").unwrap_or(&any);
            Value::Array(
                (0..count)
                    .map(|_| instance(items, root, name, depth + 1))
                    .collect(),
            )
        }
        Some("integer" | "number") => {
            let least = number("minimum").or(number("exclusiveMinimum").map(|least| least + 1));
            let most = number("maximum").or(number("exclusiveMaximum").map(|most| most - 1));
            let value = least.unwrap_or(1);
            Value::from(most.map_or(value, |most| value.min(most)))
        }
        Some("boolean") => Value::Bool(true),
        Some("null") => Value::Null,
        Some(_) | None => Value::from(text(schema, name)),
    }
}

fn text(schema: &Value, name: &str) -> String {
    let text = match schema.get("format").and_then(Value::as_str) {
        Some("date") => "2026-01-01".to_owned(),
        Some("time") => "00:00:00Z".to_owned(),
        Some("date-time") => "2026-01-01T00:00:00Z".to_owned(),
        Some("email") => "simulated@example.com".to_owned(),
        Some("uri") => "https://example.com/simulated".to_owned(),
        Some("uuid") => "00000000-0000-4000-8000-000000000000".to_owned(),
        Some(_) | None => format!("{LABEL} {name}"),
    };
    let most = schema.get("maxLength").and_then(Value::as_u64);
    let most = most.and_then(|most| usize::try_from(most).ok());
    text.chars().take(most.unwrap_or(usize::MAX)).collect()
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}

fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.chars().all(is_name_char)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_instance_keeps_to_its_schema() {
        let schema = json!({
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "short": {"type": "string", "maxLength": 4},
                "colour": {"enum": ["red", "blue"]},
                "age": {"type": "integer", "minimum": 3},
                "least": {"type": "number", "exclusiveMinimum": 0, "maximum": 9},
                "tame": {"type": ["boolean", "null"]},
                "born": {"type": "string", "format": "date"},
                "legs": {"type": "array", "items": {"$ref": "#/$defs/Leg"}, "minItems": 2},
                "either": {"anyOf": [{"type": "null"}, {"type": "string"}]},
                "fixed": {"const": 7},
            },
            "$defs": {"Leg": {"type": "object", "properties": {"toes": {"type": "integer"}}}},
        });
        assert_eq!(
            instance(&schema, &schema, "input", 0),
            json!({
                "name": "[simulated] name",
                "short": "[sim",
                "colour": "red",
                "age": 3,
                "least": 1,
                "tame": true,
                "born": "2026-01-01",
                "legs": [{"toes": 1}, {"toes": 1}],
                "either": null,
                "fixed": 7,
            })
        );
    }

    #[test]
    fn a_schema_that_refers_to_itself_ends() {
        let schema = json!({"type": "object", "properties": {"next": {"$ref": "#"}}});
        let text = instance(&schema, &schema, "input", 0).to_string();
        assert!(text.ends_with("null}}}}}}}"), "{text}");
    }
}
