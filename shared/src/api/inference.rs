//! The common inference parameters: how a text model chooses and how long it goes on.
//!
//! They exist once, here. A family says of each [`Parameter`] whether it maps it, to which native
//! name and in which range, or refuses it ([`crate::families::Rule`]); none is dropped.

use serde::Deserialize;

use super::fields::Fields;
use super::limits::Limits;
use crate::Error;
use crate::closed_set::closed_set;

/// What a caller may say about inference. `None` leaves the choice to the model.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Inference {
    /// Randomness: near 0 the likeliest token is taken each time.
    pub temperature: Option<f64>,
    /// Nucleus sampling: only the likeliest tokens whose probabilities sum up to this.
    pub top_p: Option<f64>,
    /// Only this many of the likeliest tokens.
    pub top_k: Option<i64>,
    /// The most tokens to generate.
    pub max_tokens: Option<i64>,
    /// The fewest tokens to generate.
    pub min_tokens: Option<i64>,
    /// Generation ends before the first of these.
    pub stop: Option<Vec<String>>,
    /// Penalty on a token that has come up at all.
    pub presence_penalty: Option<f64>,
    /// Penalty on a token that grows with how often it has come up, relative to the text.
    pub frequency_penalty: Option<f64>,
    /// Penalty on a token that grows with how often it has come up, in absolute terms.
    pub count_penalty: Option<f64>,
    /// Penalty on long answers; below 0 it favours them.
    pub length_penalty: Option<f64>,
    /// Penalty on repetition as a factor; 1 is none.
    pub repetition_penalty: Option<f64>,
    /// The same seed and request give the same answer, where a model has it.
    pub seed: Option<i64>,
}

closed_set! {
    /// A common inference parameter.
    pub enum Parameter {
        /// Randomness.
        Temperature = "temperature",
        /// Nucleus sampling.
        TopP = "top_p",
        /// Only the likeliest tokens.
        TopK = "top_k",
        /// The most tokens.
        MaxTokens = "max_tokens",
        /// The fewest tokens.
        MinTokens = "min_tokens",
        /// Stop sequences.
        Stop = "stop",
        /// Penalty on presence.
        PresencePenalty = "presence_penalty",
        /// Penalty on frequency.
        FrequencyPenalty = "frequency_penalty",
        /// Penalty on count.
        CountPenalty = "count_penalty",
        /// Penalty on length.
        LengthPenalty = "length_penalty",
        /// Penalty on repetition.
        RepetitionPenalty = "repetition_penalty",
        /// Seed of the draws.
        Seed = "seed",
    }
}

/// The value of a parameter that was given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// A number that may have a fraction.
    Number(f64),
    /// A whole number.
    Integer(i64),
    /// Stop sequences.
    Texts(&'a [String]),
}

impl Inference {
    /// Takes the parameters from a request. A value that means "off" is as if it were not there,
    /// so that a model without the parameter accepts it.
    pub(super) fn take(fields: &mut Fields<'_>, limits: &Limits) -> Result<Self, Error> {
        let max_tokens = fields.take(Parameter::MaxTokens.name())?;
        let max_completion_tokens = fields.take("max_completion_tokens")?;
        if max_tokens.is_some()
            && max_completion_tokens.is_some()
            && max_tokens != max_completion_tokens
        {
            return Err(Error::invalid(
                "max_completion_tokens",
                "it contradicts `max_tokens`",
            ));
        }
        for (name, tokens) in [
            (Parameter::MaxTokens.name(), max_tokens),
            ("max_completion_tokens", max_completion_tokens),
        ] {
            if tokens.is_some_and(|tokens: i64| tokens > limits.max_tokens) {
                let most = limits.max_tokens;
                let reason = format!("it must be at most {most} on this deployment");
                return Err(Error::invalid(name, reason));
            }
        }
        let number = |fields: &mut Fields<'_>, parameter: Parameter, off: Option<f64>| {
            let value = fields.take::<f64>(parameter.name())?;
            Ok::<_, Error>(value.filter(|value| Some(*value) != off))
        };
        Ok(Self {
            temperature: number(fields, Parameter::Temperature, None)?,
            top_p: number(fields, Parameter::TopP, None)?,
            top_k: fields.take(Parameter::TopK.name())?,
            max_tokens: max_tokens.or(max_completion_tokens),
            min_tokens: fields
                .take(Parameter::MinTokens.name())?
                .filter(|fewest| *fewest != 0),
            stop: match fields.take(Parameter::Stop.name())? {
                None => None,
                Some(Stop::One(text)) => Some(vec![text]),
                Some(Stop::Several(texts)) => Some(texts).filter(|texts| !texts.is_empty()),
            },
            presence_penalty: number(fields, Parameter::PresencePenalty, Some(0.0))?,
            frequency_penalty: number(fields, Parameter::FrequencyPenalty, Some(0.0))?,
            count_penalty: number(fields, Parameter::CountPenalty, Some(0.0))?,
            length_penalty: number(fields, Parameter::LengthPenalty, Some(0.0))?,
            repetition_penalty: number(fields, Parameter::RepetitionPenalty, Some(1.0))?,
            seed: fields.take(Parameter::Seed.name())?,
        })
    }

    /// The parameters that were given, with their values.
    pub fn given(&self) -> impl Iterator<Item = (Parameter, Value<'_>)> {
        // In full, so that a new field cannot be forgotten here.
        let Self {
            temperature,
            top_p,
            top_k,
            max_tokens,
            min_tokens,
            stop,
            presence_penalty,
            frequency_penalty,
            count_penalty,
            length_penalty,
            repetition_penalty,
            seed,
        } = self;
        let number = |value: &Option<f64>| value.map(Value::Number);
        let integer = |value: &Option<i64>| value.map(Value::Integer);
        [
            (Parameter::Temperature, number(temperature)),
            (Parameter::TopP, number(top_p)),
            (Parameter::TopK, integer(top_k)),
            (Parameter::MaxTokens, integer(max_tokens)),
            (Parameter::MinTokens, integer(min_tokens)),
            (Parameter::Stop, stop.as_deref().map(Value::Texts)),
            (Parameter::PresencePenalty, number(presence_penalty)),
            (Parameter::FrequencyPenalty, number(frequency_penalty)),
            (Parameter::CountPenalty, number(count_penalty)),
            (Parameter::LengthPenalty, number(length_penalty)),
            (Parameter::RepetitionPenalty, number(repetition_penalty)),
            (Parameter::Seed, integer(seed)),
        ]
        .into_iter()
        .filter_map(|(parameter, value)| Some((parameter, value?)))
    }
}

/// OpenAI's `stop`: one text or several.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a string or an array of strings")]
enum Stop {
    One(String),
    Several(Vec<String>),
}
