//! The models that a deployment offers: `GET /v1/models` and `GET /v1/models/{id}`.
//!
//! They are what Bedrock lists for the region, foundation models and inference profiles, and the
//! deployment's aliases; where models are allowed by name, those alone. To list them is also the
//! shortest way to see whether the deployment reaches Bedrock.

mod bedrock;
mod cache;
mod control;
mod filter;
mod listing;
mod model;

use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_bedrock::types::InferenceProfileType;
use bedrock_adapter::Error;
use bedrock_adapter::api::document::Document;
use bedrock_adapter::config::{Config, Invalid};
use bedrock_adapter::deadline::Deadline;
use bedrock_adapter::doors::api_gateway::{Input, Route};
use bedrock_adapter::error::ModelFault;
use bedrock_adapter::model::{Directory, ModelId, Resource};
use bedrock_adapter::reply::Reply;
use bedrock_adapter::runtime::{Invocation, Task};
use bedrock_adapter::telemetry::Facts;

use cache::Cache;
use control::Control;
pub use filter::Filter;
use listing::Listing;
use model::{List, Model};

/// How long a listing counts as new.
const LIFE: Duration = Duration::from_secs(5 * 60);

/// The function.
#[derive(Debug)]
pub struct Models {
    control: Control,
    directory: Directory,
    listing: Cache<Listing>,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// The models that a filter leaves.
    List(Filter),
    /// One model.
    One {
        /// Its name, as the caller has it: an id, an ARN or an alias.
        name: String,
        /// The model.
        id: ModelId,
    },
}

impl Task for Models {
    const ROUTES: &'static [Route] = &[
        Route {
            method: "GET",
            path: "/v1/models",
        },
        Route {
            method: "GET",
            path: "/v1/models/{id+}",
        },
    ];
    type Request = Request;

    async fn connect(config: Config, sdk: &SdkConfig) -> Result<Self, Invalid> {
        Ok(Self {
            control: Control::connect(sdk, &config.bedrock).await,
            directory: config.directory,
            listing: Cache::new(LIFE),
        })
    }

    fn parse(&self, input: Input) -> Result<Request, Error> {
        match input.rest {
            None => Ok(Request::List(Filter::parse(input.query)?)),
            Some(name) => {
                filter::none(input.query)?;
                let id = self.meant(&name)?;
                Ok(Request::One { name, id })
            }
        }
    }

    async fn answer(&self, request: Request, invocation: &Invocation) -> Result<Reply, Error> {
        let deadline = invocation.deadline;
        let listing = self.listing(deadline).await?;
        let (document, model) = match request {
            Request::List(filter) => {
                let list = List::new(filter.apply(&listing)?);
                (Document::of(&list)?, String::new())
            }
            Request::One { name, id } => {
                let model = self.one(&listing, &name, &id, deadline).await?;
                (Document::of(&model)?, id.as_str().to_owned())
            }
        };
        let facts = Facts {
            model,
            ..Facts::default()
        };
        Ok(Reply::Whole(document, facts))
    }
}

impl Models {
    /// The model that a name means, if the deployment allows it.
    fn meant(&self, name: &str) -> Result<ModelId, Error> {
        let id = match self.directory.aliases.get(name) {
            Some(alias) => alias.id.clone(),
            None => ModelId::parse(name).map_err(|_| fault(name, ModelFault::NotFound))?,
        };
        match self.directory.allows(&id) {
            true => Ok(id),
            false => Err(fault(name, ModelFault::NotAllowed)),
        }
    }

    /// What Bedrock lists, at most five minutes old.
    async fn listing(&self, deadline: Deadline) -> Result<Arc<Listing>, Error> {
        let fetch = async || {
            let (foundations, mut profiles, own) = tokio::try_join!(
                self.control.foundations(deadline),
                self.control
                    .profiles(InferenceProfileType::SystemDefined, deadline),
                self.control
                    .profiles(InferenceProfileType::Application, deadline),
            )?;
            profiles.extend(own);
            Ok(Listing::new(foundations, profiles, &self.directory))
        };
        self.listing.get(deadline, fetch).await
    }

    /// One model, from the listing where it has it.
    async fn one(
        &self,
        listing: &Listing,
        name: &str,
        id: &ModelId,
        deadline: Deadline,
    ) -> Result<Model, Error> {
        let listed = listing.find(name).or_else(|| listing.find_in_region(name));
        if let Some(model) = listed {
            return Ok(model);
        }
        let found = match id.resource() {
            Resource::FoundationModel => {
                let model = self.control.foundation(id.as_str(), deadline).await?;
                model.map(Model::of_foundation)
            }
            Resource::InferenceProfile | Resource::ApplicationInferenceProfile => {
                let profile = self.control.profile(id.as_str(), deadline).await?;
                profile.map(|profile| listing.profile(profile))
            }
            // What is no model and no profile is offered where an alias or the allow-list names it.
            Resource::CustomModel
            | Resource::CustomModelDeployment
            | Resource::ImportedModel
            | Resource::ProvisionedModel
            | Resource::Prompt
            | Resource::PromptRouter
            | Resource::SagemakerEndpoint => None,
        };
        let model = found.map(|model| model.named(name));
        model.ok_or_else(|| fault(name, ModelFault::NotFound))
    }
}

fn fault(model: &str, fault: ModelFault) -> Error {
    Error::Model {
        model: model.to_owned(),
        fault,
    }
}
