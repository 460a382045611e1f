//! The function `chat` with a defect: it panics where the prompt says so, with the prompt in the
//! panic's text. What every function does then is the runtime's affair, and is tested with this one.
//!
//! | in a prompt | where |
//! |---|---|
//! | `[[panic:parse]]` | while the request is read |
//! | `[[panic:once]]` | before the model is called, the first time that the process is asked so |
//! | `[[panic:answer]]` | when the model has answered, and is paid for |

use std::sync::atomic::{AtomicBool, Ordering};

use aws_config::SdkConfig;
use bedrock_adapter::Error;
use bedrock_adapter::config::{Config, DefaultModel, Invalid};
use bedrock_adapter::doors::api_gateway::{Input, Route};
use bedrock_adapter::jobs::Function;
use bedrock_adapter::reply::Reply;
use bedrock_adapter::runtime::{Invocation, Task};
use chat::Chat;

struct Panicking {
    chat: Chat,
    panicked: AtomicBool,
}

struct Request {
    request: <Chat as Task>::Request,
    text: String,
}

impl Task for Panicking {
    const ROUTES: &'static [Route] = Chat::ROUTES;
    const DEFAULT_MODEL: Option<DefaultModel> = Chat::DEFAULT_MODEL;
    const FUNCTION: Option<Function> = Chat::FUNCTION;
    type Request = Request;

    async fn connect(config: Config, sdk: &SdkConfig) -> Result<Self, Invalid> {
        Ok(Self {
            chat: Chat::connect(config, sdk).await?,
            panicked: AtomicBool::new(false),
        })
    }

    fn parse(&self, input: Input) -> Result<Request, Error> {
        let text = String::from_utf8_lossy(&input.body).into_owned();
        panic_if(text.contains("[[panic:parse]]"), &text);
        let request = self.chat.parse(input)?;
        Ok(Request { request, text })
    }

    async fn answer(&self, request: Request, invocation: &Invocation) -> Result<Reply, Error> {
        let Request { request, text } = request;
        let once = text.contains("[[panic:once]]");
        panic_if(once && !self.panicked.swap(true, Ordering::Relaxed), &text);
        let reply = self.chat.answer(request, invocation).await?;
        panic_if(text.contains("[[panic:answer]]"), &text);
        Ok(reply)
    }
}

#[expect(clippy::panic, reason = "that is what it is for")]
fn panic_if(wanted: bool, text: &str) {
    if wanted {
        panic!("a defect, at {text}");
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    bedrock_adapter::runtime::run::<Panicking>().await
}
