//! The filters of a listing: `?provider=…&output_modality=…&inference_type=…`.

use std::collections::BTreeSet;

use bedrock_adapter::Error;
use bedrock_adapter::api::fields::unknown_name;

use crate::listing::Listing;
use crate::model::Model;

/// What a listing is restricted to; all of it must hold. Case does not count.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter(Vec<(Property, String)>);

/// What a model can be chosen by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Property {
    /// The provider, by its name (`Stability AI`) or as ids have it (`stability`).
    Provider,
    OutputModality,
    InferenceType,
}

impl Property {
    const ALL: [Self; 3] = [Self::Provider, Self::OutputModality, Self::InferenceType];

    const fn name(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::OutputModality => "output_modality",
            Self::InferenceType => "inference_type",
        }
    }

    /// Values that are known whether or not a model of the region has them: the service model's,
    /// and those that the userguide names beside it.
    const fn known(self) -> &'static [&'static str] {
        match self {
            Self::Provider => &[],
            Self::OutputModality => &["AUDIO", "EMBEDDING", "IMAGE", "SPEECH", "TEXT", "VIDEO"],
            Self::InferenceType => &["INFERENCE_PROFILE", "ON_DEMAND", "PROVISIONED"],
        }
    }

    /// A model's values.
    fn of(self, model: &Model) -> Vec<&str> {
        let words = match self {
            Self::Provider => {
                let names = [&model.provider, &model.maker].into_iter();
                return names.filter_map(Option::as_deref).collect();
            }
            Self::OutputModality => &model.output_modalities,
            Self::InferenceType => &model.inference_types,
        };
        words.iter().map(String::as_str).collect()
    }
}

impl Filter {
    /// Reads the parameters of a query.
    pub(crate) fn parse(query: Vec<(String, String)>) -> Result<Self, Error> {
        let mut filter = Self::default();
        for (name, value) in query {
            let property = Property::ALL.into_iter().find(|known| known.name() == name);
            let property =
                property.ok_or_else(|| unknown_name(&name, &Property::ALL.map(Property::name)))?;
            if filter.0.iter().any(|(given, _)| *given == property) {
                return Err(Error::invalid(name, "it may be given once"));
            }
            filter.0.push((property, value));
        }
        Ok(filter)
    }

    /// The models that are left of what is offered. A value that no model could have is refused.
    pub(crate) fn apply(&self, listing: &Listing) -> Result<Vec<Model>, Error> {
        for (property, wanted) in &self.0 {
            check(*property, wanted, listing)?;
        }
        let keeps = |model: &&Model| {
            self.0
                .iter()
                .all(|(property, wanted)| is_among(wanted, property.of(model)))
        };
        Ok(listing.offered().filter(keeps).cloned().collect())
    }
}

/// Refuses every parameter, where there is none to give.
pub(crate) fn none(query: Vec<(String, String)>) -> Result<(), Error> {
    match query.into_iter().next() {
        None => Ok(()),
        Some((name, _)) => Err(unknown_name(&name, &[])),
    }
}

fn check(property: Property, wanted: &str, listing: &Listing) -> Result<(), Error> {
    let models = listing.region().chain(listing.offered());
    let mut values: BTreeSet<_> = models.flat_map(|model| property.of(model)).collect();
    values.extend(property.known());
    if is_among(wanted, values.iter().copied()) {
        return Ok(());
    }
    let values: Vec<_> = values.into_iter().collect();
    let reason = format!("it must be one of: {}", values.join(", "));
    Err(Error::invalid(property.name(), reason))
}

fn is_among<'a>(wanted: &str, values: impl IntoIterator<Item = &'a str>) -> bool {
    values
        .into_iter()
        .any(|value| value.eq_ignore_ascii_case(wanted))
}

#[cfg(test)]
mod tests {
    use bedrock_adapter::model::Directory;

    use bedrock_adapter::model::ModelId;

    use super::*;
    use crate::bedrock::Foundation;

    fn listing(allowed: &[&str]) -> Listing {
        let model = |id: &str, provider: &str, output: &str, types: &[&str]| Foundation {
            id: id.to_owned(),
            arn: id.to_owned(),
            provider: Some(provider.to_owned()),
            output: vec![output.to_owned()],
            inference_types: types.iter().map(|word| (*word).to_owned()).collect(),
            ..Foundation::default()
        };
        let directory = Directory {
            default: None,
            aliases: Default::default(),
            allowed: allowed
                .iter()
                .map(|id| ModelId::parse(id).unwrap())
                .collect(),
            region: None,
        };
        let foundations = vec![
            model(
                "amazon.nova",
                "Amazon",
                "TEXT",
                &["ON_DEMAND", "PROVISIONED"],
            ),
            model("amazon.holo", "Amazon", "HOLOGRAM", &["INFERENCE_PROFILE"]),
            model("stability.core", "Stability AI", "IMAGE", &["ON_DEMAND"]),
        ];
        Listing::new(foundations, Vec::new(), &directory)
    }

    fn query(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn kept(allowed: &[&str], pairs: &[(&str, &str)]) -> Result<Vec<String>, Error> {
        let kept = Filter::parse(query(pairs))?.apply(&listing(allowed))?;
        Ok(kept.into_iter().map(|model| model.id).collect())
    }

    #[track_caller]
    fn keeps(pairs: &[(&str, &str)], ids: &[&str]) {
        assert_eq!(kept(&[], pairs).unwrap(), ids, "{pairs:?}");
    }

    #[track_caller]
    fn refuses(pairs: &[(&str, &str)], param: &str, code: &str) -> String {
        let error = kept(&[], pairs).unwrap_err();
        assert_eq!((error.param(), error.row().code), (Some(param), code));
        assert_eq!(error.row().status, 400);
        error.to_string()
    }

    #[test]
    fn filters_choose_in_any_case_and_together() {
        keeps(&[], &["amazon.holo", "amazon.nova", "stability.core"]);
        keeps(&[("provider", "stability ai")], &["stability.core"]);
        keeps(&[("provider", "STABILITY")], &["stability.core"]);
        keeps(&[("output_modality", "text")], &["amazon.nova"]);
        keeps(
            &[("inference_type", "on_demand")],
            &["amazon.nova", "stability.core"],
        );
        keeps(
            &[
                ("provider", "Amazon"),
                ("inference_type", "Inference_Profile"),
            ],
            &["amazon.holo"],
        );
        keeps(&[("provider", "Amazon"), ("output_modality", "IMAGE")], &[]);
    }

    #[test]
    fn a_value_that_a_model_could_have_leaves_nothing() {
        keeps(&[("output_modality", "VIDEO")], &[]);
        keeps(&[("output_modality", "hologram")], &["amazon.holo"]);
        // The region has such a model, though it is not offered.
        let stability = &[("provider", "stability")];
        assert_eq!(kept(&["amazon.nova"], stability), Ok(Vec::new()));
    }

    #[test]
    fn unknown_parameters_and_values_are_refused_by_name() {
        refuses(&[("colour", "red")], "colour", "unknown_parameter");
        let message = refuses(&[("Provider", "Amazon")], "Provider", "unknown_parameter");
        assert!(message.contains("did you mean `provider`?"), "{message}");
        let message = refuses(&[("provider", "Nobody")], "provider", "invalid_value");
        assert!(message.contains("Stability AI"), "{message}");
        refuses(&[("provider", "")], "provider", "invalid_value");
        refuses(
            &[("output_modality", "SMELL")],
            "output_modality",
            "invalid_value",
        );
        let message = refuses(
            &[("inference_type", "BATCH")],
            "inference_type",
            "invalid_value",
        );
        assert!(message.contains("ON_DEMAND"), "{message}");
        let twice = [("provider", "Amazon"), ("provider", "Amazon")];
        refuses(&twice, "provider", "invalid_value");
    }

    #[test]
    fn one_model_takes_no_parameter() {
        assert_eq!(none(Vec::new()), Ok(()));
        let error = none(query(&[("provider", "Amazon")])).unwrap_err();
        assert_eq!(error.param(), Some("provider"));
    }
}
