//! What the region lists, and what of it the deployment offers.

use std::collections::BTreeMap;

use bedrock_adapter::model::{Directory, ModelId, Resource};

use crate::bedrock::{Foundation, Profile};
use crate::model::Model;

/// The models of a region, and those that the deployment offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listing {
    /// Foundation models and profiles, by id.
    region: BTreeMap<String, Model>,
    /// The same ids, by ARN.
    arns: BTreeMap<String, String>,
    offered: BTreeMap<String, Model>,
}

impl Listing {
    /// From the control plane's answers. What it names without an id is left out.
    pub(crate) fn new(
        foundations: Vec<Foundation>,
        profiles: Vec<Profile>,
        directory: &Directory,
    ) -> Self {
        let mut listing = Self {
            region: BTreeMap::new(),
            arns: BTreeMap::new(),
            offered: BTreeMap::new(),
        };
        for model in foundations {
            listing.add(model.arn.clone(), Model::of_foundation(model));
        }
        for profile in profiles {
            listing.add(profile.arn.clone(), listing.profile(profile));
        }
        listing.offered = listing.offer(directory);
        listing
    }

    fn add(&mut self, arn: String, model: Model) {
        if model.id.is_empty() {
            return;
        }
        self.arns.insert(arn, model.id.clone());
        self.region.insert(model.id.clone(), model);
    }

    /// All models where none are allowed by name; aliases go before ids of the same name, as they do
    /// in requests.
    fn offer(&self, directory: &Directory) -> BTreeMap<String, Model> {
        let mut offered: BTreeMap<_, _> = match directory.allowed.is_empty() {
            true => self.region.clone(),
            false => directory
                .allowed
                .iter()
                .map(|id| {
                    // Callers name it by its id, where it has one.
                    let bare = id.bare().and_then(|bare| ModelId::parse(bare).ok());
                    let id = bare.unwrap_or_else(|| id.clone());
                    (id.as_str().to_owned(), self.describe(&id))
                })
                .collect(),
        };
        for (name, alias) in &directory.aliases {
            if directory.allows(&alias.id) {
                let model = self.describe(&alias.id).of_family(alias.family);
                offered.insert(name.clone(), model.alias(name));
            }
        }
        offered
    }

    /// Everything that the deployment offers, in the order of the ids.
    pub(crate) fn offered(&self) -> impl Iterator<Item = &Model> {
        self.offered.values()
    }

    /// Everything that the region lists, offered or not.
    pub(crate) fn region(&self) -> impl Iterator<Item = &Model> {
        self.region.values()
    }

    /// What is offered under this name.
    pub(crate) fn find(&self, name: &str) -> Option<Model> {
        self.offered.get(name).cloned()
    }

    /// What the region lists under this id or ARN, by the name that it was asked for with.
    pub(crate) fn find_in_region(&self, id: &str) -> Option<Model> {
        let listed = self.arns.get(id).map_or(id, String::as_str);
        Some(self.region.get(listed)?.clone().named(id))
    }

    /// A profile over the model behind it.
    pub(crate) fn profile(&self, profile: Profile) -> Model {
        let told = ModelId::parse(&profile.id).ok();
        let told = told.as_ref().and_then(ModelId::base);
        let behind = self.behind(profile.model.as_deref().or(told));
        Model::of_profile(profile, behind)
    }

    /// A model by its id: as the region lists it, else by the model behind it, else by what is known
    /// without Bedrock.
    fn describe(&self, id: &ModelId) -> Model {
        if let Some(model) = self.find_in_region(id.as_str()) {
            return model;
        }
        let model = match id.resource() {
            Resource::FoundationModel => self.behind(id.base()),
            Resource::InferenceProfile => self.behind(id.base()).through_profile(),
            // Whatever the model behind it can do, these are made and end by themselves.
            Resource::ApplicationInferenceProfile
            | Resource::CustomModel
            | Resource::CustomModelDeployment
            | Resource::ImportedModel
            | Resource::ProvisionedModel
            | Resource::Prompt
            | Resource::PromptRouter
            | Resource::SagemakerEndpoint => Model::unlisted(id.base()),
        };
        model.named(id.as_str())
    }

    fn behind(&self, base: Option<&str>) -> Model {
        let listed = base.and_then(|base| self.region.get(base));
        listed.cloned().unwrap_or_else(|| Model::unlisted(base))
    }
}

#[cfg(test)]
mod tests {
    use bedrock_adapter::model::{Alias, Family, TextFamily};

    use super::*;

    const LITE: &str = "amazon.nova-lite-v1:0";
    const OWN: &str = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc";
    const IMPORTED: &str = "arn:aws:bedrock:us-east-1:123456789012:imported-model/abcdefghijkl";

    fn arn(id: &str) -> String {
        format!("arn:aws:bedrock:us-east-1::foundation-model/{id}")
    }

    fn foundation(id: &str, provider: &str) -> Foundation {
        Foundation {
            id: id.to_owned(),
            arn: arn(id),
            provider: Some(provider.to_owned()),
            output: vec!["TEXT".to_owned()],
            inference_types: vec!["ON_DEMAND".to_owned()],
            ..Foundation::default()
        }
    }

    fn profile(id: &str, model: &str) -> Profile {
        Profile {
            id: id.to_owned(),
            arn: format!("arn:aws:bedrock:us-east-1:123456789012:inference-profile/{id}"),
            name: "A profile".to_owned(),
            created: None,
            model: Some(model.to_owned()),
        }
    }

    fn directory(allowed: &[&str], aliases: &[(&str, &str, Option<Family>)]) -> Directory {
        let alias = |id: &str, family| Alias {
            id: ModelId::parse(id).unwrap(),
            family,
            api: None,
        };
        Directory {
            default: None,
            aliases: aliases
                .iter()
                .map(|(name, id, family)| ((*name).to_owned(), alias(id, *family)))
                .collect(),
            allowed: allowed
                .iter()
                .map(|id| ModelId::parse(id).unwrap())
                .collect(),
            region: None,
        }
    }

    fn listing(directory: &Directory) -> Listing {
        let own = Profile {
            arn: OWN.to_owned(),
            ..profile(OWN, LITE)
        };
        Listing::new(
            vec![
                foundation("meta.llama9-v1:0", "Meta"),
                foundation("anthropic.claude-v2", "Anthropic"),
                foundation(LITE, "Amazon"),
                Foundation::default(),
            ],
            vec![
                profile("us.amazon.nova-lite-v1:0", LITE),
                profile("eu.mistral.large-v9", "mistral.large-v9"),
                own,
            ],
            directory,
        )
    }

    fn ids(listing: &Listing) -> Vec<&str> {
        listing.offered().map(|model| model.id.as_str()).collect()
    }

    #[test]
    fn everything_is_offered_in_the_order_of_the_ids() {
        let expected = [
            LITE,
            "anthropic.claude-v2",
            OWN,
            "eu.mistral.large-v9",
            "meta.llama9-v1:0",
            "us.amazon.nova-lite-v1:0",
        ];
        assert_eq!(ids(&listing(&directory(&[], &[]))), expected);
    }

    #[test]
    fn a_profile_has_the_provider_of_the_model_behind_it() {
        let listing = listing(&directory(&[], &[]));
        for id in ["us.amazon.nova-lite-v1:0", OWN] {
            let profile = listing.find(id).unwrap();
            assert_eq!(profile.provider.as_deref(), Some("Amazon"));
            assert_eq!(profile.output_modalities, ["TEXT"]);
            assert_eq!(profile.inference_types, ["INFERENCE_PROFILE"]);
        }
        let elsewhere = listing.find("eu.mistral.large-v9").unwrap();
        assert_eq!(elsewhere.owned_by, "mistral");
        assert_eq!(elsewhere.provider, None);
    }

    #[test]
    fn only_allowed_models_are_offered_listed_or_not() {
        let claude = arn("anthropic.claude-v2");
        let allowed = [
            "us.amazon.nova-lite-v1:0",
            "ap.nobody",
            "apac.amazon.nova-lite-v1:0",
            "stability.stable-diffusion-xl-v1",
            claude.as_str(),
            IMPORTED,
        ];
        let listing = listing(&directory(&allowed, &[]));
        // An ARN is offered as the id that callers know it by, where it has one.
        let mut expected = allowed.map(|id| match id == claude {
            true => "anthropic.claude-v2",
            false => id,
        });
        expected.sort_unstable();
        assert_eq!(ids(&listing), expected);
        let find = |id: &str| listing.find(id).unwrap();
        let claude = find("anthropic.claude-v2");
        assert_eq!(claude.provider.as_deref(), Some("Anthropic"));
        let xl = find("stability.stable-diffusion-xl-v1");
        assert_eq!(xl.output_modalities, ["IMAGE"]);
        assert_eq!(xl.shutdown_date.as_deref(), Some("2025-05-20"));
        assert_eq!(xl.successor, Some("stability.stable-image-core-v1:1"));
        let elsewhere = find("apac.amazon.nova-lite-v1:0");
        assert_eq!(elsewhere.provider.as_deref(), Some("Amazon"));
        assert_eq!(elsewhere.inference_types, ["INFERENCE_PROFILE"]);
        assert_eq!(find(IMPORTED).owned_by, "account");
        assert_eq!(listing.find(LITE), None);
        assert!(listing.find_in_region(LITE).is_some());
    }

    #[test]
    fn aliases_are_offered_where_their_model_is_allowed() {
        let text = Some(Family::Text(TextFamily::ClaudeMessages));
        let aliases = [("gpt-4o", LITE, None), ("mine", IMPORTED, text)];
        let listed = listing(&directory(&[], &aliases));
        assert_eq!(
            listed.find("gpt-4o").unwrap().alias_of.as_deref(),
            Some(LITE)
        );
        let mine = listed.find("mine").unwrap();
        assert_eq!(mine.alias_of.as_deref(), Some(IMPORTED));
        assert_eq!(mine.output_modalities, ["TEXT"]);
        let restricted = listing(&directory(&[LITE], &aliases));
        assert_eq!(ids(&restricted), [LITE, "gpt-4o"]);
    }

    #[test]
    fn an_alias_goes_before_a_model_of_its_name() {
        let aliases = [("anthropic.claude-v2", LITE, None)];
        let listing = listing(&directory(&[], &aliases));
        let model = listing.find("anthropic.claude-v2").unwrap();
        assert_eq!(model.alias_of.as_deref(), Some(LITE));
    }

    #[test]
    fn a_model_is_found_by_its_arn_and_shown_under_it() {
        let listing = listing(&directory(&[], &[]));
        let claude = arn("anthropic.claude-v2");
        let model = listing.find_in_region(&claude).unwrap();
        assert_eq!(model.id, claude);
        assert_eq!(model.provider.as_deref(), Some("Anthropic"));
        assert_eq!(listing.find_in_region("anthropic.claude-v3"), None);
    }
}
