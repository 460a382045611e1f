//! What is known of single models: limits, what Converse serves, end of life, successor.
//!
//! Dates label and suggest; they never refuse a call. Whether a model is retired is only what
//! Bedrock answers. Sources: the userguide's pages `model-lifecycle`, `titan-text-models`,
//! `model-parameters-*` and `conversation-inference-supported-models-features`. Where sources
//! conflict over a limit the largest is taken, so that Bedrock has the last word; one that nobody
//! states is `None`.

use super::family::{Family, ImageFamily, TextFamily};

/// What is known of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The model's id, `provider.model`.
    pub id: &'static str,
    /// Its family.
    pub family: Family,
    /// Tokens of one answer.
    pub max_output: Option<u32>,
    /// Whether Converse serves it.
    pub converse: bool,
    /// Whether Converse takes a system prompt for it.
    pub system_prompt: bool,
    /// Whether it takes `temperature` or `top_p`, but not both.
    pub one_of_temperature_and_top_p: bool,
    /// Its last day, as `YYYY-MM-DD`, where AWS has named one.
    pub end_of_life: Option<&'static str>,
    /// What to use instead.
    pub successor: Option<&'static str>,
}

const fn text(id: &'static str, family: TextFamily, max_output: Option<u32>) -> Entry {
    Entry {
        id,
        family: Family::Text(family),
        max_output,
        converse: true,
        system_prompt: true,
        one_of_temperature_and_top_p: false,
        end_of_life: None,
        successor: None,
    }
}

const fn image(id: &'static str, family: ImageFamily) -> Entry {
    Entry {
        id,
        family: Family::Image(family),
        max_output: None,
        converse: false,
        system_prompt: false,
        one_of_temperature_and_top_p: false,
        end_of_life: None,
        successor: None,
    }
}

impl Entry {
    const fn without_converse(self) -> Self {
        Self {
            converse: false,
            system_prompt: false,
            ..self
        }
    }

    const fn without_system_prompt(self) -> Self {
        Self {
            system_prompt: false,
            ..self
        }
    }

    const fn with_one_of_temperature_and_top_p(self) -> Self {
        Self {
            one_of_temperature_and_top_p: true,
            ..self
        }
    }

    const fn ends(self, day: &'static str) -> Self {
        Self {
            end_of_life: Some(day),
            ..self
        }
    }

    const fn then(self, successor: &'static str) -> Self {
        Self {
            successor: Some(successor),
            ..self
        }
    }
}

const NOVA_MICRO: &str = "us.amazon.nova-micro-v1:0";
const NOVA_LITE: &str = "us.amazon.nova-lite-v1:0";
const NOVA_PRO: &str = "us.amazon.nova-pro-v1:0";
const NOVA_2_LITE: &str = "us.amazon.nova-2-lite-v1:0";
const HAIKU: &str = "us.anthropic.claude-haiku-4-5-20251001-v1:0";
const SONNET: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
const CORE: &str = "stability.stable-image-core-v1:1";

/// The models that are known.
pub const ENTRIES: &[Entry] = &[
    // No lifecycle table names tg1-large; every other Titan Text model has ended.
    text("amazon.titan-tg1-large", TextFamily::TitanText, None)
        .without_converse()
        .then(NOVA_MICRO),
    text(
        "amazon.titan-text-lite-v1",
        TextFamily::TitanText,
        Some(4_096),
    )
    .without_system_prompt()
    .ends("2025-08-15")
    .then(NOVA_MICRO),
    text(
        "amazon.titan-text-express-v1",
        TextFamily::TitanText,
        Some(8_192),
    )
    .without_system_prompt()
    .ends("2025-08-15")
    .then(NOVA_LITE),
    text(
        "amazon.titan-text-premier-v1:0",
        TextFamily::TitanText,
        Some(3_072),
    )
    .without_system_prompt()
    .ends("2025-08-15")
    .then(NOVA_PRO),
    text("anthropic.claude-v2", TextFamily::ClaudeText, Some(4_096))
        .ends("2025-07-21")
        .then(SONNET),
    text("anthropic.claude-v2:1", TextFamily::ClaudeText, Some(4_096))
        .ends("2025-07-21")
        .then(SONNET),
    text(
        "anthropic.claude-instant-v1",
        TextFamily::ClaudeText,
        Some(4_096),
    )
    .ends("2025-07-21")
    .then(HAIKU),
    text("anthropic.claude-v1", TextFamily::ClaudeText, Some(4_096))
        .ends("2024-02-28")
        .then(SONNET),
    text(
        "anthropic.claude-3-opus-20240229-v1:0",
        TextFamily::ClaudeMessages,
        Some(4_096),
    )
    .ends("2026-01-15")
    .then(SONNET),
    text(
        "anthropic.claude-3-5-sonnet-20240620-v1:0",
        TextFamily::ClaudeMessages,
        Some(8_192),
    )
    .ends("2026-03-01")
    .then(SONNET),
    text(
        "anthropic.claude-3-7-sonnet-20250219-v1:0",
        TextFamily::ClaudeMessages,
        Some(128_000),
    )
    .ends("2026-04-28")
    .then(SONNET),
    text(
        "anthropic.claude-opus-4-20250514-v1:0",
        TextFamily::ClaudeMessages,
        Some(32_000),
    )
    .ends("2026-05-31")
    .then(SONNET),
    text(
        "anthropic.claude-sonnet-4-20250514-v1:0",
        TextFamily::ClaudeMessages,
        Some(64_000),
    )
    .ends("2026-10-14")
    .then(SONNET),
    text(
        "anthropic.claude-opus-4-1-20250805-v1:0",
        TextFamily::ClaudeMessages,
        Some(32_000),
    )
    .ends("2027-01-08")
    .then(SONNET),
    text(
        "anthropic.claude-3-haiku-20240307-v1:0",
        TextFamily::ClaudeMessages,
        Some(4_096),
    )
    .ends("2026-09-10")
    .then(HAIKU),
    text(
        "anthropic.claude-3-sonnet-20240229-v1:0",
        TextFamily::ClaudeMessages,
        Some(4_096),
    )
    .ends("2025-07-21")
    .then(SONNET),
    text(
        "anthropic.claude-3-5-haiku-20241022-v1:0",
        TextFamily::ClaudeMessages,
        Some(8_192),
    )
    .ends("2026-06-19")
    .then(HAIKU),
    text(
        "anthropic.claude-3-5-sonnet-20241022-v2:0",
        TextFamily::ClaudeMessages,
        Some(8_192),
    )
    .ends("2026-03-01")
    .then(SONNET),
    text(
        "anthropic.claude-haiku-4-5-20251001-v1:0",
        TextFamily::ClaudeMessages,
        Some(64_000),
    )
    .with_one_of_temperature_and_top_p(),
    text(
        "anthropic.claude-sonnet-4-5-20250929-v1:0",
        TextFamily::ClaudeMessages,
        Some(64_000),
    )
    .with_one_of_temperature_and_top_p(),
    text("amazon.nova-micro-v1:0", TextFamily::NovaText, Some(10_000)),
    text("amazon.nova-lite-v1:0", TextFamily::NovaText, Some(10_000)),
    text("amazon.nova-pro-v1:0", TextFamily::NovaText, Some(10_000)),
    text(
        "amazon.nova-premier-v1:0",
        TextFamily::NovaText,
        Some(10_000),
    )
    .ends("2026-09-14")
    .then(NOVA_2_LITE),
    text("amazon.nova-2-lite-v1:0", TextFamily::NovaText, None),
    text("ai21.jamba-instruct-v1:0", TextFamily::Jamba, Some(4_096))
        .ends("2025-08-01")
        .then(NOVA_LITE),
    text("ai21.jamba-1-5-mini-v1:0", TextFamily::Jamba, Some(4_096))
        .ends("2026-11-26")
        .then(NOVA_LITE),
    text("ai21.jamba-1-5-large-v1:0", TextFamily::Jamba, Some(4_096))
        .ends("2026-11-26")
        .then(NOVA_PRO),
    image(
        "stability.stable-diffusion-xl",
        ImageFamily::StableDiffusionXl,
    )
    .ends("2024-04-30")
    .then(CORE),
    image(
        "stability.stable-diffusion-xl-v0",
        ImageFamily::StableDiffusionXl,
    )
    .ends("2024-04-30")
    .then(CORE),
    image(
        "stability.stable-diffusion-xl-v1",
        ImageFamily::StableDiffusionXl,
    )
    .ends("2025-05-20")
    .then(CORE),
    image("stability.stable-image-core-v1:0", ImageFamily::StableImage)
        .ends("2025-09-04")
        .then(CORE),
    image("stability.stable-image-core-v1:1", ImageFamily::StableImage),
];

/// What is known of the model with this `provider.model` id. An id that names a context variant
/// (`…:18k`) or a revision (`…-v1:0`) of a known model is that model.
pub fn entry(base: &str) -> Option<&'static Entry> {
    ENTRIES
        .iter()
        .filter(|entry| is_variant(base, entry.id))
        .max_by_key(|entry| entry.id.len())
}

fn is_variant(base: &str, id: &str) -> bool {
    base.strip_prefix(id)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ModelId;

    #[test]
    fn a_model_is_found_by_its_id_and_by_its_variants() {
        for (base, id) in [
            ("anthropic.claude-v2", Some("anthropic.claude-v2")),
            ("anthropic.claude-v2:1", Some("anthropic.claude-v2:1")),
            ("anthropic.claude-v2:1:200k", Some("anthropic.claude-v2:1")),
            ("anthropic.claude-v2:0", Some("anthropic.claude-v2")),
            (
                "stability.stable-diffusion-xl-v1:0",
                Some("stability.stable-diffusion-xl-v1"),
            ),
            ("stability.stable-diffusion-xl-v9", None),
            (
                "amazon.titan-text-express-v1:0:8k",
                Some("amazon.titan-text-express-v1"),
            ),
        ] {
            assert_eq!(entry(base).map(|entry| entry.id), id, "{base}");
        }
    }

    #[test]
    fn the_family_of_an_entry_is_the_one_that_its_id_says() {
        for entry in ENTRIES {
            assert_eq!(Family::of(entry.id), Some(entry.family), "{}", entry.id);
        }
    }

    #[test]
    fn a_successor_is_a_known_model_that_has_not_ended() {
        for entry in ENTRIES {
            assert!(
                entry.end_of_life.is_none() || entry.successor.is_some(),
                "{} has no successor",
                entry.id
            );
            let Some(successor) = entry.successor else {
                continue;
            };
            let id = ModelId::parse(successor).unwrap();
            let next = super::entry(id.base().unwrap())
                .unwrap_or_else(|| panic!("{successor} is unknown"));
            assert_eq!(next.end_of_life, None, "{successor} has ended itself");
        }
    }
}
