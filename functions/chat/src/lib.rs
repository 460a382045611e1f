//! Chat with the history kept in the request: `POST /v1/chat/completions`.

use aws_config::SdkConfig;
use bedrock_adapter::Error;
use bedrock_adapter::api::chat::{Choice, Request, Response};
use bedrock_adapter::bedrock::Bedrock;
use bedrock_adapter::config::{Config, DefaultModel, Invalid};
use bedrock_adapter::doors::api_gateway::Route;
use bedrock_adapter::families::{Input, Usage};
use bedrock_adapter::generation::Call;
use bedrock_adapter::model::Directory;
use bedrock_adapter::runtime::{Invocation, Task};
use bedrock_adapter::telemetry::Facts;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

/// How many calls of one request are made at a time.
const CALLS_AT_A_TIME: usize = 4;

/// The function.
#[derive(Debug)]
pub struct Chat {
    bedrock: Bedrock,
    directory: Directory,
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
        Ok(Self {
            bedrock: Bedrock::connect(sdk, &config.bedrock).await,
            directory: config.directory,
        })
    }

    fn parse(body: &[u8]) -> Result<Request, Error> {
        Request::parse(body)
    }

    /// `n` alternatives for the next turn; one failure fails the request.
    async fn answer(
        &self,
        request: Request,
        invocation: &Invocation,
    ) -> Result<(Response, Facts), Error> {
        let target = self.directory.find(&request.wanted)?;
        let call = Call::prepare(
            &target,
            Input::Conversation(&request.conversation),
            &request.inference,
        )?;
        let alternatives = std::iter::repeat_n(call, request.n);
        let completions: Vec<_> = stream::iter(
            alternatives.map(|call| call.send(&self.bedrock, &target, invocation.deadline)),
        )
        .buffered(CALLS_AT_A_TIME)
        .try_collect()
        .await?;
        let usage = Usage::sum(completions.iter().map(|completion| completion.usage));
        let choices = completions
            .into_iter()
            .enumerate()
            .map(|(index, completion)| {
                // A completion usually begins with the space or newline behind the marker of the
                // turn; in a message it means nothing.
                let text = completion.text.trim_start().to_owned();
                Choice::new(index, text, &completion.finish)
            })
            .collect();
        let facts = Facts {
            model: target.id.as_str().to_owned(),
            usage,
            images: 0,
        };
        Ok((
            Response::new(
                &invocation.id,
                invocation.started,
                target.name,
                choices,
                usage,
            ),
            facts,
        ))
    }
}
