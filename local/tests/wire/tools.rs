//! Tools and JSON answers over Converse: what is called, what is answered, and what Bedrock refuses.

use serde_json::{Value, json};

use crate::client::{Bedrock, Frame};

const NOVA: &str = "amazon.nova-lite-v1:0";
const TITAN: &str = "amazon.titan-text-express-v1";
const JAMBA: &str = "ai21.jamba-1-5-mini-v1:0";
const SONNET: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";

fn tool(name: &str) -> Value {
    json!({"toolSpec": {"name": name, "inputSchema": {"json": {
        "type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    }}}})
}

fn tools() -> Value {
    json!({"tools": [tool("get_weather"), tool("get_time")]})
}

fn ask(text: &str, config: Value) -> Value {
    json!({"messages": [{"role": "user", "content": [{"text": text}]}], "toolConfig": config})
}

/// A history with a call of `get_weather` and these blocks behind it.
fn called(blocks: &Value) -> Value {
    let call =
        json!({"toolUse": {"toolUseId": "t1", "name": "get_weather", "input": {"city": "Oslo"}}});
    json!({
        "messages": [
            {"role": "user", "content": [{"text": "How warm is it?"}]},
            {"role": "assistant", "content": [call]},
            {"role": "user", "content": blocks},
        ],
        "toolConfig": tools(),
    })
}

fn result(id: &str) -> Value {
    json!({"toolResult": {"toolUseId": id, "content": [{"text": "21 degrees"}]}})
}

#[track_caller]
fn answer(bedrock: &Bedrock, model: &str, body: &Value) -> Value {
    let answer = bedrock.call(model, "converse", body.to_string());
    assert_eq!(answer.status, 200, "{}", answer.json());
    answer.json()
}

#[track_caller]
fn refused(bedrock: &Bedrock, model: &str, body: &Value, part: &str) {
    for operation in ["converse", "converse-stream"] {
        let answer = bedrock.call(model, operation, body.to_string());
        assert_eq!(answer.status, 400, "{body}");
        assert!(answer.message().contains(part), "{}", answer.message());
    }
}

#[test]
fn a_tool_that_the_user_names_is_called() {
    let bedrock = Bedrock::start();
    let body = ask("Please use get_weather.", tools());
    let whole = answer(&bedrock, NOVA, &body);
    assert_eq!(whole["stopReason"], "tool_use");
    let content = &whole["output"]["message"]["content"];
    assert_eq!(
        content[0]["text"],
        "[simulated] No language model calls this tool."
    );
    let call = &content[1]["toolUse"];
    assert_eq!(call["name"], "get_weather");
    assert_eq!(
        call["input"],
        json!({"city": "[simulated] city", "days": 1})
    );
    assert_eq!(answer(&bedrock, NOVA, &body)["output"], whole["output"]);

    let other = answer(&bedrock, NOVA, &ask("How warm is it?", tools()));
    assert_eq!(other["stopReason"], "end_turn");
}

#[test]
fn a_streamed_call_has_the_input_of_the_whole_one() {
    let bedrock = Bedrock::start();
    let body = ask("Use get_weather and get_time.", tools());
    let whole = answer(&bedrock, NOVA, &body);
    let stream = bedrock.stream(NOVA, "converse-stream", &body);
    let payloads: Vec<Value> = stream.frames.iter().map(Frame::payload).collect();
    for index in [1, 2] {
        let of_block = |payload: &&Value| payload["contentBlockIndex"] == index;
        let block: Vec<&Value> = payloads.iter().filter(of_block).collect();
        let call = &whole["output"]["message"]["content"][index]["toolUse"];
        let start = &block[0]["start"]["toolUse"];
        assert_eq!(start["name"], call["name"]);
        assert_eq!(start["toolUseId"], call["toolUseId"]);
        let pieces: Vec<&str> = block
            .iter()
            .filter_map(|payload| payload["delta"]["toolUse"]["input"].as_str())
            .collect();
        assert!(pieces.len() > 1, "{pieces:?}");
        let input: Value = serde_json::from_str(&pieces.concat()).expect("JSON");
        assert_eq!(input, call["input"]);
    }
    let stop = payloads
        .iter()
        .find(|payload| payload["stopReason"].is_string());
    assert_eq!(stop.expect("an end")["stopReason"], "tool_use");
}

#[test]
fn a_choice_forces_a_call_without_text() {
    let bedrock = Bedrock::start();
    for (choice, name) in [
        (json!({"any": {}}), "get_weather"),
        (json!({"tool": {"name": "get_time"}}), "get_time"),
    ] {
        let mut config = tools();
        config["toolChoice"] = choice;
        let whole = answer(&bedrock, NOVA, &ask("Hello", config));
        let content = whole["output"]["message"]["content"].as_array();
        let [only] = content.expect("a list").as_slice() else {
            panic!("{whole}");
        };
        assert_eq!(only["toolUse"]["name"], name);
    }
}

#[test]
fn the_answer_to_a_result_tells_it() {
    let bedrock = Bedrock::start();
    let whole = answer(&bedrock, NOVA, &called(&json!([result("t1")])));
    assert_eq!(whole["stopReason"], "end_turn");
    let text = whole["output"].to_string();
    assert!(text.contains("[result: 21 degrees]"), "{text}");
    let failed = json!({"toolResult": {"toolUseId": "t1", "content": [{"json": {"a": 1}}], "status": "error"}});
    let text = answer(&bedrock, NOVA, &called(&json!([failed])))["output"].to_string();
    assert!(text.contains("[failed result: {"), "{text}");
}

#[test]
fn an_answer_keeps_to_its_schema_where_the_model_can() {
    let bedrock = Bedrock::start();
    let body = |schema: &Value| {
        json!({
            "messages": [{"role": "user", "content": [{"text": "Hello"}]}],
            "outputConfig": {"textFormat": {"type": "json_schema", "structure": {
                "jsonSchema": {"schema": schema.to_string(), "name": "fox"},
            }}},
        })
    };
    let closed = json!({"type": "object", "properties": {"name": {"type": "string"}}, "additionalProperties": false});
    let whole = answer(&bedrock, SONNET, &body(&closed));
    let text = whole["output"]["message"]["content"][0]["text"].as_str();
    let told: Value = serde_json::from_str(text.expect("a text")).expect("JSON");
    assert_eq!(told, json!({"name": "[simulated] name"}));
    let stream = bedrock.stream(SONNET, "converse-stream", &body(&closed));
    let payloads = stream.frames.iter().map(Frame::payload);
    let streamed: String = payloads
        .filter_map(|payload| Some(payload["delta"]["text"].as_str()?.to_owned()))
        .collect();
    assert_eq!(Some(streamed.as_str()), text);

    refused(&bedrock, NOVA, &body(&closed), "outputConfig.textFormat");
    let open = json!({"type": "object", "properties": {}});
    refused(&bedrock, SONNET, &body(&open), "additionalProperties");
}

#[test]
fn what_bedrock_refuses_of_tools_is_refused() {
    let bedrock = Bedrock::start();
    let mut without = called(&json!([result("t1")]));
    without
        .as_object_mut()
        .expect("an object")
        .remove("toolConfig");
    let with_choice = |choice: Value| {
        let mut config = tools();
        config["toolChoice"] = choice;
        config
    };
    let mut typeless = tools();
    typeless["tools"][0]["toolSpec"]["inputSchema"]["json"] = json!({});
    let mut strict = tools();
    strict["tools"][0]["toolSpec"]["strict"] = json!(true);
    for (model, body, part) in [
        (TITAN, ask("Hello", tools()), "doesn't support tool use"),
        (NOVA, without, "toolConfig field must be defined"),
        (
            NOVA,
            called(&json!([{"text": "And?"}])),
            "Expected toolResult blocks at messages.2.content for the following Ids: t1",
        ),
        (
            NOVA,
            called(&json!([result("t2")])),
            "Expected toolResult blocks",
        ),
        (
            NOVA,
            called(&json!([result("t1"), result("t2")])),
            "exceeds the number of toolUse blocks",
        ),
        (
            NOVA,
            called(&json!([{"toolResult": {"toolUseId": "t1", "content": [{"text": " "}]}}])),
            "is blank",
        ),
        (
            NOVA,
            ask(
                "Hello",
                json!({"tools": [tool("get_time"), tool("get_time")]}),
            ),
            "duplicate tool names",
        ),
        (NOVA, ask("Hello", typeless), "inputSchema.json.type"),
        (NOVA, ask("Hello", strict), "strict"),
        (
            NOVA,
            ask("Hello", json!({"tools": [tool("a b")]})),
            "regular expression pattern",
        ),
        (
            NOVA,
            ask("Hello", with_choice(json!({"tool": {"name": "sing"}}))),
            "is not among the tools",
        ),
        (
            JAMBA,
            ask("Hello", with_choice(json!({"any": {}}))),
            "toolConfig.toolChoice.any",
        ),
    ] {
        refused(&bedrock, model, &body, part);
    }
}
