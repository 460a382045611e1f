//! The local Bedrock, in this process.

use local_bedrock::{Config, Server};
use serde_json::Value;

use crate::download::download;
use crate::tap::tap;

/// A local Bedrock whose text comes from the labelled simulator, word by word without delay.
#[derive(Debug)]
pub struct Bedrock {
    url: String,
    /// It lives as long as this.
    _server: Server,
}

/// How often models were called.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Calls {
    /// Calls to a known model, whatever became of them.
    pub received: u64,
    /// Calls for which a model worked: what AWS bills.
    pub generated: u64,
    /// Operation and model of the calls, in the order of their names.
    pub kinds: Vec<(String, String)>,
}

impl Bedrock {
    /// Models past their end of life answer here, as on AWS they did.
    pub fn start() -> Self {
        Self::with(&Config::simulator())
    }

    /// Prompts may ask for faults, and models past their end of life answer as AWS does today.
    pub fn with_faults() -> Self {
        Self::with(&Config {
            faults: true,
            ..Config::simulator()
        })
    }

    fn with(config: &Config) -> Self {
        let server = Server::start(config).expect("the local Bedrock starts");
        Self {
            url: tap(&server.url()),
            _server: server,
        }
    }

    /// `http://127.0.0.1:…`
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// The calls since the start.
    pub async fn calls(&self) -> Calls {
        let listing = download(&format!("{}/_local/calls", self.url())).await;
        let listing: Value = serde_json::from_slice(&listing.body).expect("a listing");
        let count = |name: &str| listing.get(name).and_then(Value::as_u64).expect("a count");
        let text = |row: &Value, name: &str| {
            let text = row.get(name).and_then(Value::as_str);
            text.expect("a text").to_owned()
        };
        let rows = listing.get("calls").and_then(Value::as_array);
        Calls {
            received: count("received"),
            generated: count("generated"),
            kinds: rows
                .expect("rows")
                .iter()
                .map(|row| (text(row, "operation"), text(row, "model")))
                .collect(),
        }
    }
}
