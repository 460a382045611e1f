//! Chat with the history kept in the request: `POST /v1/chat/completions`.

use aws_config::SdkConfig;
use bedrock_adapter::Error;
use bedrock_adapter::api::chat::{Choice, Request, Response};
use bedrock_adapter::config::{Config, DefaultModel, Invalid};
use bedrock_adapter::doors::api_gateway::Route;
use bedrock_adapter::families::Input;
use bedrock_adapter::generation::{Call, TextModels};
use bedrock_adapter::runtime::{Invocation, Task};
use bedrock_adapter::telemetry::Facts;

/// The function.
#[derive(Debug)]
pub struct Chat {
    models: TextModels,
}

impl Task for Chat {
    const ROUTE: Route = Route {
        method: "POST",
        path: "/v1/chat/completions",
    };
    const DEFAULT_MODEL: DefaultModel = DefaultModel {
        variable: "DEFAULT_CHAT_MODEL",
        id: "us.amazon.nova-lite-v1:0",
    };
    type Request = Request;
    type Response = Response;

    async fn connect(config: Config, sdk: &SdkConfig) -> Result<Self, Invalid> {
        let models = TextModels::connect(config, sdk, Self::DEFAULT_MODEL).await?;
        Ok(Self { models })
    }

    fn parse(body: &[u8]) -> Result<Request, Error> {
        Request::parse(body)
    }

    /// `n` alternatives for the next turn.
    async fn answer(
        &self,
        request: Request,
        invocation: &Invocation,
    ) -> Result<(Response, Facts), Error> {
        let Request {
            wanted,
            conversation,
            n,
            inference,
        } = request;
        let target = self.models.find(&wanted)?;
        let call = Call::prepare(&target, Input::Conversation(&conversation), &inference)?;
        let alternatives = std::iter::repeat_n(call, n);
        let (completions, usage) = self
            .models
            .send(alternatives, &target, invocation.deadline)
            .await?;
        let choices = completions
            .into_iter()
            .enumerate()
            .map(|(index, completion)| Choice::new(index, completion.text, &completion.finish))
            .collect();
        let facts = Facts {
            model: target.id.as_str().to_owned(),
            usage,
            images: 0,
        };
        let response = Response::new(
            &invocation.id,
            invocation.started,
            target.name,
            choices,
            usage,
        );
        Ok((response, facts))
    }
}
