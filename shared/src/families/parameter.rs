//! What a family does with a common inference parameter, and the check of a request against it.

use std::fmt;

use crate::Error;
use crate::api::inference::{Inference, Parameter, Value};
use crate::error::FieldFault;
use crate::model::Entry;

/// What a family does with a parameter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    /// It has the parameter.
    Mapped {
        /// Its native name, with dots for nesting.
        native: &'static str,
        /// The values it takes.
        bounds: Bounds,
        /// What it does where the request does not say.
        default: &'static str,
    },
    /// It has no such parameter.
    Refused {
        /// Why, or what to send instead.
        reason: &'static str,
    },
}

impl Rule {
    /// The plain refusal.
    pub const NO_SUCH: Self = Self::Refused {
        reason: "it has no such parameter",
    };
}

/// How many stop sequences are taken where the family's page states no limit: ours.
pub(super) const MOST_STOPS: usize = 100;

/// The values that a parameter may have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bounds {
    /// A number in the closed interval.
    Number(f64, f64),
    /// A number above the first and up to the second.
    NumberAbove(f64, f64),
    /// A whole number in the closed interval.
    Integer(i64, i64),
    /// A whole number from 1; the model's own limit is not known.
    Positive,
    /// Stop sequences.
    Texts {
        /// How many.
        most: usize,
        /// Which; `None` takes any that is not empty.
        form: Option<TextForm>,
    },
}

/// A form that a stop sequence must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextForm {
    /// A run of `|`, or `User:`. See [`super::titan_text`].
    BarsOrUser,
}

impl TextForm {
    fn admits(self, text: &str) -> bool {
        match self {
            Self::BarsOrUser => text == "User:" || text.bytes().all(|byte| byte == b'|'),
        }
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(least, most) => write!(formatter, "{least} to {most}"),
            Self::NumberAbove(least, most) => write!(formatter, "above {least}, up to {most}"),
            Self::Integer(least, most) => write!(formatter, "whole, {least} to {most}"),
            Self::Positive => formatter.write_str("whole, from 1"),
            Self::Texts { most, form: None } => write!(formatter, "up to {most}, none empty"),
            Self::Texts {
                most,
                form: Some(TextForm::BarsOrUser),
            } => {
                write!(formatter, "up to {most}, each `User:` or a run of `|`")
            }
        }
    }
}

impl Bounds {
    /// The same bounds for a way that takes no number above `most`.
    #[must_use]
    pub fn up_to(self, most: f64) -> Self {
        match self {
            Self::Number(least, own) => Self::Number(least, own.min(most)),
            Self::NumberAbove(least, own) => Self::NumberAbove(least, own.min(most)),
            Self::Integer(..) | Self::Positive | Self::Texts { .. } => self,
        }
    }

    /// Bounds of a count of tokens: the limit of a known model, and none for any other.
    pub(super) fn up_to_known(model: Option<&Entry>) -> Self {
        model
            .and_then(|model| model.max_output)
            .map_or(Self::Positive, |most| Self::Integer(1, i64::from(most)))
    }

    /// What is wrong with the value; `None` if it is within bounds.
    fn fault(self, value: Value<'_>) -> Option<String> {
        let within = match (self, value) {
            (Self::Number(least, most), Value::Number(number)) => (least..=most).contains(&number),
            (Self::NumberAbove(least, most), Value::Number(number)) => {
                number > least && number <= most
            }
            (Self::Integer(least, most), Value::Integer(number)) => {
                (least..=most).contains(&number)
            }
            (Self::Positive, Value::Integer(number)) => number >= 1,
            (Self::Texts { most, form }, Value::Texts(texts)) => {
                let good =
                    |text: &String| !text.is_empty() && form.is_none_or(|form| form.admits(text));
                texts.len() <= most && texts.iter().all(good)
            }
            _ => false,
        };
        (!within).then(|| format!("it must be {self}"))
    }
}

/// Checks each parameter that was given: refused by name where `by` has none, or out of range.
pub fn check(
    by: &'static str,
    inference: &Inference,
    rule: impl Fn(Parameter) -> Rule,
) -> Result<(), Error> {
    for (parameter, value) in inference.given() {
        match rule(parameter) {
            Rule::Refused { reason } => {
                let fault = FieldFault::Unsupported { by, reason };
                return Err(Error::Field {
                    param: parameter.name().to_owned(),
                    fault,
                });
            }
            Rule::Mapped { bounds, .. } => {
                if let Some(fault) = bounds.fault(value) {
                    return Err(Error::invalid(parameter.name(), fault));
                }
            }
        }
    }
    Ok(())
}
