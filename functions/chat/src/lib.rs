//! Chat with the history kept in the request: `POST /v1/chat/completions`.

use std::sync::Arc;

use aws_config::SdkConfig;
use bedrock_adapter::Error;
use bedrock_adapter::api::chat::{Delta, Request};
use bedrock_adapter::config::{Config, DefaultModel, Invalid};
use bedrock_adapter::dialogue;
use bedrock_adapter::doors::api_gateway::{Input, Route};
use bedrock_adapter::generation::{Asked, Call, TextModels, Wish};
use bedrock_adapter::jobs::Function;
use bedrock_adapter::reply::Reply;
use bedrock_adapter::runtime::{Invocation, Task};

const DEFAULT_MODEL: DefaultModel = DefaultModel {
    variable: "DEFAULT_CHAT_MODEL",
    id: "us.amazon.nova-lite-v1:0",
};

/// The function.
#[derive(Debug)]
pub struct Chat {
    models: TextModels,
}

impl Task for Chat {
    const ROUTES: &'static [Route] = &[Route {
        method: "POST",
        path: "/v1/chat/completions",
    }];
    const DEFAULT_MODEL: Option<DefaultModel> = Some(DEFAULT_MODEL);
    const FUNCTION: Option<Function> = Some(Function::Chat);
    type Request = Request;

    async fn connect(config: Config, sdk: &SdkConfig) -> Result<Self, Invalid> {
        let models = TextModels::connect(config, sdk, DEFAULT_MODEL).await?;
        Ok(Self { models })
    }

    fn parse(&self, input: Input) -> Result<Request, Error> {
        Request::parse(&input.body, self.models.limits())
    }

    fn of_prompt(&self, prompt: &str) -> Result<Request, Error> {
        Request::of_prompt(prompt, self.models.limits())
    }

    /// `n` alternatives for the next turn.
    async fn answer(&self, request: Request, invocation: &Invocation) -> Result<Reply, Error> {
        let Request {
            wanted,
            dialogue,
            n,
            streaming,
            mut inference,
            options,
            trims,
        } = request;
        let target = self.models.find(&wanted)?;
        self.models.bound(&target, &options, &mut inference)?;
        let wish = Wish {
            inference: &inference,
            options: &options,
            trims,
        };
        let (dialogue, trimmed) = self
            .models
            .fit(&target, dialogue, wish, invocation.deadline)
            .await?;
        let prompt = dialogue::Input::Dialogue(&dialogue);
        let call = Arc::new(Call::prepare(&target, prompt, &inference, &options)?);
        let asked = Asked {
            alternatives: vec![(call, String::new()); n],
            streaming,
            trimmed,
        };
        self.models.answer::<Delta>(asked, target, invocation).await
    }
}
