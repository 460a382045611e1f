//! What each call to AWS needs of IAM: actions, resources and the keys of conditions, written to the
//! record of the tests.
//!
//! Sources: the Service Authorization Reference's pages of Amazon S3, SQS, Bedrock and AWS STS; the S3
//! user guide's page `using-with-s3-policy-actions` (GetObject and HeadObject need ListBucket for a key
//! that is not there to be 404) and `conditional-writes` (If-Match needs GetObject too).

use http::request::Parts;
use serde_json::{Map, Value, json};

use crate::request::{decoded, query};
use crate::signature::Signature;
use crate::{ACCOUNT, record};

/// Geographies and the like that the ids of inference profiles begin with.
const PROFILES: [&str; 11] = [
    "us", "eu", "apac", "jp", "au", "us-gov", "global", "sa", "amer", "ca", "in",
];

/// Something that a call needs.
struct Need {
    action: String,
    resource: String,
    conditions: Map<String, Value>,
}

impl Need {
    fn of(action: impl Into<String>, resource: impl Into<String>) -> Self {
        Self {
            action: action.into(),
            resource: resource.into(),
            conditions: Map::new(),
        }
    }

    /// What is not known here is allowed nowhere, and so found out.
    fn unknown(head: &Parts) -> Self {
        Self::of(format!("unknown:{} {}", head.method, head.uri.path()), "*")
    }

    /// With this key of conditions, where the request says it.
    fn with(mut self, key: &str, value: Option<String>) -> Self {
        if let Some(value) = value {
            self.conditions.insert(key.to_owned(), value.into());
        }
        self
    }
}

/// Writes down what a request needs that has come.
pub(crate) fn record(head: &Parts, body: &[u8]) {
    let path = head.uri.path();
    // The local Bedrock's own, which tests ask.
    if path.starts_with("/_local/") {
        return;
    }
    let Some(signature) = Signature::of(head) else {
        let test = std::thread::current();
        record::write(&json!({
            "unsigned": format!("{} {path}", head.method),
            "suite": record::suite(),
            "test": test.name(),
        }));
        return;
    };
    let needs = match signature.service.as_str() {
        "s3" => s3(head),
        "sqs" => sqs(head, body, &signature.region),
        "bedrock" => bedrock(head, body, &signature.region),
        "sts" => sts(body),
        _ => vec![Need::unknown(head)],
    };
    write(&signature, needs);
}

/// Writes down what a request needed to be answered so.
pub(crate) fn record_answer(head: &Parts, status: u16) {
    let Some(signature) = Signature::of(head).filter(|signature| signature.service == "s3") else {
        return;
    };
    let (bucket, key) = place(head);
    let reads = head.method == "GET" || head.method == "HEAD";
    if status == 404 && reads && !key.is_empty() {
        // It is said nowhere whether the key is the prefix then.
        let need = || Need::of("s3:ListBucket", format!("arn:aws:s3:::{bucket}"));
        let needs = vec![need(), need().with("s3:prefix", Some(key))];
        write(&signature, needs);
    }
}

/// Writes down what a queue's poller does with it, in the name of the function.
pub(crate) fn record_poll(queue: &str, action: &str) {
    record::write(&json!({"polled": queue, "action": action}));
}

fn write(signature: &Signature, needs: Vec<Need>) {
    for need in needs {
        record::write(&json!({
            "call": need.action,
            "by": signature.key,
            "presigned": signature.presigned,
            "resource": need.resource,
            "conditions": need.conditions,
        }));
    }
}

fn header(head: &Parts, name: &str) -> Option<String> {
    let value = head.headers.get(name)?;
    Some(value.to_str().expect("a text").to_owned())
}

/// Bucket and key.
fn place(head: &Parts) -> (String, String) {
    let path = decoded(head.uri.path());
    let path = path.strip_prefix('/').unwrap_or_default();
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    (bucket.to_owned(), key.to_owned())
}

fn s3(head: &Parts) -> Vec<Need> {
    let (bucket, key) = place(head);
    let of_bucket = format!("arn:aws:s3:::{bucket}");
    let of_object = format!("{of_bucket}/{key}");
    let version = query(head, "versionId").map_or("", |_| "Version");
    let need = match (head.method.as_str(), key.is_empty()) {
        ("GET" | "HEAD", false) => Need::of(format!("s3:GetObject{version}"), of_object),
        ("DELETE", false) => Need::of(format!("s3:DeleteObject{version}"), of_object),
        ("PUT", false) => {
            let replaced = header(head, "if-match");
            let put = Need::of("s3:PutObject", of_object.as_str())
                .with("s3:if-none-match", header(head, "if-none-match"))
                .with("s3:if-match", replaced.clone());
            let look = replaced.map(|_| Need::of("s3:GetObject", of_object));
            return [put].into_iter().chain(look).collect();
        }
        ("GET", true) if query(head, "list-type").is_some() => {
            Need::of("s3:ListBucket", of_bucket).with("s3:prefix", query(head, "prefix"))
        }
        _ => Need::unknown(head),
    };
    vec![need]
}

fn sqs(head: &Parts, body: &[u8], region: &str) -> Vec<Need> {
    let target = header(head, "x-amz-target").expect("an operation");
    let operation = target.strip_prefix("AmazonSQS.").expect("SQS's own");
    // A batch needs what one needs.
    let operation = operation.strip_suffix("Batch").unwrap_or(operation);
    let body: Value = serde_json::from_slice(body).expect("a JSON body");
    let url = body.get("QueueUrl").and_then(Value::as_str);
    let name = url.and_then(|url| url.rsplit('/').next()).expect("a queue");
    let resource = format!("arn:aws:sqs:{region}:{ACCOUNT}:{name}");
    vec![Need::of(format!("sqs:{operation}"), resource)]
}

fn sts(body: &[u8]) -> Vec<Need> {
    let form = str::from_utf8(body).expect("a form");
    let field = |name: &str| {
        let mut fields = form.split('&').filter_map(|field| field.split_once('='));
        let value = fields.find_map(|(key, value)| (key == name).then(|| decoded(value)));
        value.unwrap_or_else(|| panic!("no {name}: {form}"))
    };
    vec![Need::of(
        format!("sts:{}", field("Action")),
        field("RoleArn"),
    )]
}

fn bedrock(head: &Parts, body: &[u8], region: &str) -> Vec<Need> {
    let path = head.uri.path().trim_start_matches('/');
    let parts: Vec<_> = path.split('/').map(decoded).collect();
    let parts: Vec<_> = parts.iter().map(String::as_str).collect();
    let action = match parts.as_slice() {
        ["foundation-models"] => return vec![Need::of("bedrock:ListFoundationModels", "*")],
        ["inference-profiles"] => return vec![Need::of("bedrock:ListInferenceProfiles", "*")],
        ["foundation-models", _] => "bedrock:GetFoundationModel",
        ["inference-profiles", _] => "bedrock:GetInferenceProfile",
        ["model", _, "count-tokens"] => "bedrock:CountTokens",
        ["model", _, "invoke" | "converse"] => "bedrock:InvokeModel",
        [
            "model",
            _,
            "invoke-with-response-stream" | "converse-stream",
        ] => "bedrock:InvokeModelWithResponseStream",
        _ => return vec![Need::unknown(head)],
    };
    let id = parts.get(1).expect("an id");
    let call = Need::of(action, model(id, region));
    let guardrail = guardrail(head, body).map(|id| {
        let resource = match id.starts_with("arn:") {
            true => id,
            false => format!("arn:aws:bedrock:{region}:{ACCOUNT}:guardrail/{id}"),
        };
        Need::of("bedrock:ApplyGuardrail", resource)
    });
    [call].into_iter().chain(guardrail).collect()
}

/// The ARN of what a model's id or ARN points at.
fn model(id: &str, region: &str) -> String {
    let geography = id.split('.').next().unwrap_or_default();
    match (id.starts_with("arn:"), PROFILES.contains(&geography)) {
        (true, _) => id.to_owned(),
        (false, true) => format!("arn:aws:bedrock:{region}:{ACCOUNT}:inference-profile/{id}"),
        (false, false) => format!("arn:aws:bedrock:{region}::foundation-model/{id}"),
    }
}

/// The guardrail that a call is to go through: InvokeModel says it in a header, Converse in its body.
fn guardrail(head: &Parts, body: &[u8]) -> Option<String> {
    header(head, "x-amzn-bedrock-guardrailidentifier").or_else(|| {
        let body: Value = serde_json::from_slice(body).ok()?;
        let id = body.pointer("/guardrailConfig/guardrailIdentifier")?;
        Some(id.as_str().expect("a text").to_owned())
    })
}
