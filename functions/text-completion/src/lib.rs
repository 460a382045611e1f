//! Text completion: `POST /v1/completions`.

use std::sync::Arc;

use aws_config::SdkConfig;
use bedrock_adapter::Error;
use bedrock_adapter::api::completion::{Delta, Request};
use bedrock_adapter::config::{Config, DefaultModel, Invalid};
use bedrock_adapter::dialogue;
use bedrock_adapter::doors::api_gateway::{Input, Route};
use bedrock_adapter::error::RequestFault;
use bedrock_adapter::generation::{Asked, Call, TextModels};
use bedrock_adapter::jobs::Function;
use bedrock_adapter::reply::Reply;
use bedrock_adapter::runtime::{Invocation, Task};

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
    const FUNCTION: Option<Function> = Some(Function::Completion);
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

    /// Each prompt is completed `n` times.
    async fn answer(&self, request: Request, invocation: &Invocation) -> Result<Reply, Error> {
        let Request {
            wanted,
            prompts,
            n,
            echo,
            streaming,
            mut inference,
            options,
        } = request;
        let target = self.models.find(&wanted)?;
        self.models.bound(&target, &options, &mut inference)?;
        let echo_size = prompts.iter().map(|prompt| prompt.len() * n).sum::<usize>();
        if echo && echo_size > invocation.largest_answer {
            let limit = invocation.largest_answer;
            return Err(RequestFault::AnswerTooLarge { limit }.into());
        }
        // Everything that can be refused is refused before the first call is paid for.
        let mut alternatives = Vec::with_capacity(prompts.len() * n);
        for prompt in &prompts {
            let input = dialogue::Input::Prompt(prompt);
            let call = Arc::new(Call::prepare(&target, input, &inference, &options)?);
            let opening = if echo { prompt.clone() } else { String::new() };
            alternatives.extend(std::iter::repeat_n((call, opening), n));
        }
        let asked = Asked {
            alternatives,
            streaming,
            trimmed: 0,
        };
        self.models.answer::<Delta>(asked, target, invocation).await
    }
}
