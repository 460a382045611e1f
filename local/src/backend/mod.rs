//! Who writes the text. The set is closed: one backend is chosen at start and answers every text
//! model until the end; one that is down is never replaced by another.

use crate::config::{Config, TextBackend};
use crate::text::{Options, Steps, Turn, Unavailable};

pub mod bridge;
pub mod chatml;
#[cfg(feature = "embedded-model")]
pub mod embedded;
pub mod pieces;
pub mod simulator;
pub mod stop;

/// The backend behind the text models.
#[derive(Debug)]
pub enum Backend {
    /// Labelled, deterministic text that no model wrote.
    Simulator(simulator::Simulator),
    /// A small language model in this process.
    #[cfg(feature = "embedded-model")]
    Embedded(embedded::Embedded),
    /// An OpenAI-compatible server that already runs.
    Bridge(Box<bridge::Bridge>),
}

/// Why a backend could not be set up at start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The program was built without this backend.
    #[error("this build has no text backend `{0}`")]
    NotBuilt(&'static str),
    /// The backend needs a flag that was not given.
    #[error("the text backend `{backend}` needs {flag}")]
    Missing {
        /// The backend.
        backend: &'static str,
        /// The flag.
        flag: &'static str,
    },
    /// The embedded model cannot be loaded.
    #[cfg(feature = "embedded-model")]
    #[error(transparent)]
    Embedded(#[from] embedded::LoadError),
    /// The bridge has no usable address.
    #[error(transparent)]
    Bridge(#[from] bridge::UrlError),
}

impl Backend {
    /// Sets up the backend that the configuration names.
    ///
    /// # Errors
    ///
    /// When the backend is not part of this build, or cannot be set up.
    pub fn open(config: &Config) -> Result<Self, OpenError> {
        match config.text_backend {
            TextBackend::Simulator => Ok(Self::Simulator(simulator::Simulator::new(
                config.chunk_delay(),
            ))),
            TextBackend::Embedded => open_embedded(config),
            TextBackend::Bridge => match (&config.bridge_url, &config.bridge_model) {
                (Some(url), Some(model)) => {
                    let bridge = bridge::Bridge::new(url, model)?;
                    Ok(Self::Bridge(Box::new(bridge)))
                }
                _ => Err(OpenError::Missing {
                    backend: "bridge",
                    flag: "--bridge-url and --bridge-model",
                }),
            },
        }
    }

    /// Starts a generation. The steps end when the receiver is dropped.
    ///
    /// # Errors
    ///
    /// When the backend is down, or the conversation does not fit its window.
    pub async fn generate(&self, turns: Vec<Turn>, options: Options) -> Result<Steps, Unavailable> {
        match self {
            Self::Simulator(simulator) => Ok(simulator.generate(&turns, &options)),
            #[cfg(feature = "embedded-model")]
            Self::Embedded(embedded) => embedded.generate(turns, options).await,
            Self::Bridge(bridge) => bridge.generate(&turns, &options).await,
        }
    }

    /// Whether the backend would answer now.
    ///
    /// # Errors
    ///
    /// [`Unavailable::Down`] when it would not.
    pub async fn ready(&self) -> Result<(), Unavailable> {
        match self {
            Self::Simulator(_) => Ok(()),
            #[cfg(feature = "embedded-model")]
            Self::Embedded(embedded) => embedded.ready(),
            Self::Bridge(bridge) => bridge.ready().await,
        }
    }

    /// What the banner and the `x-local-backend` header call it.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Simulator(_) => "simulator".to_owned(),
            #[cfg(feature = "embedded-model")]
            Self::Embedded(embedded) => format!("embedded:{}", embedded.name()),
            Self::Bridge(bridge) => format!("bridge:{}", bridge.model()),
        }
    }
}

#[cfg(feature = "embedded-model")]
fn open_embedded(config: &Config) -> Result<Backend, OpenError> {
    let path = config.model_file.as_deref().ok_or(OpenError::Missing {
        backend: "embedded",
        flag: "--model-file",
    })?;
    Ok(Backend::Embedded(embedded::Embedded::open(path)?))
}

#[cfg(not(feature = "embedded-model"))]
fn open_embedded(_: &Config) -> Result<Backend, OpenError> {
    Err(OpenError::NotBuilt("embedded"))
}
