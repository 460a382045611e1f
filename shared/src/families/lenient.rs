//! Reading what models really send: floats where integers are expected, and nulls.

use serde::{Deserialize, Deserializer};

/// A count that may be null or a float: Titan with a guardrail answers `28.0`.
pub(super) fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    // A float to integer cast saturates, which is what a count that is out of range deserves.
    Ok(Option::<f64>::deserialize(deserializer)?.map(|count| count as u64))
}

/// A text that may be null.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
