//! The families' native wire formats, one file each, all of them pure.
//!
//! Every file has the same order: wire types, parameters, encode, decode, stream chunk. The
//! dispatch here is exhaustive, so that a new family is a list of compile errors to work through
//! (`CONTRIBUTING.md` has the checklist).

mod amazon_image;
mod answer;
mod any_answer;
mod chat_completions;
mod claude_messages;
mod claude_text;
mod cohere_command;
mod cohere_command_r;
mod conversation;
mod deepseek_r1;
mod image_option;
mod jamba;
mod jurassic_2;
mod lenient;
mod llama;
mod mistral_chat;
mod mistral_instruct;
mod nova_text;
mod openai_chat;
mod parameter;
mod qwen;
mod stable_diffusion_xl;
mod stable_image;
mod template;
mod thinking;
mod titan_text;
mod transcript;

pub use answer::{
    Beside, Chunk, Completion, Finish, Picture, Policy, Reasoning, Thought, ToolDelta, Usage,
};
pub use answer::{Pictures, Seeds};
pub use conversation::{Conversation, Input, Role, Turn};
pub use image_option::{Grid, ImageBounds, ImageRule, Shape};
pub use parameter::{Bounds, Rule, check};
pub use thinking::{Splitter, Thinking};

use answer::{File, InvocationMetrics};

use std::borrow::Cow;

use serde::Deserialize;

use crate::Error;
use crate::api::image::{Choice, Drawing, Size};
use crate::api::inference::{Inference, Parameter};
use crate::error::FieldFault;
use crate::model::{Entry, ImageFamily, TextFamily};

/// What the family does with a parameter, for this model.
pub fn rule(family: TextFamily, model: Option<&Entry>, parameter: Parameter) -> Rule {
    if let Some(refused) = quirk(model, parameter) {
        return refused;
    }
    match family {
        TextFamily::TitanText => titan_text::rule(model, parameter),
        TextFamily::ClaudeText => claude_text::rule(model, parameter),
        TextFamily::ClaudeMessages => claude_messages::rule(model, parameter),
        TextFamily::NovaText => nova_text::rule(model, parameter),
        TextFamily::Jamba => jamba::rule(model, parameter),
        TextFamily::Llama2 | TextFamily::Llama3 | TextFamily::Llama4 => {
            llama::rule(model, parameter)
        }
        TextFamily::DeepseekR1 => deepseek_r1::rule(model, parameter),
        TextFamily::OpenaiChat => openai_chat::rule(model, parameter),
        TextFamily::Qwen => qwen::rule(model, parameter),
        TextFamily::MistralChat => mistral_chat::rule(model, parameter),
        TextFamily::MistralInstruct => mistral_instruct::rule(model, parameter),
        TextFamily::CohereCommand => cohere_command::rule(model, parameter),
        TextFamily::Jurassic2 => jurassic_2::rule(model, parameter),
        TextFamily::CohereCommandR => cohere_command_r::rule(model, parameter),
    }
}

/// The refusal of a parameter that this model does not take, though others of its family do.
pub fn quirk(model: Option<&Entry>, parameter: Parameter) -> Option<Rule> {
    let quirks = model?.quirks;
    let refused = match parameter {
        Parameter::Temperature | Parameter::TopP | Parameter::TopK => quirks.no_sampling,
        Parameter::Stop => quirks.no_stop,
        Parameter::MaxTokens
        | Parameter::MinTokens
        | Parameter::PresencePenalty
        | Parameter::FrequencyPenalty
        | Parameter::CountPenalty
        | Parameter::LengthPenalty
        | Parameter::RepetitionPenalty
        | Parameter::Seed => false,
    };
    refused.then_some(Rule::Refused {
        reason: "this model takes none",
    })
}

/// The native body of a request for text, after [`check`].
pub fn encode_text(
    family: TextFamily,
    model: Option<&Entry>,
    input: Input<'_>,
    inference: &Inference,
) -> Result<Vec<u8>, Error> {
    check(family.name(), inference, |parameter| {
        rule(family, model, parameter)
    })?;
    let inference = &settle(model, inference)?;
    let body = match family {
        TextFamily::TitanText => serde_json::to_vec(&titan_text::encode(input, inference)),
        TextFamily::ClaudeText => serde_json::to_vec(&claude_text::encode(model, input, inference)),
        TextFamily::ClaudeMessages => {
            serde_json::to_vec(&claude_messages::encode(input, inference))
        }
        TextFamily::NovaText => serde_json::to_vec(&nova_text::encode(input, inference)),
        TextFamily::Jamba => serde_json::to_vec(&jamba::encode(input, inference)),
        TextFamily::Llama2 => serde_json::to_vec(&llama::encode(&llama::LLAMA_2, input, inference)),
        TextFamily::Llama3 => serde_json::to_vec(&llama::encode(&llama::LLAMA_3, input, inference)),
        TextFamily::Llama4 => serde_json::to_vec(&llama::encode(&llama::LLAMA_4, input, inference)),
        TextFamily::DeepseekR1 => serde_json::to_vec(&deepseek_r1::encode(input, inference)),
        TextFamily::OpenaiChat => serde_json::to_vec(&openai_chat::encode(input, inference)),
        TextFamily::Qwen => serde_json::to_vec(&qwen::encode(input, inference)),
        TextFamily::MistralChat => serde_json::to_vec(&mistral_chat::encode(input, inference)),
        TextFamily::MistralInstruct => {
            serde_json::to_vec(&mistral_instruct::encode(input, inference))
        }
        TextFamily::CohereCommand => serde_json::to_vec(&cohere_command::encode(input, inference)),
        TextFamily::Jurassic2 => serde_json::to_vec(&jurassic_2::encode(input, inference)),
        TextFamily::CohereCommandR => {
            serde_json::to_vec(&cohere_command_r::encode(input, inference)?)
        }
    };
    body.map_err(|_| Error::defect("encode_text"))
}

/// The parameters as this model can take them together. Where it takes `temperature` or `top_p`
/// but not both, a `top_p` of 1 beside a temperature cuts nothing and is left out; any other pair is
/// refused.
pub fn settle<'a>(
    model: Option<&Entry>,
    inference: &'a Inference,
) -> Result<Cow<'a, Inference>, Error> {
    let exclusive = model.is_some_and(|model| model.quirks.one_of_temperature_and_top_p);
    match (inference.temperature, inference.top_p) {
        (Some(_), Some(top_p)) if exclusive && top_p >= 1.0 => Ok(Cow::Owned(Inference {
            top_p: None,
            ..inference.clone()
        })),
        (Some(_), Some(_)) if exclusive => {
            let reason = "it takes `temperature` or `top_p`, but not both";
            let fault = FieldFault::Unsupported {
                by: "this model",
                reason,
            };
            Err(Error::Field {
                param: Parameter::TopP.name().to_owned(),
                fault,
            })
        }
        _ => Ok(Cow::Borrowed(inference)),
    }
}

/// Whether the model's answer begins behind the marker of its turn, in a transcript: the space or
/// newline that it begins with then means nothing. Behind a prefill it does.
pub fn answers_behind_marker(family: TextFamily, input: Input<'_>) -> bool {
    let Input::Conversation(conversation) = input else {
        return false;
    };
    let writes_transcript = match family {
        TextFamily::TitanText
        | TextFamily::Llama2
        | TextFamily::Llama3
        | TextFamily::Llama4
        | TextFamily::CohereCommand
        | TextFamily::Jurassic2
        | TextFamily::MistralInstruct
        | TextFamily::ClaudeText => true,
        TextFamily::ClaudeMessages
        | TextFamily::NovaText
        | TextFamily::Jamba
        | TextFamily::DeepseekR1
        | TextFamily::OpenaiChat
        | TextFamily::Qwen
        | TextFamily::MistralChat
        | TextFamily::CohereCommandR => false,
    };
    writes_transcript && !conversation.ends_with_prefill()
}

/// How the text of the family's native answer tells what the model thinks.
pub fn thinking(family: TextFamily, input: Input<'_>) -> Thinking {
    // A completion has no place for thoughts: its text is what the model wrote.
    let Input::Conversation(conversation) = input else {
        return Thinking::Untold;
    };
    match family {
        TextFamily::TitanText
        | TextFamily::ClaudeText
        | TextFamily::ClaudeMessages
        | TextFamily::NovaText
        | TextFamily::Jurassic2
        | TextFamily::Jamba
        | TextFamily::CohereCommand
        | TextFamily::CohereCommandR
        | TextFamily::MistralInstruct
        | TextFamily::MistralChat
        | TextFamily::Llama2
        | TextFamily::Llama3
        | TextFamily::Llama4 => Thinking::Untold,
        TextFamily::DeepseekR1 if conversation.ends_with_prefill() => Thinking::Tagged,
        TextFamily::DeepseekR1 => Thinking::Begun,
        TextFamily::OpenaiChat => Thinking::TaggedReasoning,
        TextFamily::Qwen => Thinking::Tagged,
    }
}

/// The native body for a streamed answer, from the one for a whole answer.
pub fn streamed_body(family: TextFamily, body: &[u8]) -> Cow<'_, [u8]> {
    match family {
        TextFamily::CohereCommand => Cow::Owned(cohere_command::streamed(body)),
        TextFamily::TitanText
        | TextFamily::ClaudeText
        | TextFamily::ClaudeMessages
        | TextFamily::NovaText
        | TextFamily::Jamba
        | TextFamily::Llama2
        | TextFamily::Llama3
        | TextFamily::Llama4
        | TextFamily::DeepseekR1
        | TextFamily::OpenaiChat
        | TextFamily::Qwen
        | TextFamily::Jurassic2
        | TextFamily::CohereCommandR
        | TextFamily::MistralInstruct
        | TextFamily::MistralChat => Cow::Borrowed(body),
    }
}

/// Whether the family's models stream. One that does not is asked for the whole answer, which a
/// streamed request then has as its one chunk.
pub const fn streams(family: TextFamily) -> bool {
    match family {
        TextFamily::Jurassic2 => false,
        TextFamily::TitanText
        | TextFamily::ClaudeText
        | TextFamily::ClaudeMessages
        | TextFamily::NovaText
        | TextFamily::Jamba
        | TextFamily::Llama2
        | TextFamily::Llama3
        | TextFamily::Llama4
        | TextFamily::DeepseekR1
        | TextFamily::OpenaiChat
        | TextFamily::Qwen
        | TextFamily::CohereCommand
        | TextFamily::CohereCommandR
        | TextFamily::MistralInstruct
        | TextFamily::MistralChat => true,
    }
}

/// A text model's answer from its native body.
pub fn decode_text(family: TextFamily, body: &[u8]) -> Result<Completion, Error> {
    match family {
        TextFamily::TitanText => titan_text::decode(read(family.name(), body)?),
        TextFamily::ClaudeText => Ok(claude_text::decode(read(family.name(), body)?)),
        TextFamily::ClaudeMessages => Ok(claude_messages::decode(read(family.name(), body)?)),
        TextFamily::NovaText => Ok(nova_text::decode(read(family.name(), body)?)),
        TextFamily::Jamba => jamba::decode(read(family.name(), body)?),
        TextFamily::Llama2
        | TextFamily::Llama3
        | TextFamily::Llama4
        | TextFamily::DeepseekR1
        | TextFamily::MistralChat
        | TextFamily::MistralInstruct
        | TextFamily::OpenaiChat
        | TextFamily::Qwen => any_answer::decode(family.name(), read(family.name(), body)?),
        TextFamily::CohereCommand => cohere_command::decode(read(family.name(), body)?),
        TextFamily::Jurassic2 => jurassic_2::decode(read(family.name(), body)?),
        TextFamily::CohereCommandR => cohere_command_r::decode(read(family.name(), body)?),
    }
}

/// One chunk of a text model's streamed answer.
pub fn decode_chunk(family: TextFamily, body: &[u8]) -> Result<Chunk, Error> {
    match family {
        TextFamily::TitanText => Ok(titan_text::decode_chunk(read(family.name(), body)?)),
        TextFamily::ClaudeText => Ok(claude_text::decode_chunk(read(family.name(), body)?)),
        TextFamily::ClaudeMessages => Ok(claude_messages::decode_chunk(read(family.name(), body)?)),
        TextFamily::NovaText => Ok(nova_text::decode_chunk(read(family.name(), body)?)),
        TextFamily::Jamba => Ok(jamba::decode_chunk(read(family.name(), body)?)),
        TextFamily::Llama2
        | TextFamily::Llama3
        | TextFamily::Llama4
        | TextFamily::DeepseekR1
        | TextFamily::MistralChat
        | TextFamily::MistralInstruct
        | TextFamily::OpenaiChat
        | TextFamily::Qwen => Ok(any_answer::decode_chunk(read(family.name(), body)?)),
        TextFamily::CohereCommand => cohere_command::decode_chunk(read(family.name(), body)?),
        TextFamily::Jurassic2 => jurassic_2::decode_chunk(read(family.name(), body)?),
        TextFamily::CohereCommandR => cohere_command_r::decode_chunk(read(family.name(), body)?),
    }
}

/// What the image family does with a choice, for this model.
pub fn image_rule(family: ImageFamily, model: Option<&Entry>, choice: Choice) -> ImageRule {
    match family {
        ImageFamily::StableDiffusionXl => stable_diffusion_xl::rule(model, choice),
        ImageFamily::StableImage => stable_image::rule(stable_image::Model::Core, choice),
        ImageFamily::StableImageUltra => stable_image::rule(stable_image::Model::Ultra, choice),
        ImageFamily::StableDiffusion3 => {
            stable_image::rule(stable_image::Model::large(model), choice)
        }
        ImageFamily::TitanImage => amazon_image::rule(amazon_image::Model::titan(model), choice),
        ImageFamily::NovaCanvas => amazon_image::rule(amazon_image::Model::NovaCanvas, choice),
    }
}

/// How many images the family makes in one call, of this drawing.
pub fn most_at_once(family: ImageFamily, model: Option<&Entry>, drawing: &Drawing) -> usize {
    match family {
        ImageFamily::StableDiffusionXl
        | ImageFamily::StableImage
        | ImageFamily::StableImageUltra
        | ImageFamily::StableDiffusion3 => 1,
        ImageFamily::TitanImage => {
            amazon_image::most_at_once(amazon_image::Model::titan(model), drawing)
        }
        ImageFamily::NovaCanvas => {
            amazon_image::most_at_once(amazon_image::Model::NovaCanvas, drawing)
        }
    }
}

/// The native body of a request for so many images, [`most_at_once`] at most.
pub fn encode_image(
    family: ImageFamily,
    model: Option<&Entry>,
    drawing: &Drawing,
    count: usize,
) -> Result<Vec<u8>, Error> {
    image_option::check(family.name(), drawing, |choice| {
        image_rule(family, model, choice)
    })?;
    let body = match family {
        ImageFamily::StableDiffusionXl => {
            serde_json::to_vec(&stable_diffusion_xl::encode(model, drawing)?)
        }
        ImageFamily::StableImage => {
            serde_json::to_vec(&stable_image::encode(stable_image::Model::Core, drawing)?)
        }
        ImageFamily::StableImageUltra => {
            serde_json::to_vec(&stable_image::encode(stable_image::Model::Ultra, drawing)?)
        }
        ImageFamily::StableDiffusion3 => {
            let model = stable_image::Model::large(model);
            serde_json::to_vec(&stable_image::encode(model, drawing)?)
        }
        ImageFamily::TitanImage => {
            let model = amazon_image::Model::titan(model);
            serde_json::to_vec(&amazon_image::encode(model, drawing, count)?)
        }
        ImageFamily::NovaCanvas => {
            let model = amazon_image::Model::NovaCanvas;
            serde_json::to_vec(&amazon_image::encode(model, drawing, count)?)
        }
    };
    body.map_err(|_| Error::defect("encode_image"))
}

/// The seeds of the family.
pub fn seeds(family: ImageFamily, model: Option<&Entry>) -> Seeds {
    match family {
        ImageFamily::StableDiffusionXl => stable_diffusion_xl::SEEDS,
        ImageFamily::StableImage => stable_image::Model::Core.seeds(),
        ImageFamily::StableImageUltra => stable_image::Model::Ultra.seeds(),
        ImageFamily::StableDiffusion3 => stable_image::Model::large(model).seeds(),
        ImageFamily::TitanImage => amazon_image::Model::titan(model).seeds(),
        ImageFamily::NovaCanvas => amazon_image::Model::NovaCanvas.seeds(),
    }
}

/// Whether an image may have this size, given what was asked for.
pub fn may_have_size(family: ImageFamily, drawing: &Drawing, size: Size) -> bool {
    match family {
        ImageFamily::StableDiffusionXl | ImageFamily::TitanImage | ImageFamily::NovaCanvas => {
            drawing.size.is_none_or(|asked| asked == size)
        }
        // A size is only asked for as a shape.
        ImageFamily::StableImage
        | ImageFamily::StableImageUltra
        | ImageFamily::StableDiffusion3 => true,
    }
}

/// An image model's answer from its native body.
pub fn decode_image(family: ImageFamily, body: &[u8]) -> Result<Pictures<'_>, Error> {
    let stable_image = |which| stable_image::decode(which, read(family.name(), body)?);
    match family {
        ImageFamily::StableDiffusionXl => stable_diffusion_xl::decode(read(family.name(), body)?),
        ImageFamily::StableImage => stable_image(stable_image::Model::Core),
        ImageFamily::StableImageUltra => stable_image(stable_image::Model::Ultra),
        ImageFamily::StableDiffusion3 => stable_image(stable_image::Model::Large3_5),
        ImageFamily::TitanImage => {
            amazon_image::decode(amazon_image::Model::TitanV2, read(family.name(), body)?)
        }
        ImageFamily::NovaCanvas => {
            amazon_image::decode(amazon_image::Model::NovaCanvas, read(family.name(), body)?)
        }
    }
}

/// Reads an answer's JSON; the error says where it leaves the family's shape.
fn read<'a, T: Deserialize<'a>>(family: &'static str, body: &'a [u8]) -> Result<T, Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let reason = error.inner().to_string();
        // What is missing has no path of its own.
        let missing = reason
            .strip_prefix("missing field `")
            .and_then(|rest| rest.split_once('`'));
        let path = match (missing, path.as_str()) {
            (None, _) => path,
            (Some((field, _)), ".") => field.to_owned(),
            (Some((field, _)), path) => format!("{path}.{field}"),
        };
        Error::malformed(family, path)
    })
}
