//! The turns of a dialogue as Converse's messages.

use aws_sdk_bedrockruntime::types::{
    ContentBlock, ConversationRole, Message, SystemContentBlock, ToolResultBlock,
    ToolResultContentBlock, ToolUseBlock,
};

use super::fields;
use crate::Error;
use crate::dialogue::{Instruction, Part, ToolResult, ToolUse, Turn};
use crate::families::Role;

/// The system prompt; `None` where there is none.
pub(super) fn system(instructions: &[Instruction]) -> Option<Vec<SystemContentBlock>> {
    let blocks = instructions.iter().map(|instruction| match instruction {
        Instruction::Text(text) => SystemContentBlock::Text(text.clone()),
    });
    (!instructions.is_empty()).then(|| blocks.collect())
}

/// One message.
pub(super) fn message(turn: &Turn) -> Result<Message, Error> {
    let blocks = turn.parts.iter().map(block).collect::<Result<_, _>>()?;
    Message::builder()
        .role(match turn.role {
            Role::User => ConversationRole::User,
            Role::Assistant => ConversationRole::Assistant,
        })
        .set_content(Some(blocks))
        .build()
        .map_err(|_| Error::defect("converse::message"))
}

fn block(part: &Part) -> Result<ContentBlock, Error> {
    match part {
        Part::Text(text) => Ok(ContentBlock::Text(text.clone())),
        Part::ToolUse(ToolUse { id, name, input }) => ToolUseBlock::builder()
            .tool_use_id(id)
            .name(name)
            .input(fields::document(input.clone()))
            .build()
            .map(ContentBlock::ToolUse)
            .map_err(|_| Error::defect("converse::tool_use")),
        // A text must not be blank.
        Part::ToolResult(ToolResult { id, text }) => ToolResultBlock::builder()
            .tool_use_id(id)
            .set_content(Some(match text.trim().is_empty() {
                true => Vec::new(),
                false => vec![ToolResultContentBlock::Text(text.clone())],
            }))
            .build()
            .map(ContentBlock::ToolResult)
            .map_err(|_| Error::defect("converse::tool_result")),
    }
}
