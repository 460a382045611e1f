//! Which guardrail a call has, and what it does to an answer of InvokeModel. Converse says that as the
//! reason of the end.
//!
//! Source: the Bedrock userguide's page `guardrails-use-invoke-model`.

use serde::Deserialize;

use crate::Error;
use crate::api::options::Guardrail as Asked;
use crate::config::Guardrail;

/// The guardrail of a call: the deployment's own, or else the one that the request names. A request
/// may name the deployment's, but no other in its place.
pub(super) fn settle(
    own: Option<&Guardrail>,
    asked: Option<&Asked>,
) -> Result<Option<Asked>, Error> {
    match (own, asked) {
        (None, asked) => Ok(asked.cloned()),
        (Some(Guardrail { id, version }), None) => Ok(Some(Asked {
            id: id.clone(),
            version: version.clone(),
            trace: false,
        })),
        (Some(own), Some(asked)) if is_same(own, asked) => Ok(Some(asked.clone())),
        (Some(_), Some(_)) => Err(Error::unsupported(
            "guardrail",
            "this deployment has a guardrail of its own; leave it out",
        )),
    }
}

/// Whether both mean the same; one may be the other's ARN.
fn is_same(own: &Guardrail, asked: &Asked) -> bool {
    let last = |id: &str| id.rsplit('/').next().map(str::to_owned);
    let both_arns = own.id.starts_with("arn:") && asked.id.starts_with("arn:");
    let same_id = match both_arns {
        true => own.id == asked.id,
        false => last(&own.id) == last(&asked.id),
    };
    same_id && own.version == asked.version
}

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
    use super::*;

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

    #[test]
    fn a_request_may_add_a_guardrail_but_not_replace_one() {
        const ARN: &str = "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc";
        let own = |id: &str| Guardrail {
            id: id.to_owned(),
            version: "1".to_owned(),
        };
        let asked = |id: &str, version: &str| Asked {
            id: id.to_owned(),
            version: version.to_owned(),
            trace: true,
        };
        let abc = asked("abc", "1");
        assert_eq!(settle(None, None), Ok(None));
        assert_eq!(settle(None, Some(&abc)), Ok(Some(abc.clone())));
        let untraced = Asked {
            trace: false,
            ..abc.clone()
        };
        assert_eq!(settle(Some(&own("abc")), None), Ok(Some(untraced)));
        for (own_id, same) in [("abc", "abc"), ("abc", ARN), (ARN, "abc"), (ARN, ARN)] {
            let same = asked(same, "1");
            assert_eq!(
                settle(Some(&own(own_id)), Some(&same)),
                Ok(Some(same.clone()))
            );
        }
        for (own_id, other, version) in [
            ("abc", "abd", "1"),
            ("abc", "abc", "2"),
            ("abc", "abc", "DRAFT"),
            (
                ARN,
                "arn:aws:bedrock:us-east-1:210987654321:guardrail/abc",
                "1",
            ),
        ] {
            let error = settle(Some(&own(own_id)), Some(&asked(other, version))).unwrap_err();
            let told = (error.param(), error.row().code);
            assert_eq!(
                told,
                (Some("guardrail"), "unsupported_parameter"),
                "{other}"
            );
        }
    }
}
