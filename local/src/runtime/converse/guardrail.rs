//! The one guardrail of the local account: it blocks a prompt with a certain word
//! (`docs: guardrails-use-converse-api`).

use serde::Serialize;

use crate::error::Failure;
use crate::schema::{NON_EMPTY, Shape, optional, required};

/// Its id.
const ID: &str = "localguard01";
/// Its version; `DRAFT` is the same.
const VERSION: &str = "1";
/// What it blocks.
const WORD: &str = "guardrail-blocks-this";
/// What it says in the model's place.
const MESSAGE: &str = "[simulated] The guardrail blocked this prompt.";

/// `guardrailConfig`.
pub(super) const SHAPE: Shape = Shape::Object(&[
    required("guardrailIdentifier", NON_EMPTY),
    required("guardrailVersion", NON_EMPTY),
    optional(
        "trace",
        Shape::OneOf(&["enabled", "disabled", "enabled_full"]),
    ),
    optional("streamProcessingMode", Shape::OneOf(&["sync", "async"])),
]);

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Config {
    guardrail_identifier: String,
    guardrail_version: String,
    #[serde(default)]
    trace: Option<String>,
}

/// What the guardrail did to a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outcome {
    pub blocked: bool,
    pub traced: bool,
}

impl Outcome {
    pub(super) fn message(self) -> Option<&'static str> {
        self.blocked.then_some(MESSAGE)
    }

    pub(super) fn trace(self) -> Option<Trace> {
        (self.blocked && self.traced).then(Trace::of_the_word)
    }
}

/// Looks at what the caller says.
pub(super) fn look(config: Config, prompt: &str) -> Result<Outcome, Failure> {
    let Config {
        guardrail_identifier: id,
        guardrail_version: version,
        trace,
    } = config;
    let is_ours = id == ID || id.ends_with(&format!(":guardrail/{ID}"));
    if !is_ours || !(version == VERSION || version == "DRAFT") {
        return Err(Failure::validation(
            "The guardrail identifier or version provided in the request does not exist.",
        ));
    }
    Ok(Outcome {
        blocked: prompt.contains(WORD),
        traced: trace.is_some_and(|trace| trace != "disabled"),
    })
}

#[derive(Debug, Serialize)]
pub(super) struct Trace {
    guardrail: Assessed,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Assessed {
    input_assessment: Input,
}

#[derive(Debug, Serialize)]
struct Input {
    localguard01: Assessment,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Assessment {
    word_policy: WordPolicy,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct WordPolicy {
    custom_words: [CustomWord; 1],
    managed_word_lists: [(); 0],
}

#[derive(Debug, Serialize)]
struct CustomWord {
    r#match: &'static str,
    action: &'static str,
}

impl Trace {
    fn of_the_word() -> Self {
        let word = CustomWord {
            r#match: WORD,
            action: "BLOCKED",
        };
        let word_policy = WordPolicy {
            custom_words: [word],
            managed_word_lists: [],
        };
        Self {
            guardrail: Assessed {
                input_assessment: Input {
                    localguard01: Assessment { word_policy },
                },
            },
        }
    }
}
