//! Text completion: `POST /v1/completions`.

use std::sync::Arc;

use aws_config::SdkConfig;
use bedrock_adapter::Error;
use bedrock_adapter::api::completion::{Choice, Delta, Request, Response};
use bedrock_adapter::api::document::Document;
use bedrock_adapter::api::streamed::Writer;
use bedrock_adapter::config::{Config, DefaultModel, Invalid};
use bedrock_adapter::doors::api_gateway::{Input, Route};
use bedrock_adapter::error::RequestFault;
use bedrock_adapter::families;
use bedrock_adapter::generation::{Call, TextModels};
use bedrock_adapter::reply::Reply;
use bedrock_adapter::runtime::{Invocation, Task};
use bedrock_adapter::telemetry::Facts;

const DEFAULT_MODEL: DefaultModel = DefaultModel {
    variable: "DEFAULT_TEXT_MODEL",
    id: "us.amazon.nova-micro-v1:0",
};

/// The function.
#[derive(Debug)]
pub struct TextCompletion {
    models: TextModels,
}

impl Task for TextCompletion {
    const ROUTES: &'static [Route] = &[Route {
        method: "POST",
        path: "/v1/completions",
    }];
    const DEFAULT_MODEL: Option<DefaultModel> = Some(DEFAULT_MODEL);
    type Request = Request;

    async fn connect(config: Config, sdk: &SdkConfig) -> Result<Self, Invalid> {
        let models = TextModels::connect(config, sdk, DEFAULT_MODEL).await?;
        Ok(Self { models })
    }

    fn parse(&self, input: Input) -> Result<Request, Error> {
        Request::parse(&input.body, self.models.limits())
    }

    /// Each prompt is completed `n` times.
    async fn answer(&self, request: Request, invocation: &Invocation) -> Result<Reply, Error> {
        let Request {
            wanted,
            prompts,
            n,
            echo,
            streaming,
            inference,
        } = request;
        let target = self.models.find(&wanted)?;
        // Everything that can be refused is refused before the first call is paid for.
        let calls = prompts
            .iter()
            .map(|prompt| Call::prepare(&target, families::Input::Prompt(prompt), &inference))
            .map(|call| call.map(Arc::new))
            .collect::<Result<Vec<_>, _>>()?;
        let calls: Vec<_> = calls
            .into_iter()
            .flat_map(|call| std::iter::repeat_n(call, n))
            .collect();
        // Of each completion what stands before it.
        let echoed = prompts
            .iter()
            .flat_map(|prompt| std::iter::repeat_n(echo.then_some(prompt.as_str()), n));
        let Invocation {
            id,
            deadline,
            started,
            largest_answer,
        } = invocation;
        let echo_size: usize = echoed.clone().flatten().map(str::len).sum();
        if echo_size > *largest_answer {
            let limit = *largest_answer;
            return Err(RequestFault::AnswerTooLarge { limit }.into());
        }
        if let Some(streaming) = streaming {
            let name = target.name.clone();
            let openings = echoed.map(|prompt| prompt.unwrap_or_default().to_owned());
            let writer = Writer::<Delta>::new(id, *started, name, openings.collect(), streaming);
            let models = &self.models;
            let events = models.stream(calls, &target, *deadline, writer);
            return Ok(Reply::Stream(events.await?));
        }
        let (completions, usage) = self.models.send(calls, &target, *deadline).await?;
        let choices = completions
            .into_iter()
            .zip(echoed)
            .enumerate()
            .map(|(index, (completion, echoed))| {
                Choice::new(index, echoed, &completion.text, &completion.finish)
            })
            .collect();
        let facts = Facts {
            model: target.id.as_str().to_owned(),
            usage,
            images: 0,
        };
        let response = Response::new(id, *started, target.name, choices, usage);
        Ok(Reply::Whole(Document::of(&response)?, facts))
    }
}
