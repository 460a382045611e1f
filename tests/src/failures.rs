//! Which items of a batch a function reports as failed.

use std::collections::BTreeSet;

use serde_json::Value;

/// The identifiers of the failed items.
///
/// Source: the Lambda developer guide's page `services-sqs-errorhandling`, *Implementing partial
/// batch responses*: with anything else in the answer Lambda takes the whole batch as failed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BatchItemFailures(BTreeSet<String>);

impl BatchItemFailures {
    /// Reads a function's answer: these keys and no other, and each identifier once.
    pub fn read(response: &Value) -> Self {
        Self::of(response).unwrap_or_else(|problem| panic!("{problem}: {response}"))
    }

    fn of(response: &Value) -> Result<Self, &'static str> {
        let rows = only(response, "batchItemFailures").and_then(Value::as_array);
        let rows = rows.ok_or("no list `batchItemFailures` alone")?;
        let mut ids = BTreeSet::new();
        for row in rows {
            let id = only(row, "itemIdentifier").and_then(Value::as_str);
            let id = id.filter(|id| !id.is_empty());
            if !ids.insert(id.ok_or("no text `itemIdentifier` alone")?.to_owned()) {
                return Err("an identifier twice");
            }
        }
        Ok(Self(ids))
    }

    /// The identifiers, sorted.
    pub fn ids(&self) -> Vec<&str> {
        self.0.iter().map(String::as_str).collect()
    }

    /// Whether this item failed.
    pub fn contains(&self, id: &str) -> bool {
        self.0.contains(id)
    }

    /// How many failed.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none failed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T: Into<String>> FromIterator<T> for BatchItemFailures {
    fn from_iter<I: IntoIterator<Item = T>>(ids: I) -> Self {
        Self(ids.into_iter().map(Into::into).collect())
    }
}

/// The value of an object's one key.
fn only<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    let object = value.as_object().filter(|object| object.len() == 1)?;
    object.get(key)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_lists_of_different_identifiers_are_taken() {
        let good = json!({"batchItemFailures": [{"itemIdentifier": "b"}, {"itemIdentifier": "a"}]});
        assert_eq!(BatchItemFailures::read(&good).ids(), ["a", "b"]);
        assert!(BatchItemFailures::read(&json!({"batchItemFailures": []})).is_empty());
        for bad in [
            json!(null),
            json!({}),
            json!({"batchItemFailures": null}),
            json!({"batchItemFailures": [], "more": 1}),
            json!({"batchItemFailures": ["a"]}),
            json!({"batchItemFailures": [{"itemIdentifier": ""}]}),
            json!({"batchItemFailures": [{"itemIdentifier": "a", "more": 1}]}),
            json!({"batchItemFailures": [{"itemIdentifier": "a"}, {"itemIdentifier": "a"}]}),
        ] {
            assert!(BatchItemFailures::of(&bad).is_err(), "{bad}");
        }
    }
}
