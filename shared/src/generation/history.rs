//! A chat's history within its model's window, where that is asked for.

use super::{Call, TextModels};
use crate::Error;
use crate::api::inference::Inference;
use crate::api::options::Options;
use crate::budget::{Cut, Cuts, without_oldest};
use crate::deadline::Deadline;
use crate::dialogue::{Dialogue, Input};
use crate::error::RequestFault;
use crate::model::{Resource, Target};

/// How often Bedrock is asked to count for one request.
const MOST_COUNTS: usize = 4;

/// A chat that is estimated at less than one part in so many of the budget is not counted.
const SURELY: u64 = 2;

/// What is added to a rest that is not counted itself: turns are not alike.
const UNCOUNTED: f64 = 1.1;

/// How a deployment trims histories.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct History {
    /// Whether a history is trimmed where the request does not say.
    pub trims: bool,
    /// Tokens of the window that stay free, for what estimates miss.
    pub margin: u64,
}

impl Default for History {
    fn default() -> Self {
        Self {
            trims: false,
            margin: 256,
        }
    }
}

/// A request's parameters, beside its chat.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// How to generate.
    pub inference: &'a Inference,
    /// Bedrock's own options.
    pub options: &'a Options,
    /// Whether the request asks for a trimmed history; `None` leaves it to the deployment.
    pub trims: Option<bool>,
}

impl TextModels {
    /// The chat as it fits the model's window beside its answer, and how many turns were left out. A
    /// chat is left as it is where nobody asks for trimming.
    ///
    /// Bedrock counts, where it does for the model; elsewhere the tokens are estimated. A chat is
    /// refused only where it is certain that not even its newest turn fits.
    pub async fn fit(
        &self,
        target: &Target,
        dialogue: Dialogue,
        wish: Wish<'_>,
        deadline: Deadline,
    ) -> Result<(Dialogue, usize), Error> {
        if !wish.trims.unwrap_or(self.history.trims) {
            return Ok((dialogue, 0));
        }
        let entry = target.entry;
        let Some(window) = entry.and_then(|entry| entry.window) else {
            // The deployment's default holds where it can.
            return match wish.trims {
                Some(true) => Err(Error::unsupported(
                    "truncation",
                    "the size of this model's window is not known; leave it out",
                )),
                Some(false) | None => Ok((dialogue, 0)),
            };
        };
        let answer = match wish.inference.max_tokens {
            Some(tokens) => tokens.unsigned_abs(),
            None => entry
                .and_then(|entry| entry.max_output)
                .map_or(0, u64::from),
        };
        let budget = u64::from(window).saturating_sub(answer.saturating_add(self.history.margin));
        if budget == 0 {
            return Err(too_long(format!(
                "its window of {window} tokens has no room beside {answer} tokens of answer; ask for fewer"
            )));
        }
        let cuts = Cuts::of(&dialogue);
        let estimated = cuts.fitting(0, budget, 1.0);
        let cut = match entry.is_some_and(|entry| entry.capabilities.counting) {
            true => {
                self.counted(target, &dialogue, &cuts, budget, wish, deadline)
                    .await?
            }
            false => estimated,
        };
        let turns = cut.map_or(0, |cut| cut.turns);
        Ok(match turns {
            0 => (dialogue, 0),
            turns => (without_oldest(&dialogue, turns), turns),
        })
    }

    /// Where to cut a chat, as Bedrock counts. What it cannot count is estimated.
    async fn counted(
        &self,
        target: &Target,
        dialogue: &Dialogue,
        cuts: &Cuts,
        budget: u64,
        wish: Wish<'_>,
        deadline: Deadline,
    ) -> Result<Option<Cut>, Error> {
        let estimated = cuts.fitting(0, budget, 1.0);
        let (Some(mut cut), Some(shortest)) = (cuts.whole(), cuts.shortest()) else {
            return Ok(estimated);
        };
        if cut.tokens.saturating_mul(SURELY) <= budget {
            return Ok(Some(cut));
        }
        let Some(model) = counts_as(target) else {
            return Ok(estimated);
        };
        let mut ratio = 1.0;
        for _ in 0..MOST_COUNTS {
            let rest = without_oldest(dialogue, cut.turns);
            let call = Call::prepare(target, Input::Dialogue(&rest), wish.inference, wish.options)?;
            let input = call.counted()?;
            let counted = self.bedrock.count_tokens(target, model, input, deadline);
            let tokens = match counted.await {
                Ok(tokens) => tokens,
                Err(error) => {
                    tracing::warn!(code = error.row().code, "tokens are not counted");
                    return Ok(cuts.fitting(cut.turns, budget, ratio * UNCOUNTED));
                }
            };
            if tokens <= budget {
                return Ok(Some(cut));
            }
            if cut == shortest {
                return Err(too_long(format!(
                    "its newest turn has {tokens} tokens, where {budget} fit"
                )));
            }
            ratio = tokens as f64 / cut.tokens.max(1) as f64;
            match cuts.fitting(cut.turns + 1, budget, ratio) {
                Some(next) => cut = next,
                None => return Ok(estimated),
            }
        }
        Ok(cuts.fitting(cut.turns, budget, ratio * UNCOUNTED))
    }
}

/// The foundation model whose tokens Bedrock counts for the target.
fn counts_as(target: &Target) -> Option<&str> {
    match target.id.resource() {
        Resource::FoundationModel | Resource::InferenceProfile => target.id.base(),
        Resource::ApplicationInferenceProfile
        | Resource::CustomModel
        | Resource::CustomModelDeployment
        | Resource::ImportedModel
        | Resource::ProvisionedModel
        | Resource::Prompt
        | Resource::PromptRouter
        | Resource::SagemakerEndpoint => None,
    }
}

fn too_long(reason: String) -> Error {
    RequestFault::ContextTooLong { reason }.into()
}
