//! Text completion: `POST /v1/completions`.

use aws_config::SdkConfig;
use bedrock_adapter::Error;
use bedrock_adapter::api::completion::{Choice, Request, Response};
use bedrock_adapter::config::{Config, DefaultModel, Invalid};
use bedrock_adapter::doors::api_gateway::Route;
use bedrock_adapter::families::Input;
use bedrock_adapter::generation::{Call, TextModels};
use bedrock_adapter::runtime::{Invocation, Task};
use bedrock_adapter::telemetry::Facts;

/// The function.
#[derive(Debug)]
pub struct TextCompletion {
    models: TextModels,
}

impl Task for TextCompletion {
    const ROUTE: Route = Route {
        method: "POST",
        path: "/v1/completions",
    };
    const DEFAULT_MODEL: DefaultModel = DefaultModel {
        variable: "DEFAULT_TEXT_MODEL",
        id: "us.amazon.nova-micro-v1:0",
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

    /// Each prompt is completed `n` times.
    async fn answer(
        &self,
        request: Request,
        invocation: &Invocation,
    ) -> Result<(Response, Facts), Error> {
        let Request {
            wanted,
            prompts,
            n,
            echo,
            inference,
        } = request;
        let target = self.models.find(&wanted)?;
        // Everything that can be refused is refused before the first call is paid for.
        let calls = prompts
            .iter()
            .map(|prompt| Call::prepare(&target, Input::Prompt(prompt), &inference))
            .collect::<Result<Vec<_>, _>>()?;
        let repeated = calls
            .into_iter()
            .flat_map(|call| std::iter::repeat_n(call, n));
        let (completions, usage) = self
            .models
            .send(repeated, &target, invocation.deadline)
            .await?;
        let repeated = prompts
            .iter()
            .flat_map(|prompt| std::iter::repeat_n(prompt, n));
        let choices = completions
            .into_iter()
            .zip(repeated)
            .enumerate()
            .map(|(index, (completion, prompt))| {
                let text = match echo {
                    true => format!("{prompt}{}", completion.text),
                    false => completion.text,
                };
                Choice::new(index, text, &completion.finish)
            })
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
