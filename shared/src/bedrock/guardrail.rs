//! What a guardrail does to an answer of InvokeModel. Converse says it as the reason of the end.
//!
//! Source: the Bedrock userguide's page `guardrails-use-invoke-model`.

use serde::Deserialize;

/// Whether a guardrail intervened in an answer, or in the part of a streamed one: the text is then the
/// guardrail's own.
pub(super) fn intervened(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Said {
        #[serde(rename = "amazon-bedrock-guardrailAction")]
        action: String,
    }

    serde_json::from_slice(body).is_ok_and(|Said { action }| action == "INTERVENED")
}

#[cfg(test)]
mod tests {
    use super::intervened;

    #[test]
    fn only_what_says_so_was_intervened_in() {
        let said = |action: &str| {
            let body =
                format!(r#"{{"completion":"no","amazon-bedrock-guardrailAction":{action}}}"#);
            intervened(body.as_bytes())
        };
        assert!(said(r#""INTERVENED""#));
        assert!(!said(r#""NONE""#) && !said("null"));
        assert!(!intervened(b"{}") && !intervened(b"no JSON"));
    }
}
