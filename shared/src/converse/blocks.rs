//! The turns of a dialogue as Converse's messages.

use aws_sdk_bedrockruntime::primitives::Blob;
use aws_sdk_bedrockruntime::types::{
    CachePointBlock, CachePointType, CacheTtl, ContentBlock, ConversationRole, DocumentBlock,
    DocumentFormat as SdkDocumentFormat, DocumentSource, ImageBlock, ImageFormat as SdkImageFormat,
    ImageSource, Message, ReasoningContentBlock, ReasoningTextBlock, SystemContentBlock,
    ToolResultBlock, ToolResultContentBlock, ToolUseBlock,
};

use super::fields;
use crate::Error;
use crate::dialogue::{CachePoint, Instruction, Part, ToolResult, ToolUse, Ttl, Turn};
use crate::families::{Reasoning, Role};
use crate::media::{Document, DocumentFormat, Image, ImageFormat};

/// The system prompt; `None` where there is none.
pub(super) fn system(
    instructions: &[Instruction],
) -> Result<Option<Vec<SystemContentBlock>>, Error> {
    let blocks = instructions.iter().map(|instruction| match instruction {
        Instruction::Text(text) => Ok(SystemContentBlock::Text(text.clone())),
        Instruction::CachePoint(point) => {
            cache_point(point.what).map(SystemContentBlock::CachePoint)
        }
    });
    let blocks: Vec<_> = blocks.collect::<Result<_, Error>>()?;
    Ok((!blocks.is_empty()).then_some(blocks))
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
        Part::Image(image) => picture(&image.what),
        Part::Document(document) => paper(&document.what),
        Part::Reasoning(reasoning) => thought(&reasoning.what),
        Part::CachePoint(point) => cache_point(point.what).map(ContentBlock::CachePoint),
    }
}

fn picture(image: &Image) -> Result<ContentBlock, Error> {
    ImageBlock::builder()
        .format(match image.format {
            ImageFormat::Png => SdkImageFormat::Png,
            ImageFormat::Jpeg => SdkImageFormat::Jpeg,
            ImageFormat::Gif => SdkImageFormat::Gif,
            ImageFormat::Webp => SdkImageFormat::Webp,
        })
        .source(ImageSource::Bytes(Blob::new(image.bytes.as_ref())))
        .build()
        .map(ContentBlock::Image)
        .map_err(|_| Error::defect("converse::image"))
}

fn paper(document: &Document) -> Result<ContentBlock, Error> {
    DocumentBlock::builder()
        .format(match document.format {
            DocumentFormat::Pdf => SdkDocumentFormat::Pdf,
            DocumentFormat::Csv => SdkDocumentFormat::Csv,
            DocumentFormat::Doc => SdkDocumentFormat::Doc,
            DocumentFormat::Docx => SdkDocumentFormat::Docx,
            DocumentFormat::Xls => SdkDocumentFormat::Xls,
            DocumentFormat::Xlsx => SdkDocumentFormat::Xlsx,
            DocumentFormat::Html => SdkDocumentFormat::Html,
            DocumentFormat::Txt => SdkDocumentFormat::Txt,
            DocumentFormat::Md => SdkDocumentFormat::Md,
        })
        .name(&document.name)
        .source(DocumentSource::Bytes(Blob::new(document.bytes.as_ref())))
        .build()
        .map(ContentBlock::Document)
        .map_err(|_| Error::defect("converse::document"))
}

fn thought(reasoning: &Reasoning) -> Result<ContentBlock, Error> {
    let block = match reasoning {
        Reasoning::Redacted(bytes) => {
            ReasoningContentBlock::RedactedContent(Blob::new(bytes.as_ref()))
        }
        Reasoning::Text { text, signature } => ReasoningTextBlock::builder()
            .text(text)
            .set_signature(signature.clone())
            .build()
            .map(ReasoningContentBlock::ReasoningText)
            .map_err(|_| Error::defect("converse::reasoning"))?,
    };
    Ok(ContentBlock::ReasoningContent(block))
}

pub(super) fn cache_point(point: CachePoint) -> Result<CachePointBlock, Error> {
    CachePointBlock::builder()
        .r#type(CachePointType::Default)
        .set_ttl(point.ttl.map(|ttl| match ttl {
            Ttl::FiveMinutes => CacheTtl::FiveMinutes,
            Ttl::OneHour => CacheTtl::OneHour,
        }))
        .build()
        .map_err(|_| Error::defect("converse::cache_point"))
}
