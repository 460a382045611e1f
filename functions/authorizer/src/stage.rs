//! The stage of an API, in the ARN of one of its methods.

/// `arn:…:execute-api:{region}:{account}:{api}/{stage}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage(String);

impl Stage {
    /// From `arn:…:execute-api:{region}:{account}:{api}/{stage}/{method}/{path}`.
    pub fn of(method_arn: &str) -> Option<Self> {
        let mut parts = method_arn.splitn(6, ':');
        let (prefix, partition, service, region, account, resource) = (
            parts.next()?,
            parts.next()?,
            parts.next()?,
            parts.next()?,
            parts.next()?,
            parts.next()?,
        );
        let mut resource = resource.split('/');
        let (api, stage, _) = (resource.next()?, resource.next()?, resource.next()?);
        // A wildcard in one of these would open more than this stage.
        let plain = [partition, region, account, api, stage]
            .into_iter()
            .all(is_name);
        (prefix == "arn" && service == "execute-api" && plain).then(|| {
            Self(format!(
                "arn:{partition}:execute-api:{region}:{account}:{api}/{stage}"
            ))
        })
    }

    /// The ARN of all of its methods and paths.
    pub fn everything(&self) -> String {
        format!("{}/*", self.0)
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stage_is_what_stands_before_the_method() {
        for (arn, everything) in [
            (
                "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/live/GET/v1/models",
                "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/live/*",
            ),
            (
                "arn:aws-cn:execute-api:cn-north-1:123456789012:a1b2c3d4e5/test_2/GET/v1/models/arn:aws:bedrock:us-east-1::foundation-model/a.b",
                "arn:aws-cn:execute-api:cn-north-1:123456789012:a1b2c3d4e5/test_2/*",
            ),
            (
                "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/live/GET/",
                "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/live/*",
            ),
        ] {
            assert_eq!(Stage::of(arn).unwrap().everything(), everything);
        }
    }

    #[test]
    fn what_names_no_single_stage_is_refused() {
        for arn in [
            "",
            "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5",
            "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/live",
            "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5//GET/",
            "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/*/GET/",
            "arn:aws:execute-api:us-east-1:123456789012:*/live/GET/",
            "arn:aws:execute-api:*:123456789012:a1b2c3d4e5/live/GET/",
            "arn:aws:lambda:us-east-1:123456789012:function/live/GET/",
            "urn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/live/GET/",
        ] {
            assert_eq!(Stage::of(arn), None, "{arn}");
        }
    }
}
