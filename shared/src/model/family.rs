//! Families: models that share one native wire format.

use std::fmt;

use crate::closed_set::closed_set;

/// A family of models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// It writes text.
    Text(TextFamily),
    /// It draws images.
    Image(ImageFamily),
}

closed_set! {
    /// A family that writes text.
    pub enum TextFamily {
        /// Amazon Titan Text.
        TitanText = "titan-text",
        /// Anthropic Claude, text completions (v2, v2:1, Instant).
        ClaudeText = "claude-text",
        /// Anthropic Claude, Messages (3 and later).
        ClaudeMessages = "claude-messages",
        /// Amazon Nova, understanding models.
        NovaText = "nova-text",
        /// AI21 Jamba.
        Jamba = "jamba",
        /// Meta Llama 2.
        Llama2 = "llama-2",
        /// Meta Llama 3, 3.1, 3.2, 3.3.
        Llama3 = "llama-3",
        /// Meta Llama 4.
        Llama4 = "llama-4",
        /// DeepSeek R1.
        DeepseekR1 = "deepseek-r1",
        /// OpenAI's gpt-oss, with the body of OpenAI's chat completions.
        OpenaiChat = "openai-chat",
        /// Qwen3.
        Qwen = "qwen",
        /// Mistral, chat completions (Large 2407, Pixtral Large).
        MistralChat = "mistral-chat",
        /// Mistral, text completions (7B, 8x7B, Large and Small 2402).
        MistralInstruct = "mistral-instruct",
        /// Cohere Command and Command Light.
        CohereCommand = "cohere-command",
        /// AI21 Jurassic-2.
        Jurassic2 = "jurassic-2",
        /// Cohere Command R and R+.
        CohereCommandR = "cohere-command-r",
    }
}

closed_set! {
    /// A family that draws images.
    pub enum ImageFamily {
        /// Stability AI Stable Diffusion XL.
        StableDiffusionXl = "stable-diffusion-xl",
        /// Stability AI Stable Image Core.
        StableImage = "stable-image",
        /// Stability AI Stable Image Ultra.
        StableImageUltra = "stable-image-ultra",
        /// Stability AI Stable Diffusion 3 and 3.5 Large.
        StableDiffusion3 = "stable-diffusion-3",
        /// Amazon Titan Image Generator.
        TitanImage = "titan-image",
        /// Amazon Nova Canvas.
        NovaCanvas = "nova-canvas",
    }
}

impl Family {
    /// Every family.
    pub fn all() -> impl Iterator<Item = Self> {
        let text = TextFamily::ALL.iter().copied().map(Self::Text);
        text.chain(ImageFamily::ALL.iter().copied().map(Self::Image))
    }

    /// The name that requests and configuration declare it by.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text(family) => family.name(),
            Self::Image(family) => family.name(),
        }
    }

    /// The family with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|family| family.name() == name)
    }

    /// The names of all families, for a message.
    pub fn names() -> String {
        Self::all().map(Self::name).collect::<Vec<_>>().join(", ")
    }

    /// The family of a model that need not be in the catalogue, by its id's beginning, so that
    /// tomorrow's Claude works on its first day.
    pub fn of(base: &str) -> Option<Self> {
        // The more special beginning stands first.
        const BEGINNINGS: &[(&str, Family)] = &[
            ("amazon.titan-tg1", Family::Text(TextFamily::TitanText)),
            ("amazon.titan-text-", Family::Text(TextFamily::TitanText)),
            ("amazon.nova-micro", Family::Text(TextFamily::NovaText)),
            ("amazon.nova-lite", Family::Text(TextFamily::NovaText)),
            ("amazon.nova-pro", Family::Text(TextFamily::NovaText)),
            ("amazon.nova-premier", Family::Text(TextFamily::NovaText)),
            ("amazon.nova-2-lite", Family::Text(TextFamily::NovaText)),
            ("anthropic.claude-v", Family::Text(TextFamily::ClaudeText)),
            (
                "anthropic.claude-instant",
                Family::Text(TextFamily::ClaudeText),
            ),
            (
                "anthropic.claude-",
                Family::Text(TextFamily::ClaudeMessages),
            ),
            (
                "cohere.command-text-",
                Family::Text(TextFamily::CohereCommand),
            ),
            (
                "cohere.command-light-text-",
                Family::Text(TextFamily::CohereCommand),
            ),
            (
                "cohere.command-r-",
                Family::Text(TextFamily::CohereCommandR),
            ),
            ("ai21.j2-", Family::Text(TextFamily::Jurassic2)),
            ("ai21.jamba-", Family::Text(TextFamily::Jamba)),
            ("meta.llama2-", Family::Text(TextFamily::Llama2)),
            ("meta.llama3-", Family::Text(TextFamily::Llama3)),
            ("meta.llama4-", Family::Text(TextFamily::Llama4)),
            ("deepseek.r1", Family::Text(TextFamily::DeepseekR1)),
            ("openai.gpt-oss-", Family::Text(TextFamily::OpenaiChat)),
            ("qwen.qwen3-", Family::Text(TextFamily::Qwen)),
            (
                "mistral.mistral-7b-instruct-",
                Family::Text(TextFamily::MistralInstruct),
            ),
            (
                "mistral.mixtral-8x7b-",
                Family::Text(TextFamily::MistralInstruct),
            ),
            (
                "mistral.mistral-large-2402-",
                Family::Text(TextFamily::MistralInstruct),
            ),
            (
                "mistral.mistral-small-2402-",
                Family::Text(TextFamily::MistralInstruct),
            ),
            (
                "mistral.mistral-large-2407-",
                Family::Text(TextFamily::MistralChat),
            ),
            (
                "mistral.pixtral-large-",
                Family::Text(TextFamily::MistralChat),
            ),
            (
                "stability.stable-diffusion-xl",
                Family::Image(ImageFamily::StableDiffusionXl),
            ),
            (
                "stability.stable-image-core",
                Family::Image(ImageFamily::StableImage),
            ),
            (
                "stability.stable-image-ultra",
                Family::Image(ImageFamily::StableImageUltra),
            ),
            // The name in an example of Ultra's page.
            (
                "stability.sd3-ultra",
                Family::Image(ImageFamily::StableImageUltra),
            ),
            (
                "stability.sd3-",
                Family::Image(ImageFamily::StableDiffusion3),
            ),
            (
                "amazon.titan-image-generator",
                Family::Image(ImageFamily::TitanImage),
            ),
            ("amazon.nova-canvas", Family::Image(ImageFamily::NovaCanvas)),
        ];
        BEGINNINGS
            .iter()
            .find(|(beginning, _)| base.starts_with(beginning))
            .map(|(_, family)| *family)
    }
}

impl fmt::Display for Family {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_found_by_its_name() {
        for family in Family::all() {
            assert_eq!(Family::named(family.name()), Some(family));
        }
        assert_eq!(Family::named("titan"), None);
    }

    #[test]
    fn every_family_has_a_beginning() {
        for family in Family::all() {
            let known = crate::model::ENTRIES
                .iter()
                .any(|entry| entry.family() == Some(family));
            assert!(known, "{family} has no model in the catalogue");
        }
    }

    #[test]
    fn a_model_outside_the_catalogue_has_its_family() {
        for (base, family) in [
            (
                "anthropic.claude-sonnet-9",
                Some(Family::Text(TextFamily::ClaudeMessages)),
            ),
            (
                "anthropic.claude-v3",
                Some(Family::Text(TextFamily::ClaudeText)),
            ),
            ("amazon.titan-embed-text-v1", None),
            ("amazon.nova-sonic-v1:0", None),
            ("meta.llama9-v1:0", None),
        ] {
            assert_eq!(Family::of(base), family, "{base}");
        }
    }
}
