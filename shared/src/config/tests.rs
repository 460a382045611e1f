use super::*;
use crate::model::TextFamily;

const DEFAULT: DefaultModel = DefaultModel {
    variable: "DEFAULT_CHAT_MODEL",
    id: "us.amazon.nova-lite-v1:0",
};

fn read(variables: &[(&str, &str)]) -> Result<Config, Invalid> {
    Config::read(Some(DEFAULT), |name| {
        variables
            .iter()
            .find(|(variable, _)| *variable == name)
            .map(|(_, value)| (*value).to_owned())
    })
}

#[test]
fn an_empty_environment_is_enough() {
    let config = read(&[("MODEL_ALIASES", ""), ("IMAGE_BUCKET", " ")]).unwrap();
    assert_eq!(
        config.directory.default.as_deref(),
        Some("us.amazon.nova-lite-v1:0")
    );
    assert_eq!(config.limits, Limits::default());
    assert!(config.http.streaming && config.http.cors == Cors(None));
    assert_eq!(config.bedrock.session_name, "bedrock-lambdas");
    assert_eq!(
        (config.image_bucket, config.image_url_life),
        (None, Duration::from_secs(3_600))
    );
}

#[test]
fn everything_can_be_set() {
    let arn = "arn:aws:bedrock:us-east-1:123456789012:imported-model/abcdefghijkl";
    let aliases = format!(
        r#"{{"gpt-4o":"us.amazon.nova-lite-v1:0","mine":{{"model":"{arn}","family":"claude-messages","api":"invoke"}}}}"#
    );
    let config = read(&[
        ("DEFAULT_CHAT_MODEL", "mine"),
        ("MODEL_ALIASES", &aliases),
        (
            "ALLOWED_MODELS",
            &format!("us.amazon.nova-lite-v1:0, {arn}"),
        ),
        ("BEDROCK_REGION", "us-west-2"),
        (
            "BEDROCK_ASSUME_ROLE",
            "arn:aws:iam::123456789012:role/bedrock",
        ),
        ("BEDROCK_ROLE_SESSION_NAME", "me@home"),
        ("BEDROCK_ENDPOINT_URL", "http://127.0.0.1:4600"),
        ("IMAGE_BUCKET", "pictures"),
        ("IMAGE_URL_SECONDS", "60"),
        ("HTTP_RESPONSE", "buffered"),
        ("RUNTIME_RESPONDER", "stock"),
        ("CORS_ALLOW_ORIGIN", "https://example.com:8443"),
        ("GATEWAY_TIMEOUT_SECONDS", "29"),
        ("IDLE_TIMEOUT_SECONDS", "5"),
        ("MAX_BODY_BYTES", "1"),
        ("MAX_PROMPT_CHARACTERS", "2"),
        ("MAX_HISTORY_CHARACTERS", "3"),
        ("MAX_MESSAGES", "4"),
        ("MAX_ANSWERS", "5"),
        ("MAX_TOKENS_LIMIT", "6"),
        ("DEFAULT_MAX_TOKENS", "7"),
        ("METRICS_NAMESPACE", "BedrockLambda/prod"),
        ("METRICS_BY_KEY", "true"),
        ("AWS_LAMBDA_FUNCTION_NAME", "chat-1"),
        ("AWS_XRAY_DAEMON_ADDRESS", "169.254.79.129:2000"),
        ("GUARDRAIL_ID", "abcdefghij12"),
        ("GUARDRAIL_VERSION", "1"),
    ])
    .unwrap();
    let mine = config.directory.aliases.get("mine").unwrap();
    assert_eq!(mine.id.as_str(), arn);
    assert_eq!(
        (mine.family, mine.api),
        (
            Some(Family::Text(TextFamily::ClaudeMessages)),
            Some(Api::Invoke)
        )
    );
    assert_eq!(config.directory.allowed.len(), 2);
    assert_eq!(config.bedrock.region.as_deref(), Some("us-west-2"));
    assert_eq!(config.bedrock.session_name, "me@home");
    assert_eq!(config.image_url_life, Duration::from_secs(60));
    assert_eq!(config.bedrock.idle, Duration::from_secs(5));
    let origin = HeaderValue::from_static("https://example.com:8443");
    assert_eq!(
        config.http,
        Http {
            streaming: false,
            responder: Responder::Stock,
            cors: Cors(Some(origin)),
            gateway_timeout: Some(Duration::from_secs(29)),
            largest_body: 1,
        }
    );
    assert_eq!(
        config.reporting,
        Reporting {
            namespace: "BedrockLambda/prod".to_owned(),
            function: "chat-1".to_owned(),
            by_key: true,
            trace_daemon: Some(([169, 254, 79, 129], 2000).into()),
        }
    );
    let guardrail = Guardrail {
        id: "abcdefghij12".to_owned(),
        version: "1".to_owned(),
    };
    assert_eq!(config.bedrock.guardrail, Some(guardrail));
    assert_eq!(
        config.limits,
        Limits {
            prompt_characters: 2,
            history_characters: 3,
            messages: 4,
            answers: 5,
            max_tokens: 6,
            default_max_tokens: 7,
        }
    );
}

#[test]
fn a_history_is_trimmed_where_the_deployment_says_so() {
    let usual = read(&[]).unwrap().history;
    assert!(!usual.trims);
    let asked = [("HISTORY_TRIMMING", "auto"), ("HISTORY_MARGIN_TOKENS", "0")];
    let history = read(&asked).unwrap().history;
    assert!(history.trims);
    assert_eq!(history.margin, 0);
    for (variable, value) in [
        ("HISTORY_TRIMMING", "yes"),
        ("HISTORY_MARGIN_TOKENS", "-1"),
        ("HISTORY_MARGIN_TOKENS", "1000001"),
    ] {
        assert_eq!(read(&[(variable, value)]).unwrap_err().variable, variable);
    }
}

#[test]
fn half_a_guardrail_is_a_mistake() {
    for (given, missing) in [
        ("GUARDRAIL_ID", "GUARDRAIL_VERSION"),
        ("GUARDRAIL_VERSION", "GUARDRAIL_ID"),
    ] {
        assert_eq!(read(&[(given, "1")]).unwrap_err().variable, missing);
    }
}

#[test]
fn a_mistake_names_its_variable() {
    for (variable, value) in [
        ("DEFAULT_CHAT_MODEL", "gpt-4o"),
        ("MODEL_ALIASES", "[]"),
        ("MODEL_ALIASES", r#"{"a":"no id"}"#),
        (
            "MODEL_ALIASES",
            r#"{"a":{"model":"amazon.nova-lite-v1:0","family":"gpt"}}"#,
        ),
        (
            "MODEL_ALIASES",
            r#"{"a":{"model":"amazon.nova-lite-v1:0","colour":"red"}}"#,
        ),
        (
            "MODEL_ALIASES",
            r#"{"a":{"model":"amazon.nova-lite-v1:0","family":"titan-text"}}"#,
        ),
        ("ALLOWED_MODELS", "amazon.nova-lite-v1:0,x"),
        ("BEDROCK_ASSUME_ROLE", "bedrock"),
        ("BEDROCK_ROLE_SESSION_NAME", "a b"),
        ("BEDROCK_ENDPOINT_URL", "bedrock.internal"),
        ("BEDROCK_ENDPOINT_URL", "ftp://bedrock.internal"),
        ("IMAGE_URL_SECONDS", "0"),
        ("IMAGE_URL_SECONDS", "86400"),
        ("IMAGE_URL_SECONDS", "an hour"),
        ("HTTP_RESPONSE", "streaming"),
        ("RUNTIME_RESPONDER", "own"),
        ("CORS_ALLOW_ORIGIN", "*"),
        ("CORS_ALLOW_ORIGIN", "example.com"),
        ("CORS_ALLOW_ORIGIN", "https://example.com/"),
        ("CORS_ALLOW_ORIGIN", "https://a.com, https://b.com"),
        ("GATEWAY_TIMEOUT_SECONDS", "0"),
        ("IDLE_TIMEOUT_SECONDS", "901"),
        ("MAX_BODY_BYTES", "6291457"),
        ("MAX_PROMPT_CHARACTERS", "-1"),
        ("MAX_HISTORY_CHARACTERS", "many"),
        ("MAX_MESSAGES", "0"),
        ("MAX_ANSWERS", "11"),
        ("MAX_TOKENS_LIMIT", "0"),
        ("DEFAULT_MAX_TOKENS", "1.5"),
        ("METRICS_NAMESPACE", "AWS/Bedrock"),
        ("METRICS_NAMESPACE", "a b"),
        ("METRICS_BY_KEY", "yes"),
    ] {
        let error = read(&[(variable, value)]).unwrap_err();
        assert_eq!(error.variable, variable, "{value}: {error}");
    }
}
