//! Flags and environment, read here and nowhere else.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::FalseyValueParser;
use clap::{Parser, ValueEnum};

/// What the server is started with.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "local-bedrock",
    about = "A local Amazon Bedrock on loopback",
    version
)]
pub struct Config {
    /// Address to listen on, loopback only; port 0 takes a free one.
    #[arg(long, env = "LOCAL_LISTEN", default_value = "127.0.0.1:4600", value_parser = loopback)]
    pub listen: SocketAddr,
    /// Who writes the text of every text model.
    #[arg(long, env = "LOCAL_TEXT_BACKEND", value_enum, default_value_t = TextBackend::Simulator)]
    pub text_backend: TextBackend,
    /// The embedded model's weights, a GGUF file (backend `embedded`).
    #[arg(
        long,
        env = "LOCAL_MODEL_FILE",
        required_if_eq("text_backend", "embedded")
    )]
    pub model_file: Option<PathBuf>,
    /// Base URL of an OpenAI-compatible server, up to and including `/v1` (backend `bridge`).
    #[arg(
        long,
        env = "LOCAL_BRIDGE_URL",
        required_if_eq("text_backend", "bridge")
    )]
    pub bridge_url: Option<String>,
    /// The model to ask that server for (backend `bridge`).
    #[arg(
        long,
        env = "LOCAL_BRIDGE_MODEL",
        required_if_eq("text_backend", "bridge")
    )]
    pub bridge_model: Option<String>,
    /// Obey `[[fault:…]]` markers in prompts, and answer for retired models as AWS does.
    #[arg(long, env = "LOCAL_FAULTS", value_parser = FalseyValueParser::new())]
    pub faults: bool,
    /// Milliseconds before each word of the simulator.
    #[arg(long, env = "LOCAL_CHUNK_DELAY_MS", default_value_t = 15)]
    pub chunk_delay_ms: u64,
}

/// Who writes the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TextBackend {
    /// Labelled text that no model wrote.
    Simulator,
    /// The small model that runs in this process.
    Embedded,
    /// An OpenAI-compatible server that already runs.
    Bridge,
}

impl Config {
    /// Flags first, then the environment, then defaults. Ends the program on a wrong flag.
    #[must_use]
    pub fn from_arguments() -> Self {
        Self::parse()
    }

    /// The simulator on a free port, without faults and without delay: what a test starts from.
    #[must_use]
    pub fn simulator() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            text_backend: TextBackend::Simulator,
            model_file: None,
            bridge_url: None,
            bridge_model: None,
            faults: false,
            chunk_delay_ms: 0,
        }
    }

    /// The pause before each word of the simulator.
    #[must_use]
    pub fn chunk_delay(&self) -> Duration {
        Duration::from_millis(self.chunk_delay_ms)
    }
}

/// The server knows no credentials, so nobody else's machine may reach it.
fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text.parse().map_err(|_| "not an address:port".to_owned())?;
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err("only loopback addresses (127.0.0.1, [::1]) are allowed".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(arguments: &[&str], accepted: bool) {
        let parsed = Config::try_parse_from(std::iter::once(&"local-bedrock").chain(arguments));
        assert_eq!(parsed.is_ok(), accepted, "{arguments:?}: {parsed:?}");
    }

    #[test]
    fn only_loopback_is_listened_on_and_a_backend_gets_what_it_needs() {
        check(&[], true);
        check(&["--listen", "[::1]:0"], true);
        check(&["--listen", "0.0.0.0:4600"], false);
        check(&["--listen", "192.168.0.1:4600"], false);
        check(&["--listen", "localhost"], false);
        check(&["--text-backend", "embedded"], false);
        check(
            &["--text-backend", "embedded", "--model-file", "model.gguf"],
            true,
        );
        check(
            &[
                "--text-backend",
                "bridge",
                "--bridge-url",
                "http://127.0.0.1:1/v1",
            ],
            false,
        );
        check(&["--text-backend", "oracle"], false);
        check(&["--faults", "--chunk-delay-ms", "0"], true);
    }
}
