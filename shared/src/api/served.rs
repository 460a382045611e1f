//! How an answer was served, beside what it says.

use serde::Serialize;

use crate::families::{Beside, Chunk, Completion, Finish, Policy};

/// How an answer was served: keys of the answer, each of which is there only where Bedrock said it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Served {
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    performance_config: Option<Performance>,
    #[serde(skip_serializing_if = "Option::is_none")]
    guardrail: Option<Outcome>,
    /// How many turns of the history were left out, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    history_trimmed: Option<usize>,
    /// Whether a model showed what it thought: its tokens are then among those of the answer, and
    /// Bedrock does not say how many.
    #[serde(skip)]
    pub(super) reasoned: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Performance {
    latency: String,
}

/// What a guardrail did; never to what.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
struct Outcome {
    action: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    policies: Vec<&'static str>,
}

impl Served {
    /// How several whole answers to one request were served.
    pub fn of(completions: &[Completion]) -> Self {
        let mut served = Self::default();
        for completion in completions {
            served.ended(Some(&completion.finish), &completion.beside);
            served.reasoned |= !completion.reasoning.is_empty();
        }
        served
    }

    /// The same of a chat without so many turns of its history.
    #[must_use]
    pub fn of_trimmed(self, turns: usize) -> Self {
        Self {
            history_trimmed: (turns > 0).then_some(turns),
            ..self
        }
    }

    /// Takes note of what a chunk says.
    pub(super) fn note(&mut self, chunk: &Chunk) {
        self.ended(chunk.finish.as_ref(), &chunk.beside);
        self.reasoned |= chunk.reasoning.is_some();
    }

    fn ended(&mut self, finish: Option<&Finish>, beside: &Beside) {
        let Beside {
            tier,
            latency,
            // It is the alternative's own.
            fields: _,
            policies,
        } = beside;
        if self.service_tier.is_none() {
            self.service_tier.clone_from(tier);
        }
        if let (None, Some(latency)) = (&self.performance_config, latency) {
            let latency = latency.clone();
            self.performance_config = Some(Performance { latency });
        }
        if finish == Some(&Finish::Guardrail) {
            self.outcome();
        }
        for policy in policies.iter().copied().map(Policy::name) {
            let outcome = self.outcome();
            if !outcome.policies.contains(&policy) {
                outcome.policies.push(policy);
            }
        }
    }

    fn outcome(&mut self) -> &mut Outcome {
        self.guardrail.get_or_insert(Outcome {
            action: "intervened",
            policies: Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{json, to_value};

    use super::*;

    #[test]
    fn only_what_was_said_is_there() {
        assert_eq!(to_value(Served::default()).unwrap(), json!({}));
        let plain = Completion::default();
        let told = Completion {
            finish: Finish::Guardrail,
            beside: Beside {
                tier: Some("flex".to_owned()),
                latency: Some("standard".to_owned()),
                fields: Some(json!({"stop_sequence": null})),
                policies: vec![Policy::Topic, Policy::Word, Policy::Topic],
            },
            ..Completion::default()
        };
        let expected = json!({
            "service_tier": "flex",
            "performance_config": {"latency": "standard"},
            "guardrail": {"action": "intervened", "policies": ["topic", "word"]},
        });
        assert_eq!(to_value(Served::of(&[plain, told])).unwrap(), expected);
    }

    #[test]
    fn an_intervention_without_a_trace_is_told_too() {
        let mut served = Served::default();
        served.note(&Chunk {
            finish: Some(Finish::Guardrail),
            ..Chunk::default()
        });
        let expected = json!({"guardrail": {"action": "intervened"}});
        assert_eq!(to_value(served).unwrap(), expected);
    }
}
