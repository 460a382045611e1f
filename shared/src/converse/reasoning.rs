//! How each model is told how much to reason: there is no one way in Converse, so that it goes into
//! the fields of the model's own.
//!
//! Sources: the Bedrock userguide's pages `claude-messages-extended-thinking`, `-adaptive-thinking`
//! and `model-parameters-openai`; the Nova 2 userguide's `extended-thinking`.

use serde_json::{Map, Value};

use crate::Error;
use crate::api::inference::Inference;
use crate::api::options::{Effort, Thinking};
use crate::error::FieldFault;
use crate::model::{Entry, Reasoning, TextFamily};

/// The fewest tokens that Claude may be given to think.
const LEAST_BUDGET: i64 = 1_024;

/// Tokens of an answer that says no number, for the share of it that an effort is.
const USUAL_ANSWER: i64 = 8_192;

/// The least `top_p` that Claude takes while it thinks.
const LEAST_TOP_P: f64 = 0.95;

/// How a model reasons, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// It does not, or nobody knows.
    Never,
    /// In the catalogue's way.
    Known(Reasoning),
    /// A Claude that is not in the catalogue: only what is said in Claude's own words.
    Claude,
}

fn way(family: Option<TextFamily>, model: Option<&Entry>) -> Way {
    match (family, model) {
        (_, Some(model)) => model.capabilities.reasoning.map_or(Way::Never, Way::Known),
        (Some(TextFamily::ClaudeMessages), None) => Way::Claude,
        (Some(_) | None, None) => Way::Never,
    }
}

/// Whether an answer must have no bound on its tokens: Nova 2 refuses one beside its highest effort.
pub fn wants_no_bound(
    family: Option<TextFamily>,
    model: Option<&Entry>,
    thinking: Option<Thinking>,
) -> bool {
    way(family, model) == Way::Known(Reasoning::NovaEffort)
        && thinking == Some(Thinking::Effort(Effort::High))
}

/// Whether the model takes back what it thought, in the turns of a conversation that goes on. DeepSeek
/// refuses it, and no other model signs it.
pub(super) fn goes_back(family: Option<TextFamily>, model: Option<&Entry>) -> bool {
    match way(family, model) {
        Way::Known(
            Reasoning::Budget
            | Reasoning::BudgetOrAdaptive
            | Reasoning::Adaptive
            | Reasoning::AdaptiveUnlessOff
            | Reasoning::AdaptiveAlways
            | Reasoning::NovaEffort,
        )
        | Way::Claude => true,
        Way::Known(Reasoning::Always | Reasoning::OpenaiEffort) => false,
        Way::Never => family.is_none() && model.is_none(),
    }
}

/// What forbids Claude to think.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    /// The last turn is the assistant's, to go on from.
    pub prefill: bool,
    /// The request leaves no choice but to call a tool.
    pub forced_tool: bool,
}

/// Puts what says how much to reason into the fields of the model's own, or refuses it by its name.
pub(super) fn ask(
    (family, model): (Option<TextFamily>, Option<&Entry>),
    thinking: Option<Thinking>,
    inference: &Inference,
    asked: Asked,
    fields: &mut Map<String, Value>,
) -> Result<(), Error> {
    let Some(thinking) = thinking else {
        return Ok(());
    };
    let way = match way(family, model) {
        Way::Known(way) => way,
        Way::Never if thinking == Thinking::Off => return Ok(()),
        Way::Never => return Err(refused(thinking, "it does not reason")),
        Way::Claude => match thinking {
            Thinking::Budget(_) => Reasoning::Budget,
            Thinking::Adaptive => Reasoning::Adaptive,
            Thinking::Off => return Ok(()),
            Thinking::Effort(_) => {
                let reason = "it is not known how it reasons; say it with `thinking`";
                return Err(refused(thinking, reason));
            }
        },
    };
    match (way, thinking) {
        (
            Reasoning::Always | Reasoning::AdaptiveAlways | Reasoning::OpenaiEffort,
            Thinking::Off,
        ) => Err(refused(thinking, "it always reasons")),
        (Reasoning::Always, Thinking::Effort(_) | Thinking::Budget(_) | Thinking::Adaptive) => {
            Err(refused(thinking, "it always reasons as much as it does"))
        }
        // It is what they do unasked.
        (
            Reasoning::Budget
            | Reasoning::BudgetOrAdaptive
            | Reasoning::Adaptive
            | Reasoning::NovaEffort,
            Thinking::Off,
        ) => Ok(()),
        (Reasoning::AdaptiveUnlessOff, Thinking::Off) => {
            fields.insert("thinking".to_owned(), kind("disabled"));
            Ok(())
        }
        (Reasoning::Budget | Reasoning::BudgetOrAdaptive, Thinking::Effort(effort)) => {
            let most = inference.max_tokens.unwrap_or(USUAL_ANSWER);
            if most <= LEAST_BUDGET {
                return Err(Error::invalid(
                    "max_tokens",
                    format!("it must be above {LEAST_BUDGET} where the model is to reason"),
                ));
            }
            let budget = most.saturating_mul(share(effort)) / 100;
            let budget = budget.clamp(LEAST_BUDGET, most - 1);
            think_within(budget, inference, asked, fields)
        }
        (Reasoning::Budget | Reasoning::BudgetOrAdaptive, Thinking::Budget(budget)) => {
            if inference.max_tokens.is_some_and(|most| budget >= most) {
                return Err(Error::invalid(
                    "thinking.budget_tokens",
                    "it must be less than `max_tokens`",
                ));
            }
            think_within(budget, inference, asked, fields)
        }
        (Reasoning::Budget, Thinking::Adaptive) => Err(refused(
            thinking,
            "say `budget_tokens` or `reasoning_effort`",
        )),
        (
            Reasoning::Adaptive | Reasoning::AdaptiveUnlessOff | Reasoning::AdaptiveAlways,
            Thinking::Budget(_),
        ) => Err(refused(thinking, "say `adaptive` or `reasoning_effort`")),
        (
            Reasoning::BudgetOrAdaptive
            | Reasoning::Adaptive
            | Reasoning::AdaptiveUnlessOff
            | Reasoning::AdaptiveAlways,
            Thinking::Adaptive,
        ) => {
            may_think(inference, asked)?;
            fields.insert("thinking".to_owned(), kind("adaptive"));
            Ok(())
        }
        (
            Reasoning::Adaptive | Reasoning::AdaptiveUnlessOff | Reasoning::AdaptiveAlways,
            Thinking::Effort(effort),
        ) => {
            may_think(inference, asked)?;
            fields.insert("thinking".to_owned(), kind("adaptive"));
            let effort = object([("effort", Value::from(low_medium_high(effort)))]);
            fields.insert("output_config".to_owned(), effort);
            Ok(())
        }
        (Reasoning::NovaEffort, Thinking::Effort(effort)) => {
            if effort == Effort::High {
                for (name, given) in [
                    ("temperature", inference.temperature.is_some()),
                    ("top_p", inference.top_p.is_some()),
                    ("top_k", inference.top_k.is_some()),
                    ("max_tokens", inference.max_tokens.is_some()),
                ] {
                    if given {
                        return Err(unsupported(name, "it does not go with the highest effort"));
                    }
                }
            }
            let config = object([
                ("type", Value::from("enabled")),
                ("maxReasoningEffort", Value::from(low_medium_high(effort))),
            ]);
            fields.insert("reasoningConfig".to_owned(), config);
            Ok(())
        }
        (
            Reasoning::NovaEffort | Reasoning::OpenaiEffort,
            Thinking::Budget(_) | Thinking::Adaptive,
        ) => Err(refused(thinking, "say `reasoning_effort`")),
        (Reasoning::OpenaiEffort, Thinking::Effort(effort)) => {
            let effort = Value::from(low_medium_high(effort));
            // OpenAI's newer models have it in the form of its Responses API.
            let (name, value) = match is_newer_than_gpt_oss(model) {
                true => ("reasoning", object([("effort", effort)])),
                false => ("reasoning_effort", effort),
            };
            fields.insert(name.to_owned(), value);
            Ok(())
        }
    }
}

fn is_newer_than_gpt_oss(model: Option<&Entry>) -> bool {
    model.is_some_and(|model| {
        model.id.starts_with("openai.") && !model.id.starts_with("openai.gpt-oss")
    })
}

fn think_within(
    budget: i64,
    inference: &Inference,
    asked: Asked,
    fields: &mut Map<String, Value>,
) -> Result<(), Error> {
    may_think(inference, asked)?;
    let thinking = object([
        ("type", Value::from("enabled")),
        ("budget_tokens", Value::from(budget)),
    ]);
    fields.insert("thinking".to_owned(), thinking);
    Ok(())
}

/// Claude thinks with its own way of choosing, and before it says or calls anything.
fn may_think(inference: &Inference, asked: Asked) -> Result<(), Error> {
    let Asked {
        prefill,
        forced_tool,
    } = asked;
    for (name, given) in [
        (
            "temperature",
            inference.temperature.is_some_and(|value| value != 1.0),
        ),
        (
            "top_p",
            inference.top_p.is_some_and(|value| value < LEAST_TOP_P),
        ),
        ("top_k", inference.top_k.is_some()),
        ("messages", prefill),
        ("tool_choice", forced_tool),
    ] {
        if given {
            let reason = match name {
                "messages" => "a last turn of the assistant does not go with reasoning",
                "tool_choice" => "a tool cannot be forced where the model is to reason",
                _ => "it does not go with reasoning",
            };
            return Err(unsupported(name, reason));
        }
    }
    Ok(())
}

/// The share of an answer's tokens that an effort is, of 100.
const fn share(effort: Effort) -> i64 {
    match effort {
        Effort::Minimal => 10,
        Effort::Low => 20,
        Effort::Medium => 50,
        Effort::High => 80,
    }
}

/// The least that these models have is `low`.
const fn low_medium_high(effort: Effort) -> &'static str {
    match effort {
        Effort::Minimal | Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High => "high",
    }
}

fn kind(name: &str) -> Value {
    object([("type", Value::from(name))])
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    let members = members.into_iter();
    Value::Object(
        members
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    )
}

fn refused(thinking: Thinking, reason: &'static str) -> Error {
    let param = match thinking {
        Thinking::Off | Thinking::Effort(_) => "reasoning_effort",
        Thinking::Budget(_) | Thinking::Adaptive => "thinking",
    };
    unsupported(param, reason)
}

fn unsupported(param: &str, reason: &'static str) -> Error {
    Error::Field {
        param: param.to_owned(),
        fault: FieldFault::Unsupported {
            by: "this model",
            reason,
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::{Family, entry};

    const SONNET: &str = "anthropic.claude-sonnet-4-5-20250929-v1:0";
    const NOVA: &str = "amazon.nova-2-lite-v1:0";
    const FREE: Asked = Asked {
        prefill: false,
        forced_tool: false,
    };

    fn asked(
        id: &str,
        thinking: Thinking,
        inference: &Inference,
        asked: Asked,
    ) -> Result<Value, Error> {
        let model = entry(id);
        let family = model.and_then(|model| match model.family()? {
            Family::Text(family) => Some(family),
            Family::Image(_) => None,
        });
        let mut fields = Map::new();
        ask(
            (family, model),
            Some(thinking),
            inference,
            asked,
            &mut fields,
        )?;
        Ok(Value::Object(fields))
    }

    fn tokens(max_tokens: i64) -> Inference {
        Inference {
            max_tokens: Some(max_tokens),
            ..Inference::default()
        }
    }

    #[test]
    fn each_model_is_told_in_its_own_way() {
        let low = Thinking::Effort(Effort::Low);
        for (id, thinking, fields) in [
            (SONNET, Thinking::Off, json!({})),
            (
                SONNET,
                low,
                json!({"thinking": {"type": "enabled", "budget_tokens": 1_024}}),
            ),
            (
                SONNET,
                Thinking::Effort(Effort::High),
                json!({"thinking": {"type": "enabled", "budget_tokens": 3_200}}),
            ),
            (
                "anthropic.claude-3-7-sonnet-20250219-v1:0",
                Thinking::Budget(2_000),
                json!({"thinking": {"type": "enabled", "budget_tokens": 2_000}}),
            ),
            (
                NOVA,
                Thinking::Effort(Effort::Medium),
                json!({"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "medium"}}),
            ),
            (
                NOVA,
                Thinking::Effort(Effort::Minimal),
                json!({"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}}),
            ),
            ("amazon.nova-micro-v1:0", Thinking::Off, json!({})),
            (
                "openai.gpt-oss-20b-1:0",
                Thinking::Effort(Effort::High),
                json!({"reasoning_effort": "high"}),
            ),
        ] {
            let told = asked(id, thinking, &tokens(4_000), FREE);
            assert_eq!(told, Ok(fields), "{id} {thinking:?}");
        }
    }

    #[test]
    fn what_a_model_cannot_do_is_refused_by_name() {
        let low = Thinking::Effort(Effort::Low);
        let high = Thinking::Effort(Effort::High);
        let warm = Inference {
            temperature: Some(0.5),
            ..tokens(4_000)
        };
        let narrow = Inference {
            top_p: Some(0.9),
            ..tokens(4_000)
        };
        let few = Inference {
            top_k: Some(3),
            ..tokens(4_000)
        };
        let prefill = Asked {
            prefill: true,
            ..FREE
        };
        let forced = Asked {
            forced_tool: true,
            ..FREE
        };
        let haiku = "anthropic.claude-3-haiku-20240307-v1:0";
        for (id, thinking, inference, situation, param, code) in [
            (
                haiku,
                low,
                tokens(4_000),
                FREE,
                "reasoning_effort",
                "unsupported_parameter",
            ),
            (
                "amazon.nova-lite-v1:0",
                Thinking::Budget(2_000),
                tokens(4_000),
                FREE,
                "thinking",
                "unsupported_parameter",
            ),
            (
                SONNET,
                Thinking::Adaptive,
                tokens(4_000),
                FREE,
                "thinking",
                "unsupported_parameter",
            ),
            (
                SONNET,
                low,
                tokens(1_024),
                FREE,
                "max_tokens",
                "invalid_value",
            ),
            (
                SONNET,
                Thinking::Budget(4_000),
                tokens(4_000),
                FREE,
                "thinking.budget_tokens",
                "invalid_value",
            ),
            (
                SONNET,
                low,
                warm.clone(),
                FREE,
                "temperature",
                "unsupported_parameter",
            ),
            (SONNET, low, narrow, FREE, "top_p", "unsupported_parameter"),
            (SONNET, low, few, FREE, "top_k", "unsupported_parameter"),
            (
                SONNET,
                low,
                tokens(4_000),
                prefill,
                "messages",
                "unsupported_parameter",
            ),
            (
                SONNET,
                low,
                tokens(4_000),
                forced,
                "tool_choice",
                "unsupported_parameter",
            ),
            (
                NOVA,
                high,
                tokens(4_000),
                FREE,
                "max_tokens",
                "unsupported_parameter",
            ),
            (
                NOVA,
                high,
                warm,
                FREE,
                "temperature",
                "unsupported_parameter",
            ),
            (
                NOVA,
                Thinking::Budget(2_000),
                tokens(4_000),
                FREE,
                "thinking",
                "unsupported_parameter",
            ),
        ] {
            let error = asked(id, thinking, &inference, situation).unwrap_err();
            assert_eq!(
                (error.param(), error.row().code),
                (Some(param), code),
                "{id} {thinking:?}: {error}"
            );
        }
    }

    #[test]
    fn a_temperature_of_1_goes_with_reasoning() {
        let inference = Inference {
            temperature: Some(1.0),
            top_p: Some(1.0),
            ..tokens(4_000)
        };
        let low = Thinking::Effort(Effort::Low);
        assert!(asked(SONNET, low, &inference, FREE).is_ok());
    }

    #[test]
    fn a_budget_is_less_than_the_answer_and_enough() {
        for most in [1_025, 1_026, 2_048, 16_384] {
            for effort in Effort::ALL {
                let told = asked(SONNET, Thinking::Effort(*effort), &tokens(most), FREE).unwrap();
                let budget = told["thinking"]["budget_tokens"].as_i64().unwrap();
                assert!((LEAST_BUDGET..most).contains(&budget), "{most} {effort:?}");
            }
        }
    }

    #[test]
    fn only_the_highest_effort_of_nova_wants_no_bound() {
        let family = Some(TextFamily::NovaText);
        let wants = |id, thinking| wants_no_bound(family, entry(id), thinking);
        assert!(wants(NOVA, Some(Thinking::Effort(Effort::High))));
        assert!(!wants(NOVA, Some(Thinking::Effort(Effort::Low))));
        assert!(!wants(NOVA, None));
        assert!(!wants(
            "amazon.nova-lite-v1:0",
            Some(Thinking::Effort(Effort::High))
        ));
    }
}
