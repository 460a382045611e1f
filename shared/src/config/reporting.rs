//! The variables of metrics and traces. `docs/monitoring.md` lists them.

use std::net::SocketAddr;

use super::Invalid;

/// Where CloudWatch keeps the metrics of a function that is told no other namespace.
const NAMESPACE: &str = "BedrockLambda";

/// How a function reports what it measures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reporting {
    /// The metrics' namespace.
    pub namespace: String,
    /// The function's name.
    pub function: String,
    /// Whether there are metrics by API key, too.
    pub by_key: bool,
    /// Where X-Ray's daemon listens, if there is one.
    pub trace_daemon: Option<SocketAddr>,
}

impl Reporting {
    pub(super) fn read(
        lookup: impl Fn(&'static str) -> Option<String> + Copy,
    ) -> Result<Self, Invalid> {
        let namespace = lookup("METRICS_NAMESPACE").unwrap_or_else(|| NAMESPACE.to_owned());
        if !is_namespace(&namespace) {
            let reason =
                "is not of 1 to 255 letters, digits or .-_/#: and does not begin with AWS/";
            return Err(Invalid::new("METRICS_NAMESPACE", reason));
        }
        let by_key = match lookup("METRICS_BY_KEY").as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => {
                let reason = "is neither `true` nor `false`";
                return Err(Invalid::new("METRICS_BY_KEY", reason));
            }
        };
        Ok(Self {
            namespace,
            by_key,
            // Lambda's own variables: what it might say otherwise some day must not end the start.
            function: lookup("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_default(),
            trace_daemon: lookup("AWS_XRAY_DAEMON_ADDRESS").and_then(|at| at.parse().ok()),
        })
    }
}

/// What CloudWatch takes, without the namespaces that are AWS's own.
fn is_namespace(text: &str) -> bool {
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || b".-_/#:".contains(&byte);
    text.len() <= 255 && text.bytes().all(is_good) && !text.starts_with("AWS/")
}
