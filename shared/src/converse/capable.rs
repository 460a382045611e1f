//! What a model can take of a dialogue; what it cannot is refused by its place in the request. A model
//! that is not known is given everything.

use super::reasoning;
use crate::Error;
use crate::dialogue::{Dialogue, Instruction, Part, Placed};
use crate::error::FieldFault;
use crate::model::{Entry, TextFamily};

/// Refuses the first part that the model cannot take.
pub(super) fn check(
    family: Option<TextFamily>,
    model: Option<&Entry>,
    dialogue: &Dialogue,
) -> Result<(), Error> {
    let able = |has: fn(&Entry) -> bool| model.is_none_or(has);
    let caches = able(|model| model.capabilities.caching);
    let sees = able(|model| model.capabilities.vision);
    let reads = able(|model| model.capabilities.documents);
    for point in dialogue
        .tools
        .list
        .iter()
        .filter_map(|tool| tool.cache.as_ref())
    {
        demand(caches, point, CACHES)?;
    }
    for instruction in &dialogue.system {
        match instruction {
            Instruction::Text(_) => {}
            Instruction::CachePoint(point) => demand(caches, point, CACHES)?,
        }
    }
    for part in dialogue.turns.iter().flat_map(|turn| &turn.parts) {
        match part {
            // Tools have a check of their own.
            Part::Text(_) | Part::ToolUse(_) | Part::ToolResult(_) => {}
            Part::Image(image) => demand(sees, image, "it does not see images")?,
            Part::Document(document) => demand(reads, document, "it does not read documents")?,
            Part::CachePoint(point) => demand(caches, point, CACHES)?,
            Part::Reasoning(block) => {
                let takes = reasoning::goes_back(family, model);
                demand(takes, block, "it does not take back what a model thought")?;
            }
        }
    }
    Ok(())
}

const CACHES: &str = "it does not cache prompts";

fn demand<T>(able: bool, part: &Placed<T>, reason: &'static str) -> Result<(), Error> {
    match able {
        true => Ok(()),
        false => Err(Error::Field {
            param: part.path.clone(),
            fault: FieldFault::Unsupported {
                by: "this model",
                reason,
            },
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::chat::Request;
    use crate::api::limits::Limits;
    use crate::api::options::Options;
    use crate::converse;
    use crate::model::{Family, entry};

    const GIF: &str =
        r#"{"type":"image_url","image_url":{"url":"data:image/gif;base64,R0lGODlhAQABAA=="}}"#;
    const FILE: &str = r#"{"type":"text","text":"a"},{"type":"file","file":{"file_data":"data:text/plain;base64,YQ=="}}"#;
    const CACHED: &str = r#"{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}"#;
    const THOUGHT: &str = r#"[{"role":"user","content":"a"},{"role":"assistant","content":"b","thinking_blocks":[{"type":"thinking","thinking":"hm","signature":"s"}]},{"role":"user","content":"c"}]"#;

    fn encoded(id: &str, messages: &str) -> Result<converse::Request, Error> {
        let body = format!(r#"{{"messages":{messages}}}"#);
        let request = Request::parse(body.as_bytes(), &Limits::default()).unwrap();
        let model = entry(id);
        let family = model.and_then(|model| match model.family()? {
            Family::Text(family) => Some(family),
            Family::Image(_) => None,
        });
        let Request {
            dialogue,
            inference,
            ..
        } = request;
        converse::encode(family, model, &dialogue, &inference, &Options::default())
    }

    #[test]
    fn a_model_is_given_what_it_can_take() {
        let user = |parts: &str| format!(r#"[{{"role":"user","content":[{parts}]}}]"#);
        let system = format!(
            r#"[{{"role":"system","content":[{CACHED}]}},{{"role":"user","content":"a"}}]"#
        );
        let sonnet = "anthropic.claude-sonnet-4-5-20250929-v1:0";
        let (lite, micro, titan) = (
            "amazon.nova-lite-v1:0",
            "amazon.nova-micro-v1:0",
            "amazon.titan-text-express-v1",
        );
        let (image, file, cached) = (user(GIF), user(FILE), user(CACHED));
        for (able, unable, messages, param) in [
            (
                lite,
                micro,
                image.as_str(),
                "messages[0].content[0].image_url.url",
            ),
            (lite, micro, &file, "messages[0].content[1].file.file_data"),
            (
                micro,
                titan,
                &cached,
                "messages[0].content[0].cache_control",
            ),
            (
                micro,
                titan,
                &system,
                "messages[0].content[0].cache_control",
            ),
            (sonnet, micro, THOUGHT, "messages[1].thinking_blocks[0]"),
        ] {
            assert!(encoded(able, messages).is_ok(), "{able}: {messages}");
            // Whoever knows nothing leaves it to Bedrock.
            assert!(encoded("maker.unknown-v1:0", messages).is_ok());
            let error = encoded(unable, messages).unwrap_err();
            let told = (error.param(), error.row().code);
            assert_eq!(told, (Some(param), "unsupported_parameter"), "{unable}");
        }
    }
}
