//! A function that tells of what it is asked, as no function may: what looks for content must find it.
//!
//! | `sing` | where the whole event goes |
//! |---|---|
//! | `output` | its log, as a text within JSON |
//! | `base64` | its log, in base64 |
//! | `errors` | its standard error |
//! | `report` | the error that it reports to Lambda |
//! | anything else | nowhere |

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

async fn sing(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let text = event.payload.to_string();
    match event.payload.get("sing").and_then(Value::as_str) {
        Some("output") => writeln!(std::io::stdout(), "{}", json!({ "event": text }))?,
        Some("base64") => writeln!(std::io::stdout(), "{}", STANDARD.encode(text))?,
        Some("errors") => writeln!(std::io::stderr(), "{text:?}")?,
        Some("report") => return Err(text.into()),
        _ => {}
    }
    Ok(json!({}))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda_runtime::run(service_fn(sing)).await
}
