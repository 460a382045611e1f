//! From the caller's name for a model to the model: aliases, the allow-list, the family.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::catalogue;
use super::entry::Entry;
use super::family::{Family, ImageFamily, TextFamily};
use super::id::ModelId;
use crate::Error;
use crate::error::ModelFault;

/// The way to a text model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Api {
    /// Bedrock's Converse, the same for all models.
    Converse,
    /// InvokeModel with the family's own body.
    Invoke,
}

/// What a request says about its model.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// The model's name; absent, the function's default.
    pub model: Option<String>,
    /// The family, where the id does not say it.
    pub family: Option<String>,
    /// The way to it; absent, the model's usual way.
    pub api: Option<Api>,
}

/// A name of the deployment's own for a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    /// The model.
    pub id: ModelId,
    /// The family, where the id does not say it.
    pub family: Option<Family>,
    /// The way to it.
    pub api: Option<Api>,
}

/// The models of a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// The model of a request that names none; a function without models has none.
    pub default: Option<String>,
    /// Names of the deployment's own.
    pub aliases: BTreeMap<String, Alias>,
    /// The ids that may be used; empty allows all that the function's role may call.
    pub allowed: Vec<ModelId>,
    /// The region that is called, where that is known.
    pub region: Option<String>,
}

/// The model that a request is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The model, as the caller named it.
    pub name: String,
    /// The model, as Bedrock knows it.
    pub id: ModelId,
    /// Its family; `None` for a model that only Converse is known to serve.
    pub family: Option<Family>,
    /// What is known of it.
    pub entry: Option<&'static Entry>,
    /// The way to it, where the request or an alias chose one.
    pub api: Option<Api>,
    /// Its inference profile for the region that is called, where one is known.
    pub profile: Option<String>,
}

impl Directory {
    /// Whether a model may be used. An id and an ARN that mean the same model allow each other.
    pub fn allows(&self, id: &ModelId) -> bool {
        let is_it = |allowed: &ModelId| match id.bare() {
            Some(bare) => allowed.bare() == Some(bare),
            None => allowed == id,
        };
        self.allowed.is_empty() || self.allowed.iter().any(is_it)
    }

    /// Finds the model that a request is for.
    pub fn find(&self, wanted: &Wanted) -> Result<Target, Error> {
        let name = wanted.model.as_deref().or(self.default.as_deref());
        let name = name.ok_or_else(|| Error::missing("model"))?;
        let fault = |fault| Error::Model {
            model: name.to_owned(),
            fault,
        };
        let alias = match self.aliases.get(name) {
            Some(alias) => alias.clone(),
            None => Alias {
                id: ModelId::parse(name).map_err(|_| fault(ModelFault::NotFound))?,
                family: None,
                api: None,
            },
        };
        if !self.allows(&alias.id) {
            return Err(fault(ModelFault::NotAllowed));
        }
        let declared = match &wanted.family {
            None => None,
            Some(family) => Some(Family::named(family).ok_or_else(|| {
                Error::invalid("family", format!("it must be one of: {}", Family::names()))
            })?),
        };
        let told = alias.id.base().and_then(Family::of);
        let family = match (told.or(alias.family), declared) {
            (Some(family), Some(declared)) if family != declared => {
                return Err(Error::invalid(
                    "family",
                    format!("the model's family is {family}"),
                ));
            }
            (family, declared) => family.or(declared),
        };
        let api = wanted.api.or(alias.api);
        // Converse is the same for all families; nothing else is.
        if family.is_none() && alias.id.base().is_none() && api != Some(Api::Converse) {
            return Err(fault(ModelFault::FamilyRequired {
                known: Family::names(),
            }));
        }
        let entry = alias.id.base().and_then(catalogue::entry);
        let region = self.region.as_deref();
        Ok(Target {
            name: name.to_owned(),
            profile: entry
                .zip(region)
                .and_then(|(entry, region)| entry.profile_from(region)),
            entry,
            api,
            id: alias.id,
            family,
        })
    }
}

impl Target {
    /// The error that something is wrong with this model.
    pub fn fault(&self, fault: ModelFault) -> Error {
        Error::Model {
            model: self.name.clone(),
            fault,
        }
    }

    /// The family that writes text; `None` for a model that only Converse is known to serve.
    pub fn text_family(&self) -> Result<Option<TextFamily>, Error> {
        let draws = self.entry.is_some_and(Entry::draws);
        match self.family {
            None if !draws => Ok(None),
            Some(Family::Text(family)) => Ok(Some(family)),
            None | Some(Family::Image(_)) => {
                Err(self.fault(ModelFault::TaskUnsupported("text; it draws images")))
            }
        }
    }

    /// The family that draws images.
    pub fn image_family(&self) -> Result<ImageFamily, Error> {
        let writes = self.entry.is_some_and(|entry| !entry.draws());
        match self.family {
            Some(Family::Image(family)) => Ok(family),
            None if !writes => Err(self.fault(ModelFault::FamilyRequired {
                known: Family::names(),
            })),
            None | Some(Family::Text(_)) => {
                Err(self.fault(ModelFault::TaskUnsupported("images; it writes text")))
            }
        }
    }

    /// The error that this model has ended.
    pub fn retired(&self) -> Error {
        self.fault(ModelFault::Retired {
            since: self.entry.and_then(|entry| entry.end_of_life),
            successor: self.entry.and_then(|entry| entry.successor),
        })
    }

    /// The error that this model is legacy, and closed to who has not called it lately.
    pub fn closed(&self) -> Error {
        self.fault(ModelFault::Closed {
            until: self.entry.and_then(|entry| entry.end_of_life),
            successor: self.entry.and_then(|entry| entry.successor),
        })
    }

    /// The error that this model is called through an inference profile.
    pub fn needs_profile(&self) -> Error {
        // A profile that is refused itself is no advice.
        let profile = self.profile.clone();
        let profile = profile.filter(|profile| profile != self.id.as_str());
        self.fault(ModelFault::ProfileRequired { profile })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IMPORTED: &str = "arn:aws:bedrock:us-east-1:123456789012:imported-model/abcdefghijkl";

    fn directory() -> Directory {
        let alias = |id: &str, family| Alias {
            id: ModelId::parse(id).unwrap(),
            family,
            api: Some(Api::Invoke),
        };
        Directory {
            default: Some("amazon.nova-micro-v1:0".to_owned()),
            aliases: BTreeMap::from([
                ("gpt-4o".to_owned(), alias("us.amazon.nova-lite-v1:0", None)),
                (
                    "mine".to_owned(),
                    alias(IMPORTED, Some(Family::Text(TextFamily::ClaudeMessages))),
                ),
            ]),
            allowed: Vec::new(),
            region: Some("eu-west-1".to_owned()),
        }
    }

    fn find(model: Option<&str>, family: Option<&str>) -> Result<Target, Error> {
        let wanted = Wanted {
            model: model.map(str::to_owned),
            family: family.map(str::to_owned),
            api: None,
        };
        directory().find(&wanted)
    }

    #[track_caller]
    fn refused(model: &str, family: Option<&str>, param: &str, code: &str) {
        let error = find(Some(model), family).unwrap_err();
        assert_eq!(
            (error.param(), error.row().code),
            (Some(param), code),
            "{model}: {error}"
        );
    }

    #[test]
    fn a_request_without_a_model_gets_the_default() {
        assert_eq!(find(None, None).unwrap().name, "amazon.nova-micro-v1:0");
    }

    #[test]
    fn an_alias_stands_for_its_model_and_keeps_its_name() {
        let target = find(Some("gpt-4o"), None).unwrap();
        assert_eq!(
            (target.name.as_str(), target.id.as_str()),
            ("gpt-4o", "us.amazon.nova-lite-v1:0")
        );
        assert_eq!(target.entry.unwrap().id, "amazon.nova-lite-v1:0");
        assert_eq!(target.api, Some(Api::Invoke));
    }

    #[test]
    fn an_arn_without_a_family_takes_the_declared_one() {
        let family = Some(Family::Text(TextFamily::ClaudeMessages));
        assert_eq!(
            find(Some(IMPORTED), Some("claude-messages"))
                .unwrap()
                .family,
            family
        );
        assert_eq!(find(Some("mine"), None).unwrap().family, family);
        refused(IMPORTED, None, "family", "model_family_required");
        let wanted = Wanted {
            model: Some(IMPORTED.to_owned()),
            family: None,
            api: Some(Api::Converse),
        };
        assert_eq!(directory().find(&wanted).unwrap().family, None);
        refused(IMPORTED, Some("gpt"), "family", "invalid_value");
        refused("mine", Some("titan-text"), "family", "invalid_value");
    }

    #[test]
    fn an_unknown_model_with_a_good_id_is_left_to_converse() {
        assert_eq!(find(Some("meta.llama9-v1:0"), None).unwrap().family, None);
        refused("gpt-5", None, "model", "model_not_found");
    }

    #[test]
    fn a_model_says_its_profile_of_the_region() {
        let target = find(Some("amazon.nova-lite-v1:0"), None).unwrap();
        let error = target.needs_profile();
        assert_eq!(
            (error.row().code, error.param()),
            ("invalid_value", Some("model"))
        );
        assert!(error.to_string().contains("`eu.amazon.nova-lite-v1:0`"));
        for name in ["eu.amazon.nova-lite-v1:0", "meta.llama9-v1:0"] {
            let error = find(Some(name), None).unwrap().needs_profile();
            assert!(
                error
                    .to_string()
                    .contains("inference profile that contains")
            );
        }
    }

    #[test]
    fn a_known_model_serves_its_own_task_alone_even_without_a_family() {
        for entry in super::catalogue::ENTRIES {
            let target = find(Some(entry.id), None).unwrap();
            assert_eq!(target.text_family().is_err(), entry.draws(), "{}", entry.id);
            if !entry.draws() {
                let error = target.image_family().unwrap_err();
                assert_eq!(error.row().code, "unsupported_model", "{}", entry.id);
            }
        }
    }

    #[test]
    fn an_alias_with_a_declared_family_serves_that_familys_task() {
        let draws = Alias {
            id: ModelId::parse(IMPORTED).unwrap(),
            family: Some(Family::Image(ImageFamily::StableDiffusionXl)),
            api: None,
        };
        let mut directory = directory();
        directory.aliases.insert("draws".to_owned(), draws);
        let find = |name: &str| {
            let model = Some(name.to_owned());
            let wanted = Wanted {
                model,
                ..Wanted::default()
            };
            directory.find(&wanted).unwrap()
        };
        let drawing = find("draws").image_family().unwrap();
        assert_eq!(drawing, ImageFamily::StableDiffusionXl);
        assert!(find("draws").text_family().is_err());
        let writing = find("mine").text_family().unwrap();
        assert_eq!(writing, Some(TextFamily::ClaudeMessages));
        assert!(find("mine").image_family().is_err());
    }

    #[test]
    fn an_allowed_arn_allows_the_id_that_means_the_same() {
        let account = "arn:aws:bedrock:us-east-1:123456789012:";
        let profile = format!("{account}inference-profile/us.amazon.nova-lite-v1:0");
        let model = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-micro-v1:0";
        let mut directory = directory();
        directory.allowed = [&profile, model, IMPORTED]
            .map(|arn| ModelId::parse(arn).unwrap())
            .into();
        let allows = |id: &str| directory.allows(&ModelId::parse(id).unwrap());
        for id in [
            &profile,
            "us.amazon.nova-lite-v1:0",
            model,
            "amazon.nova-micro-v1:0",
            IMPORTED,
        ] {
            assert!(allows(id), "{id}");
        }
        let application = format!("{account}application-inference-profile/abcdefghijkl");
        for id in [
            "amazon.nova-lite-v1:0",
            "eu.amazon.nova-lite-v1:0",
            "us.amazon.nova-micro-v1:0",
            &application,
        ] {
            assert!(!allows(id), "{id}");
        }
    }

    #[test]
    fn the_allow_list_holds_for_aliases_too() {
        let mut directory = directory();
        directory.allowed = vec![ModelId::parse("us.amazon.nova-lite-v1:0").unwrap()];
        let find = |model: &str| {
            directory.find(&Wanted {
                model: Some(model.to_owned()),
                ..Wanted::default()
            })
        };
        assert!(find("gpt-4o").is_ok());
        assert_eq!(find("mine").unwrap_err().row().code, "model_not_allowed");
        assert_eq!(
            find("amazon.titan-tg1-large").unwrap_err().row().code,
            "model_not_allowed"
        );
    }
}
