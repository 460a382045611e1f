//! An answer's body, watched while it comes in. The SDK itself reads a body of any size into
//! memory, and waits for one that stalls for as long as the operation may take.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use aws_sdk_bedrockruntime::config::interceptors::BeforeDeserializationInterceptorContextMut;
use aws_sdk_bedrockruntime::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_bedrockruntime::error::BoxError;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep};

/// The largest answer that is read: an image model's largest are below 8 MB.
pub(super) const LARGEST: usize = 16 * 1024 * 1024;

/// The content type of an event stream.
const EVENTS: &str = "application/vnd.amazon.eventstream";

/// Why a body was given up.
#[derive(Debug, thiserror::Error)]
pub(super) enum GivenUp {
    /// It is larger than [`LARGEST`].
    #[error("the body is larger than {LARGEST} bytes")]
    TooLarge,
    /// Nothing came for too long.
    #[error("the body paused for too long")]
    Stalled,
    /// It is not an event stream, but a proxy's page say.
    #[error("the body is no event stream")]
    NotEvents,
}

/// Watches an answer's body: none may be larger than any answer is, or pause for long.
#[derive(Debug, Clone, Copy)]
pub struct Watch {
    /// How long a body may pause.
    pub idle: Duration,
    /// What the body of a success must be.
    pub expects: Expected,
}

/// What the body of a success must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// An answer as a whole.
    Whole,
    /// An event stream, which is watched event by event where it is read. The SDK would take anything
    /// for one, and find it broken.
    Events,
}

impl Intercept for Watch {
    fn name(&self) -> &'static str {
        "Watch"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response_mut();
        if self.expects == Expected::Events && response.status().is_success() {
            return match response.headers().get("content-type") {
                None | Some(EVENTS) => Ok(()),
                Some(_) => Err(GivenUp::NotEvents.into()),
            };
        }
        let body = response.body_mut();
        let inner = std::mem::replace(body, SdkBody::taken());
        *body = SdkBody::from_body_1_x(Watched {
            inner,
            left: LARGEST,
            idle: self.idle,
            patience: Box::pin(sleep(self.idle)),
        });
        Ok(())
    }
}

struct Watched {
    inner: SdkBody,
    left: usize,
    idle: Duration,
    patience: Pin<Box<Sleep>>,
}

impl Body for Watched {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(context) else {
            return match self.patience.as_mut().poll(context) {
                Poll::Ready(()) => Poll::Ready(Some(Err(GivenUp::Stalled.into()))),
                Poll::Pending => Poll::Pending,
            };
        };
        let until = Instant::now() + self.idle;
        self.patience.as_mut().reset(until);
        let size = match &frame {
            Some(Ok(frame)) => frame.data_ref().map_or(0, Bytes::len),
            Some(Err(_)) | None => 0,
        };
        match self.left.checked_sub(size) {
            Some(left) => {
                self.left = left;
                Poll::Ready(frame)
            }
            None => Poll::Ready(Some(Err(GivenUp::TooLarge.into()))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        Body::size_hint(&self.inner)
    }
}
