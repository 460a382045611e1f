//! Tools, and the form of the answer, over Converse.
//!
//! Sources: the Bedrock API reference, `API_runtime_ToolConfiguration`, `API_runtime_ToolChoice` (which
//! models can be made to call a tool) and `API_runtime_OutputConfig`; Anthropic's documentation for
//! `disable_parallel_tool_use`, which LiteLLM sends over Converse in the same way.

use aws_sdk_bedrockruntime::types::{
    AnyToolChoice, JsonSchemaDefinition, OutputConfig, OutputFormat, OutputFormatStructure,
    OutputFormatType, SpecificToolChoice, Tool as ToolBlock, ToolChoice, ToolConfiguration,
    ToolInputSchema, ToolSpecification,
};
use serde_json::{Map, Value};

use super::{blocks, fields};
use crate::Error;
use crate::dialogue::{Choice, Dialogue, Format, Part, Schema, Tool, ToolUse};
use crate::error::FieldFault;
use crate::families::{Chunk, Completion, Finish, ToolDelta};
use crate::model::{Entry, TextFamily};

/// The tool that an answer of any JSON object is asked for with.
const ANSWER: &str = "answer";

/// What a tool is for that only the history names: Converse wants it said, but it is not to be called.
const GONE: &str = "Not available any more; do not call it.";

/// How tools and the form of the answer are asked for.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Means {
    pub tools: Option<ToolConfiguration>,
    pub output: Option<OutputConfig>,
    /// The model has no choice but to call a tool.
    pub is_forced: bool,
    /// What the tool is given that it must call is the answer.
    pub answers_by_tool: bool,
    /// The model calls no tools in streamed answers.
    pub whole_only: bool,
}

/// How far a model can be made to call a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Force {
    /// To call this one.
    Named,
    /// To call one.
    Any,
    /// Not at all.
    Not,
}

/// The means for this model, or what it has none for, by its name. What goes into the model's own
/// fields is put there.
pub(super) fn means(
    (family, model): (Option<TextFamily>, Option<&Entry>),
    dialogue: &Dialogue,
    own: &mut Map<String, Value>,
) -> Result<Means, Error> {
    let can = model.map(|model| model.capabilities);
    let called = called_before(dialogue);
    let given = match dialogue.tools.choice {
        Choice::None => &[],
        Choice::Auto | Choice::Any | Choice::Named(_) => dialogue.tools.list.as_slice(),
    };
    if can.is_some_and(|can| !can.tools) {
        for (param, is_used) in [
            ("tools", !given.is_empty()),
            ("messages", !called.is_empty()),
        ] {
            if is_used {
                return Err(unsupported(param, "it calls no tools"));
            }
        }
    }
    if dialogue.tools.choice == Choice::None
        && !dialogue.tools.list.is_empty()
        && !called.is_empty()
    {
        let reason =
            "a history with calls leaves the choice to it; leave out `tools` and `tool_choice`";
        return Err(unsupported("tool_choice", reason));
    }
    let may_be_strict = can.is_none_or(|can| can.json_schema);
    if let Some(index) = given.iter().position(|tool| tool.strict && !may_be_strict) {
        let param = format!("tools[{index}].function.strict");
        return Err(unsupported(param, "nothing holds it to the schema"));
    }
    if dialogue.tools.one_at_a_time && !given.is_empty() {
        one_at_a_time(family, &dialogue.tools.choice, own)?;
    }

    let mut output = None;
    let mut answer = None;
    match &dialogue.format {
        Format::Text => {}
        Format::Schema(schema) if can.is_none_or(|can| can.json_schema) => {
            output = Some(output_config(schema)?);
        }
        Format::Schema(schema) => {
            answer = Some(Tool {
                name: schema.name.clone(),
                description: schema.description.clone(),
                schema: schema.schema.clone(),
                strict: false,
                cache: None,
            });
        }
        Format::Json => {
            answer = Some(Tool {
                name: ANSWER.to_owned(),
                description: Some("Gives the answer.".to_owned()),
                schema: Map::from_iter([("type".to_owned(), Value::from("object"))]),
                strict: false,
                cache: None,
            });
        }
    }
    if answer.is_some() {
        let is_unable = can.is_some_and(|can| !can.tools) || force(model) == Force::Not;
        for (is_wrong, reason) in [
            (is_unable, "it has no means to answer in JSON"),
            (
                !given.is_empty(),
                "it answers in JSON by a tool of its own, which does not go with `tools`",
            ),
        ] {
            if is_wrong {
                return Err(unsupported("response_format", reason));
            }
        }
    }

    let answers_by_tool = answer.is_some();
    let choice = match &answer {
        Some(answer) => &Choice::Named(answer.name.clone()),
        None => &dialogue.tools.choice,
    };
    let mut list: Vec<Tool> = given.to_vec();
    list.extend(answer);
    if given.is_empty() {
        for call in called {
            if list.iter().all(|tool| tool.name != call.name) {
                list.push(gone(&call.name));
            }
        }
    }
    let choice = match list.is_empty() {
        true => None,
        false => tool_choice(choice, &list, force(model))?,
    };
    Ok(Means {
        output,
        is_forced: choice.is_some(),
        answers_by_tool,
        whole_only: !list.is_empty() && can.is_some_and(|can| !can.streamed_tools),
        tools: configuration(&list, choice)?,
    })
}

/// The calls of the history.
fn called_before(dialogue: &Dialogue) -> Vec<&ToolUse> {
    let parts = dialogue.turns.iter().flat_map(|turn| &turn.parts);
    parts
        .filter_map(|part| match part {
            Part::ToolUse(call) => Some(call),
            Part::Text(_)
            | Part::ToolResult(_)
            | Part::Image(_)
            | Part::Document(_)
            | Part::Reasoning(_)
            | Part::CachePoint(_) => None,
        })
        .collect()
}

fn gone(name: &str) -> Tool {
    Tool {
        name: name.to_owned(),
        description: Some(GONE.to_owned()),
        schema: Map::from_iter([("type".to_owned(), Value::from("object"))]),
        strict: false,
        cache: None,
    }
}

/// What the documentation says of a provider's models; where it says nothing, Bedrock has the last
/// word.
fn force(model: Option<&Entry>) -> Force {
    let provider = model.and_then(|model| model.id.split('.').next());
    match provider {
        Some("ai21" | "cohere" | "meta") => Force::Not,
        Some("mistral") => Force::Any,
        Some(_) | None => Force::Named,
    }
}

fn tool_choice(choice: &Choice, list: &[Tool], force: Force) -> Result<Option<ToolChoice>, Error> {
    let any = || Ok(Some(ToolChoice::Any(AnyToolChoice::builder().build())));
    match (choice, force) {
        (Choice::Auto | Choice::None, _) => Ok(None),
        (Choice::Any, Force::Any | Force::Named) => any(),
        // There is no other that it could call.
        (Choice::Named(_), Force::Any) if list.len() == 1 => any(),
        (Choice::Named(name), Force::Named) => SpecificToolChoice::builder()
            .name(name)
            .build()
            .map(|choice| Some(ToolChoice::Tool(choice)))
            .map_err(|_| Error::defect("converse::tool_choice")),
        (Choice::Any, Force::Not) | (Choice::Named(_), Force::Not | Force::Any) => {
            Err(unsupported("tool_choice", "it cannot be made to call it"))
        }
    }
}

/// Only Claude can be told, in a field of its own.
fn one_at_a_time(
    family: Option<TextFamily>,
    choice: &Choice,
    own: &mut Map<String, Value>,
) -> Result<(), Error> {
    if family != Some(TextFamily::ClaudeMessages) {
        let reason = "it may call several tools at once";
        return Err(unsupported("parallel_tool_calls", reason));
    }
    let kind = match choice {
        Choice::Auto | Choice::None => "auto",
        Choice::Any => "any",
        Choice::Named(_) => "tool",
    };
    let mut said = Map::from_iter([
        ("type".to_owned(), Value::from(kind)),
        ("disable_parallel_tool_use".to_owned(), Value::from(true)),
    ]);
    if let Choice::Named(name) = choice {
        said.insert("name".to_owned(), Value::from(name.as_str()));
    }
    own.insert("tool_choice".to_owned(), Value::Object(said));
    Ok(())
}

fn configuration(
    list: &[Tool],
    choice: Option<ToolChoice>,
) -> Result<Option<ToolConfiguration>, Error> {
    if list.is_empty() {
        return Ok(None);
    }
    let defect = |_| Error::defect("converse::tools");
    let specification = |tool: &Tool| {
        ToolSpecification::builder()
            .name(&tool.name)
            .set_description(tool.description.clone())
            .input_schema(ToolInputSchema::Json(fields::document(Value::Object(
                tool.schema.clone(),
            ))))
            .set_strict(tool.strict.then_some(true))
            .build()
            .map(ToolBlock::ToolSpec)
            .map_err(defect)
    };
    let mut tools = Vec::with_capacity(list.len());
    for tool in list {
        tools.push(specification(tool)?);
        if let Some(point) = &tool.cache {
            tools.push(ToolBlock::CachePoint(blocks::cache_point(point.what)?));
        }
    }
    ToolConfiguration::builder()
        .set_tools(Some(tools))
        .set_tool_choice(choice)
        .build()
        .map(Some)
        .map_err(defect)
}

fn output_config(schema: &Schema) -> Result<OutputConfig, Error> {
    let Schema {
        name,
        description,
        schema,
    } = schema;
    let defect = |_| Error::defect("converse::output_config");
    let text = serde_json::to_string(schema).map_err(|_| Error::defect("converse::schema"))?;
    let definition = JsonSchemaDefinition::builder()
        .schema(text)
        .name(name)
        .set_description(description.clone())
        .build()
        .map_err(defect)?;
    let format = OutputFormat::builder()
        .r#type(OutputFormatType::JsonSchema)
        .structure(OutputFormatStructure::JsonSchema(definition))
        .build()
        .map_err(defect)?;
    Ok(OutputConfig::builder().text_format(format).build())
}

fn unsupported(param: impl Into<String>, reason: &'static str) -> Error {
    Error::Field {
        param: param.into(),
        fault: FieldFault::Unsupported {
            by: "this model",
            reason,
        },
    }
}

/// An answer that was asked for with a tool: what the tool is given becomes the text. An answer
/// without a call, such as a guardrail's, stays as it is.
pub fn told_by_tool(mut completion: Completion) -> Completion {
    let calls = std::mem::take(&mut completion.tool_calls);
    if let Some(call) = calls.into_iter().next() {
        completion.text = call.input.to_string();
        completion.finish = ended(completion.finish);
    }
    completion
}

/// The same for a streamed answer: its chunks go through this in their order. Text is held back until
/// it is known whether a tool is called.
#[derive(Debug, Default)]
pub struct ToldByTool {
    held: String,
    begun: usize,
    has_input: bool,
}

impl ToldByTool {
    /// What the chunk becomes.
    pub fn told(&mut self, mut chunk: Chunk) -> Chunk {
        self.held.push_str(&std::mem::take(&mut chunk.text));
        match chunk.tool.take() {
            None => {}
            Some(ToolDelta::Begins { .. }) => self.begun += 1,
            Some(ToolDelta::Input(json)) if self.begun == 1 => {
                self.has_input |= !json.is_empty();
                chunk.text = json;
            }
            // Of another call.
            Some(ToolDelta::Input(_)) => {}
        }
        if let Some(finish) = chunk.finish.take() {
            chunk.finish = Some(match self.begun {
                0 => {
                    chunk.text = std::mem::take(&mut self.held);
                    finish
                }
                _ => {
                    if !self.has_input {
                        chunk.text.push_str("{}");
                    }
                    ended(finish)
                }
            });
        }
        chunk
    }
}

/// A call of the tool that tells the answer is the answer's end.
fn ended(finish: Finish) -> Finish {
    match finish {
        Finish::ToolUse => Finish::EndOfTurn,
        finish @ (Finish::EndOfTurn
        | Finish::StopSequence
        | Finish::Length
        | Finish::ContextWindow
        | Finish::Filtered
        | Finish::Guardrail
        | Finish::Other(_)) => finish,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::chat::Request;
    use crate::api::limits::Limits;
    use crate::model::{Family, entry};

    const SONNET_3: &str = "anthropic.claude-3-sonnet-20240229-v1:0";
    const SONNET_4_5: &str = "anthropic.claude-sonnet-4-5-20250929-v1:0";
    const NOVA: &str = "amazon.nova-lite-v1:0";
    const LLAMA: &str = "meta.llama3-1-70b-instruct-v1:0";
    const LLAMA_2: &str = "meta.llama2-70b-chat-v1";
    const MISTRAL: &str = "mistral.mistral-large-2407-v1:0";

    const TOOLS: &str = r#""tools":[{"type":"function","function":{"name":"f","description":"Does f."}},{"type":"function","function":{"name":"g"}}]"#;
    const CALLED: &str = r#"[{"role":"user","content":"a"},{"role":"assistant","content":null,"tool_calls":[{"id":"t1","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"t1","content":"5"}]"#;
    const SCHEMA: &str = r#""response_format":{"type":"json_schema","json_schema":{"name":"fox","schema":{"type":"object","properties":{}},"strict":true}}"#;

    fn asked(id: &str, messages: &str, options: &str) -> Result<(Means, Value), Error> {
        let body = format!(
            r#"{{"messages":{messages}{}{options}}}"#,
            if options.is_empty() { "" } else { "," }
        );
        let request = Request::parse(body.as_bytes(), &Limits::default()).unwrap();
        let model = entry(id);
        let family = model.and_then(|model| match model.family() {
            Some(Family::Text(family)) => Some(family),
            Some(Family::Image(_)) | None => None,
        });
        let mut own = Map::new();
        let means = means((family, model), &request.dialogue, &mut own)?;
        Ok((means, Value::Object(own)))
    }

    const USER: &str = r#"[{"role":"user","content":"a"}]"#;

    fn names(means: &Means) -> Vec<&str> {
        let tools = means.tools.iter().flat_map(ToolConfiguration::tools);
        tools
            .map(|tool| tool.as_tool_spec().unwrap().name())
            .collect()
    }

    fn choice(means: &Means) -> Option<&ToolChoice> {
        means
            .tools
            .as_ref()
            .and_then(ToolConfiguration::tool_choice)
    }

    #[track_caller]
    fn refused(id: &str, messages: &str, options: &str, param: &str) {
        let error = asked(id, messages, options).unwrap_err();
        assert_eq!(
            (error.param(), error.row().code),
            (Some(param), "unsupported_parameter"),
            "{id}: {options}"
        );
    }

    #[test]
    fn tools_are_told_with_their_choice() {
        let (means, _) = asked(NOVA, USER, TOOLS).unwrap();
        assert_eq!(names(&means), ["f", "g"]);
        assert_eq!(choice(&means), None);
        assert!(!means.is_forced && !means.whole_only && !means.answers_by_tool);

        let (means, _) = asked(
            MISTRAL,
            USER,
            &format!(r#"{TOOLS},"tool_choice":"required""#),
        )
        .unwrap();
        assert!(choice(&means).unwrap().is_any());
        assert!(means.is_forced && means.whole_only);

        let named =
            format!(r#"{TOOLS},"tool_choice":{{"type":"function","function":{{"name":"g"}}}}"#);
        let (means, _) = asked(NOVA, USER, &named).unwrap();
        assert_eq!(choice(&means).unwrap().as_tool().unwrap().name(), "g");
        refused(MISTRAL, USER, &named, "tool_choice");
        refused(LLAMA, USER, &named, "tool_choice");
        refused(
            LLAMA,
            USER,
            &format!(r#"{TOOLS},"tool_choice":"required""#),
            "tool_choice",
        );
    }

    #[test]
    fn no_tools_are_told_where_none_may_be_called() {
        let (means, _) = asked(LLAMA_2, USER, &format!(r#"{TOOLS},"tool_choice":"none""#)).unwrap();
        assert_eq!(means, Means::default());
    }

    #[test]
    fn a_model_that_calls_no_tools_is_given_none() {
        refused(LLAMA_2, USER, TOOLS, "tools");
        refused(LLAMA_2, CALLED, "", "messages");
        assert!(asked("acme.model-v1", USER, TOOLS).is_ok());
    }

    #[test]
    fn a_history_with_calls_names_its_tools() {
        let (means, _) = asked(NOVA, CALLED, "").unwrap();
        assert_eq!(names(&means), ["f"]);
        assert_eq!(choice(&means), None);
        let tool = means.tools.as_ref().unwrap().tools()[0]
            .as_tool_spec()
            .unwrap();
        assert_eq!(tool.description(), Some(GONE));
        let (means, _) = asked(NOVA, CALLED, TOOLS).unwrap();
        assert_eq!(names(&means), ["f", "g"]);
        refused(
            NOVA,
            CALLED,
            &format!(r#"{TOOLS},"tool_choice":"none""#),
            "tool_choice",
        );
    }

    #[test]
    fn only_claude_is_told_to_call_one_tool_at_a_time() {
        let options = format!(r#"{TOOLS},"parallel_tool_calls":false"#);
        let (_, own) = asked(SONNET_3, USER, &options).unwrap();
        assert_eq!(
            own,
            json!({"tool_choice": {"type": "auto", "disable_parallel_tool_use": true}})
        );
        let named =
            format!(r#"{options},"tool_choice":{{"type":"function","function":{{"name":"g"}}}}"#);
        let (_, own) = asked(SONNET_3, USER, &named).unwrap();
        assert_eq!(
            own,
            json!({"tool_choice": {"type": "tool", "name": "g", "disable_parallel_tool_use": true}})
        );
        refused(NOVA, USER, &options, "parallel_tool_calls");
    }

    #[test]
    fn a_strict_tool_wants_a_model_that_keeps_to_schemas() {
        let strict = r#""tools":[{"type":"function","function":{"name":"f","strict":true}}]"#;
        let (means, _) = asked(SONNET_4_5, USER, strict).unwrap();
        let tool = means.tools.as_ref().unwrap().tools()[0]
            .as_tool_spec()
            .unwrap();
        assert_eq!(tool.strict(), Some(true));
        refused(NOVA, USER, strict, "tools[0].function.strict");
    }

    #[test]
    fn a_schema_is_held_by_bedrock_or_told_by_a_tool() {
        for id in [SONNET_4_5, "acme.model-v1"] {
            let (means, _) = asked(id, USER, SCHEMA).unwrap();
            let format = means.output.as_ref().unwrap().text_format().unwrap();
            let schema = format.structure().unwrap().as_json_schema().unwrap();
            let held: Value = serde_json::from_str(schema.schema()).unwrap();
            assert_eq!(held, json!({"type": "object", "properties": {}}));
            assert_eq!(schema.name(), Some("fox"));
            assert!(means.tools.is_none() && !means.answers_by_tool);
        }
        let (means, _) = asked(NOVA, USER, SCHEMA).unwrap();
        assert_eq!(names(&means), ["fox"]);
        assert_eq!(choice(&means).unwrap().as_tool().unwrap().name(), "fox");
        assert!(means.output.is_none() && means.answers_by_tool && means.is_forced);

        let (means, _) = asked(MISTRAL, USER, SCHEMA).unwrap();
        assert!(choice(&means).unwrap().is_any());
        let (means, _) =
            asked(NOVA, CALLED, r#""response_format":{"type":"json_object"}"#).unwrap();
        assert_eq!(names(&means), ["answer", "f"]);
    }

    #[test]
    fn json_that_no_means_can_hold_is_refused() {
        let json = r#""response_format":{"type":"json_object"}"#;
        for id in [LLAMA, LLAMA_2] {
            refused(id, USER, json, "response_format");
        }
        refused(NOVA, USER, &format!("{TOOLS},{SCHEMA}"), "response_format");
        let both = asked(SONNET_4_5, USER, &format!("{TOOLS},{SCHEMA}"))
            .unwrap()
            .0;
        assert!(both.output.is_some() && both.tools.is_some());
    }

    fn begins() -> ToolDelta {
        ToolDelta::Begins {
            id: "t1".to_owned(),
            name: "fox".to_owned(),
        }
    }

    #[track_caller]
    fn streamed(chunks: Vec<Chunk>, text: &str, finish: Finish) {
        let mut told = ToldByTool::default();
        let chunks: Vec<_> = chunks.into_iter().map(|chunk| told.told(chunk)).collect();
        let joined: String = chunks.iter().map(|chunk| chunk.text.as_str()).collect();
        assert_eq!(joined, text);
        assert!(chunks.iter().all(|chunk| chunk.tool.is_none()));
        assert_eq!(chunks.last().unwrap().finish, Some(finish));
    }

    #[test]
    fn what_the_tool_is_given_is_the_answer() {
        let text = |text: &str| Chunk {
            text: text.to_owned(),
            ..Chunk::default()
        };
        let tool = |tool| Chunk {
            tool: Some(tool),
            ..Chunk::default()
        };
        let input = |json: &str| tool(ToolDelta::Input(json.to_owned()));
        let end = |finish| Chunk {
            finish: Some(finish),
            ..Chunk::default()
        };
        streamed(
            vec![
                text("Here it is:"),
                tool(begins()),
                input("{\"a\""),
                input(":1}"),
                tool(begins()),
                input("{}"),
                end(Finish::ToolUse),
            ],
            r#"{"a":1}"#,
            Finish::EndOfTurn,
        );
        streamed(
            vec![tool(begins()), end(Finish::ToolUse)],
            "{}",
            Finish::EndOfTurn,
        );
        streamed(
            vec![text("I must "), text("not."), end(Finish::Guardrail)],
            "I must not.",
            Finish::Guardrail,
        );
        let completion = Completion {
            text: "Here it is:".to_owned(),
            finish: Finish::ToolUse,
            tool_calls: vec![ToolUse {
                id: "t1".to_owned(),
                name: "fox".to_owned(),
                input: json!({"a": 1}),
            }],
            ..Completion::default()
        };
        let told = told_by_tool(completion);
        assert_eq!(
            (told.text.as_str(), told.finish),
            (r#"{"a":1}"#, Finish::EndOfTurn)
        );
        assert_eq!(told.tool_calls, []);
    }
}
