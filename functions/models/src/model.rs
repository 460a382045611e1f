//! The model object of the API.

use bedrock_adapter::model::{Family, entry};
use serde::Serialize;

use crate::bedrock::{Foundation, Profile};

/// `created` of a model that Bedrock gives no date for: the day of Bedrock's general availability,
/// 2023-09-28, in seconds since 1970.
const UNKNOWN_CREATION: i64 = 1_695_859_200;

/// What a profile's inference type is called; AWS's own word, though not of its service model.
const INFERENCE_PROFILE: &str = "INFERENCE_PROFILE";

/// `owned_by` of what says no provider, such as an imported model.
const OWN: &str = "account";

/// A model, or what stands for one: an inference profile or an alias.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Model {
    /// What a request's `model` may say.
    pub id: String,
    object: &'static str,
    /// Seconds since 1970, the same in each answer: the start of a foundation model's life, a
    /// profile's creation, else the start of the life of the model behind it, else
    /// 2023-09-28. An alias has its model's.
    pub created: i64,
    /// The provider, by name or as ids have it; `account` where there is none.
    pub owned_by: String,
    /// The name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The provider's name for people; a profile has that of the model behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// `TEXT`, `IMAGE` and others, in AWS's words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub input_modalities: Vec<String>,
    /// `TEXT`, `IMAGE`, `EMBEDDING` and others, in AWS's words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub output_modalities: Vec<String>,
    /// The family whose native format is spoken with it, by its name in this API; absent for a
    /// model that Converse alone serves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family: Option<&'static str>,
    /// Whether its answers can be streamed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub streaming: Option<bool>,
    /// `ON_DEMAND`, `PROVISIONED`, `INFERENCE_PROFILE`; a profile has the last alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inference_types: Vec<String>,
    /// `ACTIVE` or `LEGACY`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<&'static str>,
    /// Its last day, as `YYYY-MM-DD`: Bedrock's word, else the catalogue's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shutdown_date: Option<String>,
    /// What to use instead, where the catalogue names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub successor: Option<&'static str>,
    /// The model that an alias stands for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias_of: Option<String>,
    /// The provider as ids have it, `stability` say.
    #[serde(skip)]
    pub maker: Option<String>,
}

impl Model {
    /// A foundation model that Bedrock described.
    pub(crate) fn of_foundation(model: Foundation) -> Self {
        let Foundation {
            id,
            arn: _,
            name,
            provider,
            input,
            output,
            streaming,
            inference_types,
            status,
            start,
            end,
        } = model;
        let known = Self::unlisted(Some(&id));
        Self {
            id,
            created: start.unwrap_or(UNKNOWN_CREATION),
            owned_by: provider.clone().unwrap_or(known.owned_by),
            name,
            provider,
            input_modalities: input,
            output_modalities: output,
            streaming,
            inference_types,
            status,
            shutdown_date: end.or(known.shutdown_date),
            ..known
        }
    }

    /// A profile that Bedrock described, over the model behind it.
    pub(crate) fn of_profile(profile: Profile, behind: Self) -> Self {
        let Profile {
            id,
            arn: _,
            name,
            created,
            model: _,
        } = profile;
        Self {
            id,
            created: created.unwrap_or(behind.created),
            name: Some(name),
            ..behind.through_profile()
        }
    }

    /// The same as it is called through a profile.
    #[must_use]
    pub(crate) fn through_profile(self) -> Self {
        Self {
            inference_types: vec![INFERENCE_PROFILE.to_owned()],
            ..self
        }
    }

    /// A model that Bedrock did not describe: what the catalogue and `provider.model`, where the id
    /// says it, tell.
    pub(crate) fn unlisted(base: Option<&str>) -> Self {
        let unknown = Self {
            id: String::new(),
            object: "model",
            created: UNKNOWN_CREATION,
            owned_by: OWN.to_owned(),
            name: None,
            provider: None,
            input_modalities: Vec::new(),
            output_modalities: Vec::new(),
            family: None,
            streaming: None,
            inference_types: Vec::new(),
            status: None,
            shutdown_date: None,
            successor: None,
            alias_of: None,
            maker: None,
        };
        let Some(base) = base else {
            return unknown;
        };
        let entry = entry(base);
        let end = entry.and_then(|entry| entry.end_of_life);
        let maker = base.split_once('.').map(|(maker, _)| maker.to_owned());
        let model = Self {
            id: base.to_owned(),
            owned_by: maker.clone().unwrap_or(unknown.owned_by),
            shutdown_date: end.map(str::to_owned),
            successor: entry.and_then(|entry| entry.successor),
            maker,
            ..unknown
        };
        model.of_family(Family::of(base))
    }

    /// The same with its family and what that says, where nobody else said it.
    #[must_use]
    pub(crate) fn of_family(self, family: Option<Family>) -> Self {
        let model = Self {
            family: self.family.or(family.map(Family::name)),
            ..self
        };
        if !model.output_modalities.is_empty() {
            return model;
        }
        let output = family.map(|family| match family {
            Family::Text(_) => "TEXT".to_owned(),
            Family::Image(_) => "IMAGE".to_owned(),
        });
        Self {
            output_modalities: output.into_iter().collect(),
            ..model
        }
    }

    /// The same under another name.
    #[must_use]
    pub(crate) fn named(self, id: &str) -> Self {
        Self {
            id: id.to_owned(),
            ..self
        }
    }

    /// The deployment's own name for it.
    #[must_use]
    pub(crate) fn alias(self, name: &str) -> Self {
        Self {
            alias_of: Some(self.id),
            id: name.to_owned(),
            ..self
        }
    }
}

/// `{"object":"list","data":[…]}`
#[derive(Debug, Serialize)]
pub(crate) struct List {
    object: &'static str,
    data: Vec<Model>,
}

impl List {
    /// The models, in their order.
    pub(crate) const fn new(data: Vec<Model>) -> Self {
        Self {
            object: "list",
            data,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lite() -> Foundation {
        Foundation {
            id: "amazon.titan-text-lite-v1".to_owned(),
            arn: "arn:aws:bedrock:us-east-1::foundation-model/amazon.titan-text-lite-v1".to_owned(),
            name: Some("Titan Text G1 - Lite".to_owned()),
            provider: Some("Amazon".to_owned()),
            input: vec!["TEXT".to_owned()],
            output: vec!["TEXT".to_owned()],
            streaming: Some(true),
            inference_types: vec!["ON_DEMAND".to_owned()],
            status: Some("LEGACY"),
            start: Some(1_700_000_000),
            end: Some("2025-08-16".to_owned()),
        }
    }

    #[test]
    fn a_foundation_model_is_shown_with_all_that_is_known() {
        let expected = json!({
            "id": "amazon.titan-text-lite-v1",
            "object": "model",
            "created": 1_700_000_000,
            "owned_by": "Amazon",
            "name": "Titan Text G1 - Lite",
            "provider": "Amazon",
            "input_modalities": ["TEXT"],
            "output_modalities": ["TEXT"],
            "family": "titan-text",
            "streaming": true,
            "inference_types": ["ON_DEMAND"],
            "status": "LEGACY",
            "shutdown_date": "2025-08-16",
            "successor": "us.amazon.nova-micro-v1:0",
        });
        let shown = serde_json::to_value(Model::of_foundation(lite())).unwrap();
        assert_eq!(shown, expected);
    }

    #[test]
    fn what_bedrock_leaves_out_comes_from_the_catalogue_or_is_left_out() {
        let bare = Foundation {
            id: "amazon.titan-text-lite-v1".to_owned(),
            ..Foundation::default()
        };
        let expected = json!({
            "id": "amazon.titan-text-lite-v1",
            "object": "model",
            "created": 1_695_859_200,
            "owned_by": "amazon",
            "family": "titan-text",
            "shutdown_date": "2025-08-15",
            "successor": "us.amazon.nova-micro-v1:0",
        });
        let shown = serde_json::to_value(Model::of_foundation(bare)).unwrap();
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_profile_shows_the_model_behind_it() {
        let profile = |created| Profile {
            id: "us.amazon.titan-text-lite-v1".to_owned(),
            arn: "an-arn".to_owned(),
            name: "US Titan".to_owned(),
            created,
            model: None,
        };
        let behind = Model::of_foundation(lite());
        let shown = Model::of_profile(profile(Some(1_800_000_000)), behind.clone());
        assert_eq!(shown.id, "us.amazon.titan-text-lite-v1");
        assert_eq!(shown.created, 1_800_000_000);
        assert_eq!(shown.name.as_deref(), Some("US Titan"));
        assert_eq!(shown.provider.as_deref(), Some("Amazon"));
        assert_eq!(shown.inference_types, ["INFERENCE_PROFILE"]);
        assert_eq!(shown.shutdown_date.as_deref(), Some("2025-08-16"));
        assert_eq!(
            Model::of_profile(profile(None), behind).created,
            1_700_000_000
        );
    }

    #[test]
    fn an_unlisted_model_is_what_its_id_says() {
        let core = Model::unlisted(Some("stability.stable-image-core-v1:1"));
        assert_eq!(core.owned_by, "stability");
        assert_eq!(core.output_modalities, ["IMAGE"]);
        let llama = Model::unlisted(Some("meta.llama9-v1:0"));
        assert_eq!(
            (llama.owned_by.as_str(), llama.maker.as_deref()),
            ("meta", Some("meta"))
        );
        assert!(llama.output_modalities.is_empty());
        assert_eq!(Model::unlisted(None).owned_by, "account");
    }

    #[test]
    fn an_alias_says_what_it_stands_for() {
        let shown = Model::of_foundation(lite()).alias("fast");
        assert_eq!(shown.id, "fast");
        assert_eq!(shown.alias_of.as_deref(), Some("amazon.titan-text-lite-v1"));
        assert_eq!(shown.provider.as_deref(), Some("Amazon"));
    }
}
