//! Who writes the text. The set is closed: one backend is chosen at start and answers every text
//! model until the end; one that is down is never replaced by another.

use crate::config::{Config, TextBackend};
use crate::text::{Options, Steps, Turn, Unavailable};

// Beside `simulator`, in the order of the enum below:
// #[cfg(feature = "embedded-model")]
// pub mod embedded;
// pub mod bridge;
pub mod simulator;

/// The backend behind the text models.
#[derive(Debug)]
pub enum Backend {
    /// Labelled, deterministic text that no model wrote.
    Simulator(simulator::Simulator),
    // #[cfg(feature = "embedded-model")]
    // Embedded(embedded::Embedded),
    // Bridge(bridge::Bridge),
}

/// Why a backend could not be set up at start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The program was built without this backend.
    #[error("this build has no text backend `{0}`")]
    NotBuilt(&'static str),
    // #[error("…")]
    // Embedded(#[from] embedded::…),
    // Bridge(#[from] bridge::…),
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
            TextBackend::Embedded => Err(OpenError::NotBuilt("embedded")),
            TextBackend::Bridge => Err(OpenError::NotBuilt("bridge")),
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
            // #[cfg(feature = "embedded-model")]
            // Self::Embedded(embedded) => embedded.generate(turns, options).await,
            // Self::Bridge(bridge) => bridge.generate(turns, options).await,
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
            // Self::Embedded / Self::Bridge likewise.
        }
    }

    /// What the banner and the `x-local-backend` header call it.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Simulator(_) => "simulator".to_owned(),
            // Self::Embedded / Self::Bridge likewise.
        }
    }
}
