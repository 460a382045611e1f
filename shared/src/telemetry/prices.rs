//! What a call costs, as far as the price file says: an estimate, and none for a model that it does
//! not have.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::families::Usage;
use crate::model::ModelId;

/// The file, which says its date and source.
const FILE: &str = include_str!("prices.json");

/// Read when first needed, which is when an answer has come.
static PRICES: LazyLock<BTreeMap<String, Price>> = LazyLock::new(|| {
    let file: Result<File, _> = serde_json::from_str(FILE);
    file.map(|file| file.models).unwrap_or_default()
});

const MILLION: f64 = 1_000_000.0;

#[derive(Debug, Deserialize)]
struct File {
    models: BTreeMap<String, Price>,
}

/// US dollars for a million tokens, or for an image.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Price {
    Text {
        input: f64,
        output: f64,
        #[serde(default)]
        cache_read: f64,
        #[serde(default)]
        cache_write: f64,
    },
    Image {
        image: f64,
        image_of_many_steps: Option<f64>,
    },
}

/// US dollars for an answer of a text model.
pub(super) fn of_text(model: &str, usage: Usage) -> Option<f64> {
    let Price::Text {
        input,
        output,
        cache_read,
        cache_write,
    } = price(model)?
    else {
        return None;
    };
    let cost = |count: u64, price: f64| count as f64 * price / MILLION;
    Some(
        cost(usage.input, input)
            + cost(usage.output, output)
            + cost(usage.cache_read, cache_read)
            + cost(usage.cache_write, cache_write),
    )
}

/// US dollars for an image.
pub(super) fn of_image(model: &str, many_steps: bool) -> Option<f64> {
    let Price::Image {
        image,
        image_of_many_steps,
    } = price(model)?
    else {
        return None;
    };
    match many_steps {
        true => image_of_many_steps.or(Some(image)),
        false => Some(image),
    }
}

/// By the id alone: what is behind an ARN of the account's own is not known.
fn price(model: &str) -> Option<Price> {
    let id = ModelId::parse(model).ok()?;
    PRICES.get(id.bare()?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_read_whole_and_has_known_models_alone() {
        let file: File = serde_json::from_str(FILE).unwrap();
        assert!(file.models.len() > 50, "{}", file.models.len());
        for (id, price) in file.models {
            let known = ModelId::parse(&id).unwrap();
            let entry = crate::model::entry(known.base().unwrap());
            let is_image = matches!(price, Price::Image { .. });
            let draws = entry.unwrap().draws();
            assert_eq!(draws, is_image, "{id}");
        }
    }

    #[test]
    fn tokens_and_images_have_the_price_of_the_id_that_was_called() {
        let usage = Usage {
            input: 1_000_000,
            output: 2_000_000,
            cache_read: 4_000_000,
            cache_write: 0,
        };
        let arn =
            "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-lite-v1:0";
        for (model, cost) in [
            ("us.amazon.nova-lite-v1:0", Some(0.06 + 0.48 + 0.06)),
            (arn, Some(0.06 + 0.48 + 0.06)),
            ("eu.amazon.nova-lite-v1:0", Some(0.078 + 0.624 + 0.078)),
            ("sa.amazon.nova-lite-v1:0", None),
            ("stability.stable-image-core-v1:1", None),
        ] {
            let found = of_text(model, usage);
            let near = match (found, cost) {
                (Some(found), Some(cost)) => (found - cost).abs() < 1e-9,
                (found, cost) => found == cost,
            };
            assert!(near, "{model}: {found:?}");
        }
        assert_eq!(
            of_image("stability.stable-diffusion-xl-v1", false),
            Some(0.04)
        );
        assert_eq!(
            of_image("stability.stable-diffusion-xl-v1", true),
            Some(0.08)
        );
        assert_eq!(
            of_image("stability.stable-image-core-v1:1", true),
            Some(0.04)
        );
        assert_eq!(of_image("amazon.nova-lite-v1:0", false), None);
    }
}
