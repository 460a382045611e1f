//! What the catalogue says of one model.

use super::family::Family;
use crate::closed_set::closed_set;

/// What is known of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The model's id, `provider.model`.
    pub id: &'static str,
    /// What it takes in. Source: the models' cards, and `inputModalities` of the control plane.
    pub inputs: &'static [Modality],
    /// What it gives back.
    pub output: Modality,
    /// Tokens of prompt and answer together; `None` where nobody states it. A history is trimmed
    /// to it, so that where sources conflict AWS's own page is taken, else the smaller.
    pub window: Option<u32>,
    /// Tokens of one answer; `None` where nobody states it. Where sources conflict the largest is
    /// taken, so that Bedrock has the last word.
    pub max_output: Option<u32>,
    /// What it can do.
    pub capabilities: Capabilities,
    /// What it does not take, though others do.
    pub quirks: Quirks,
    /// Whether it can be called by its own id; else through an inference profile alone.
    pub in_region: bool,
    /// The geographies of its inference profiles: `us` of `us.amazon.nova-lite-v1:0`.
    pub profiles: &'static [&'static str],
    /// Its last day, as `YYYY-MM-DD`, where AWS has named one: it is legacy until then.
    pub end_of_life: Option<&'static str>,
    /// What to use instead.
    pub successor: Option<&'static str>,
}

/// What a model can do. Where no source says that it cannot, it can, so that Bedrock has the last
/// word; structured output, caching and counting are only what a source states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// Converse serves it, with whole conversations.
    pub converse: bool,
    /// Its answers can be streamed.
    pub stream: bool,
    /// Converse takes a system prompt for it.
    pub system_prompt: bool,
    /// It reads documents, over Converse.
    pub documents: bool,
    /// It sees images.
    pub vision: bool,
    /// It calls tools.
    pub tools: bool,
    /// It calls tools in streamed answers too.
    pub streamed_tools: bool,
    /// Bedrock holds its answer to a JSON schema (`outputConfig.textFormat`).
    pub json_schema: bool,
    /// How it reasons, if it does.
    pub reasoning: Option<Reasoning>,
    /// It takes cache points.
    pub caching: bool,
    /// CountTokens counts for it. Source: the userguide's page `count-tokens`, and for newer Claudes
    /// LiteLLM's table.
    pub counting: bool,
    /// Guardrails apply to it over Converse.
    pub guardrails: bool,
}

/// What a model does not take, though others of its kind do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quirks {
    /// It takes `temperature` or `top_p`, but not both.
    pub one_of_temperature_and_top_p: bool,
    /// It takes no `temperature`, no `top_p` and no `top_k`.
    pub no_sampling: bool,
    /// It takes no stop sequences.
    pub no_stop: bool,
    /// Its answer cannot be begun for it.
    pub no_prefill: bool,
}

closed_set! {
    /// What goes into a model, or comes out of it.
    pub enum Modality {
        /// Text.
        Text = "text",
        /// Images.
        Image = "image",
        /// Videos.
        Video = "video",
        /// Speech and sound.
        Audio = "audio",
    }
}

closed_set! {
    /// How a model reasons, and what turns it on. Source: the userguide's pages on extended and
    /// adaptive thinking, Nova 2's guide, and the models' cards.
    pub enum Reasoning {
        /// When asked, within a budget of tokens (`thinking.budget_tokens`).
        Budget = "budget",
        /// When asked, within a budget of tokens or as much as it finds right.
        BudgetOrAdaptive = "budget or adaptive",
        /// When asked, as much as it finds right (`thinking.type` `adaptive`).
        Adaptive = "adaptive",
        /// As much as it finds right, unless told not to.
        AdaptiveUnlessOff = "adaptive, on",
        /// As much as it finds right, and always.
        AdaptiveAlways = "adaptive, always",
        /// When asked, with an effort of Nova's (`reasoningConfig.maxReasoningEffort`).
        NovaEffort = "Nova effort",
        /// With an effort of OpenAI's (`reasoning_effort`).
        OpenaiEffort = "OpenAI effort",
        /// Always, and nothing turns it off.
        Always = "always",
    }
}

impl Entry {
    /// The family whose native format it speaks; `None` for a model that Converse alone serves.
    pub fn family(&self) -> Option<Family> {
        Family::of(self.id)
    }

    /// Whether it draws images.
    pub fn draws(&self) -> bool {
        self.output == Modality::Image
    }

    /// The id of its inference profile for callers in this region (`eu-west-1`), or of its global
    /// one; `None` if there is none that is known.
    pub fn profile_from(&self, region: &str) -> Option<String> {
        geographies(region)
            .iter()
            .chain(&["global"])
            .find(|geography| self.profiles.contains(geography))
            .map(|geography| format!("{geography}.{}", self.id))
    }
}

/// The geographies that a region belongs to, the narrowest first. Source: the userguide's page
/// `inference-profiles-support`.
fn geographies(region: &str) -> &'static [&'static str] {
    let (area, _) = region.split_once('-').unwrap_or((region, ""));
    match (area, region) {
        ("us", region) if region.starts_with("us-gov-") => &["us-gov"],
        ("us", _) => &["us", "amer"],
        ("ca", _) => &["ca", "us", "amer"],
        ("sa", _) => &["sa", "amer"],
        ("eu", _) => &["eu"],
        ("ap", "ap-northeast-1" | "ap-northeast-3") => &["jp", "apac"],
        ("ap", "ap-southeast-2" | "ap-southeast-4") => &["au", "apac"],
        ("ap", "ap-south-1" | "ap-south-2") => &["in", "apac"],
        ("ap", _) => &["apac"],
        _ => &[],
    }
}

// How the catalogue's rows are written.

const TEXT: &[Modality] = &[Modality::Text];
const TEXT_IMAGE: &[Modality] = &[Modality::Text, Modality::Image];

/// A chat model of text that does what any does.
pub(super) const CHAT: Capabilities = Capabilities {
    converse: true,
    stream: true,
    system_prompt: true,
    documents: true,
    vision: false,
    tools: false,
    streamed_tools: false,
    json_schema: false,
    reasoning: None,
    caching: false,
    counting: false,
    guardrails: true,
};

/// A model that continues prompts; Converse has no conversations with it.
pub(super) const PROMPTS: Capabilities = Capabilities {
    converse: false,
    system_prompt: false,
    documents: false,
    ..CHAT
};

const DRAWS: Capabilities = Capabilities {
    stream: false,
    guardrails: false,
    ..PROMPTS
};

impl Capabilities {
    pub(super) const fn tools(self) -> Self {
        Self {
            tools: true,
            streamed_tools: true,
            ..self
        }
    }

    pub(super) const fn tools_unstreamed(self) -> Self {
        Self {
            tools: true,
            ..self
        }
    }

    pub(super) const fn vision(self) -> Self {
        Self {
            vision: true,
            ..self
        }
    }

    pub(super) const fn schema(self) -> Self {
        Self {
            json_schema: true,
            ..self
        }
    }

    pub(super) const fn caching(self) -> Self {
        Self {
            caching: true,
            ..self
        }
    }

    pub(super) const fn counting(self) -> Self {
        Self {
            counting: true,
            ..self
        }
    }

    pub(super) const fn reasons(self, how: Reasoning) -> Self {
        Self {
            reasoning: Some(how),
            ..self
        }
    }

    pub(super) const fn no_stream(self) -> Self {
        Self {
            stream: false,
            ..self
        }
    }

    pub(super) const fn no_system(self) -> Self {
        Self {
            system_prompt: false,
            ..self
        }
    }

    pub(super) const fn no_documents(self) -> Self {
        Self {
            documents: false,
            ..self
        }
    }

    pub(super) const fn no_guardrails(self) -> Self {
        Self {
            guardrails: false,
            ..self
        }
    }
}

/// A text model.
pub(super) const fn text(id: &'static str, capabilities: Capabilities) -> Entry {
    Entry {
        id,
        inputs: if capabilities.vision {
            TEXT_IMAGE
        } else {
            TEXT
        },
        output: Modality::Text,
        window: None,
        max_output: None,
        capabilities,
        quirks: Quirks {
            one_of_temperature_and_top_p: false,
            no_sampling: false,
            no_stop: false,
            no_prefill: false,
        },
        in_region: true,
        profiles: &[],
        end_of_life: None,
        successor: None,
    }
}

/// An image model that takes an image too.
pub(super) const fn image(id: &'static str) -> Entry {
    Entry {
        inputs: TEXT_IMAGE,
        output: Modality::Image,
        ..text(id, DRAWS)
    }
}

/// An image model that takes text alone.
pub(super) const fn image_of_text(id: &'static str) -> Entry {
    Entry {
        inputs: TEXT,
        ..image(id)
    }
}

impl Entry {
    pub(super) const fn limits(self, window: u32, max_output: u32) -> Self {
        Self {
            window: Some(window),
            max_output: Some(max_output),
            ..self
        }
    }

    pub(super) const fn takes(self, inputs: &'static [Modality]) -> Self {
        Self { inputs, ..self }
    }

    /// It can be called by its own id and through profiles.
    pub(super) const fn also_through(self, profiles: &'static [&'static str]) -> Self {
        Self { profiles, ..self }
    }

    /// It can be called through profiles alone.
    pub(super) const fn only_through(self, profiles: &'static [&'static str]) -> Self {
        Self {
            in_region: false,
            profiles,
            ..self
        }
    }

    pub(super) const fn one_of_temperature_and_top_p(self) -> Self {
        Self {
            quirks: Quirks {
                one_of_temperature_and_top_p: true,
                ..self.quirks
            },
            ..self
        }
    }

    pub(super) const fn no_sampling(self) -> Self {
        Self {
            quirks: Quirks {
                no_sampling: true,
                ..self.quirks
            },
            ..self
        }
    }

    pub(super) const fn no_stop(self) -> Self {
        Self {
            quirks: Quirks {
                no_stop: true,
                ..self.quirks
            },
            ..self
        }
    }

    pub(super) const fn no_prefill(self) -> Self {
        Self {
            quirks: Quirks {
                no_prefill: true,
                ..self.quirks
            },
            ..self
        }
    }

    pub(super) const fn ends(self, day: &'static str) -> Self {
        Self {
            end_of_life: Some(day),
            ..self
        }
    }

    pub(super) const fn then(self, successor: &'static str) -> Self {
        Self {
            successor: Some(successor),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::model::entry;

    #[test]
    fn a_profile_is_of_the_callers_geography_else_global() {
        for (base, region, profile) in [
            (
                "amazon.nova-lite-v1:0",
                "us-west-2",
                Some("us.amazon.nova-lite-v1:0"),
            ),
            (
                "amazon.nova-lite-v1:0",
                "eu-west-1",
                Some("eu.amazon.nova-lite-v1:0"),
            ),
            (
                "amazon.nova-lite-v1:0",
                "ap-northeast-1",
                Some("apac.amazon.nova-lite-v1:0"),
            ),
            ("amazon.nova-lite-v1:0", "sa-east-1", None),
            (
                "amazon.nova-2-lite-v1:0",
                "ap-northeast-1",
                Some("jp.amazon.nova-2-lite-v1:0"),
            ),
            (
                "amazon.nova-2-lite-v1:0",
                "sa-east-1",
                Some("global.amazon.nova-2-lite-v1:0"),
            ),
            (
                "anthropic.claude-sonnet-4-5-20250929-v1:0",
                "us-gov-west-1",
                Some("us-gov.anthropic.claude-sonnet-4-5-20250929-v1:0"),
            ),
            (
                "anthropic.claude-sonnet-4-5-20250929-v1:0",
                "ap-southeast-2",
                Some("au.anthropic.claude-sonnet-4-5-20250929-v1:0"),
            ),
            ("amazon.nova-lite-v1:0", "us-gov-east-1", None),
            ("amazon.titan-tg1-large", "us-east-1", None),
        ] {
            let found = entry(base).unwrap().profile_from(region);
            assert_eq!(found.as_deref(), profile, "{base} in {region}");
        }
    }
}
