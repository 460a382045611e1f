//! Checks of options that image families share.

use std::fmt::Display;

use crate::Error;
use crate::error::FieldFault;

/// The option would change the image, and the family cannot honour it.
pub(super) fn unsupported(by: &'static str, param: &str, reason: &'static str) -> Error {
    Error::Field {
        param: param.to_owned(),
        fault: FieldFault::Unsupported { by, reason },
    }
}

/// Refuses the first of these options that was given.
pub(super) fn refuse_given(
    by: &'static str,
    reason: &'static str,
    options: &[(&str, bool)],
) -> Result<(), Error> {
    match options.iter().find(|(_, given)| *given) {
        Some((param, _)) => Err(unsupported(by, param, reason)),
        None => Ok(()),
    }
}

/// A number must be within the closed interval.
pub(super) fn between<N: PartialOrd + Display>(
    param: &str,
    value: Option<N>,
    least: N,
    most: N,
) -> Result<(), Error> {
    match value {
        Some(value) if value < least || value > most => Err(Error::invalid(
            param,
            format!("it must be between {least} and {most}"),
        )),
        Some(_) | None => Ok(()),
    }
}

/// A text must have at most so many characters.
pub(super) fn at_most(param: &str, text: Option<&String>, most: usize) -> Result<(), Error> {
    match text {
        Some(text) if text.chars().nth(most).is_some() => Err(Error::invalid(
            param,
            format!("it must have at most {most} characters"),
        )),
        Some(_) | None => Ok(()),
    }
}

/// A name must be a known one.
pub(super) fn one_of(param: &str, value: Option<&str>, known: &[&str]) -> Result<(), Error> {
    match value {
        Some(value) if !known.contains(&value) => Err(Error::invalid(
            param,
            format!("it must be one of {}", known.join(", ")),
        )),
        Some(_) | None => Ok(()),
    }
}
