//! CloudWatch's embedded metric format: lines of the log that CloudWatch makes metrics of.
//!
//! The names, and what they mean, are Bedrock's own where Bedrock has them. Source: the CloudWatch
//! userguide's page `CloudWatch_Embedded_Metric_Format_Specification`, the Bedrock userguide's
//! `monitoring-runtime-metrics`. `docs/decisions/0016` says why no library writes it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::calls::{Called, Drawn, End};
use super::scope::Seen;
use crate::families::Usage;

/// How many values a metric of one line may have.
const MOST_VALUES: usize = 100;

/// What every line of an invocation says of it.
#[derive(Debug)]
pub(super) struct Head<'a> {
    pub(super) namespace: &'a str,
    /// The function's name.
    pub(super) function: &'a str,
    /// Whether there are metrics by API key.
    pub(super) by_key: bool,
    /// Since 1970.
    pub(super) milliseconds: u64,
    pub(super) request_id: &'a str,
    pub(super) trace_id: Option<&'a str>,
    pub(super) key_id: Option<&'a str>,
}

/// Every metric, with its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
enum Metric {
    Invocations,
    InvocationLatency,
    TimeToFirstToken,
    InvocationClientErrors,
    InvocationServerErrors,
    InvocationThrottles,
    InputTokenCount,
    OutputTokenCount,
    OutputImageCount,
    /// US dollars.
    EstimatedCost,
    /// Calls that were made again.
    Retries,
    /// Requests that had been answered before, and were not paid for again.
    DuplicatesAvoided,
    /// Records that come back.
    RecordsFailed,
}

impl Metric {
    const fn unit(self) -> &'static str {
        match self {
            Self::InvocationLatency | Self::TimeToFirstToken => "Milliseconds",
            Self::EstimatedCost => "None",
            Self::Invocations
            | Self::InvocationClientErrors
            | Self::InvocationServerErrors
            | Self::InvocationThrottles
            | Self::InputTokenCount
            | Self::OutputTokenCount
            | Self::OutputImageCount
            | Self::Retries
            | Self::DuplicatesAvoided
            | Self::RecordsFailed => "Count",
        }
    }
}

/// A line on its way: dimensions, the sets of them that there are metrics by, and the metrics.
#[derive(Debug, Default)]
struct Line {
    dimensions: Vec<(&'static str, String)>,
    sets: Vec<Vec<&'static str>>,
    values: BTreeMap<Metric, Vec<Value>>,
}

/// The lines of an invocation; none for one in which nothing was measured.
pub(super) fn lines<'a>(head: &'a Head<'_>, seen: &'a Seen) -> impl Iterator<Item = Value> + 'a {
    let mut calls: BTreeMap<&str, Vec<&Called>> = BTreeMap::new();
    for call in &seen.calls {
        calls.entry(&call.model).or_default().push(call);
    }
    let calls = calls.into_iter().flat_map(|(model, calls)| {
        let chunks: Vec<_> = calls
            .chunks(MOST_VALUES)
            .map(|calls| of_calls(head, model, calls))
            .collect();
        chunks
    });
    let mut images: BTreeMap<(&str, &str, &str), Vec<&Drawn>> = BTreeMap::new();
    for image in &seen.images {
        let kind = (image.model.as_str(), image.size.as_str(), image.steps);
        images.entry(kind).or_default().push(image);
    }
    let images = images
        .into_iter()
        .map(|((model, size, steps), images)| of_images(head, model, size, steps, &images));
    let records = of_records(head, seen);
    let lines = calls.chain(images).chain([records]);
    lines
        .filter(|line| !line.values.is_empty())
        .map(|line| line.write(head))
}

fn of_calls(head: &Head<'_>, model: &str, calls: &[&Called]) -> Line {
    let mut line = Line::by_model(head, model);
    for call in calls {
        line.count(Metric::Retries, u64::from(call.is_repetition));
        match &call.end {
            End::Throttled => line.count(Metric::InvocationThrottles, 1),
            End::ClientError => line.count(Metric::InvocationClientErrors, 1),
            End::ServerError => line.count(Metric::InvocationServerErrors, 1),
            End::Answered {
                latency,
                first_token,
                usage,
                cost,
            } => {
                line.count(Metric::Invocations, 1);
                line.time(Metric::InvocationLatency, *latency);
                if let Some(first_token) = first_token {
                    line.time(Metric::TimeToFirstToken, *first_token);
                }
                // Bedrock does not count tokens of the cache here, either.
                if let Some(Usage { input, output, .. }) = *usage {
                    line.count(Metric::InputTokenCount, input);
                    line.count(Metric::OutputTokenCount, output);
                }
                line.cost(*cost);
            }
        }
    }
    line
}

fn of_images(head: &Head<'_>, model: &str, size: &str, steps: &str, images: &[&Drawn]) -> Line {
    let mut line = Line::by_model(head, model);
    line.dimensions.push(("ImageSize", size.to_owned()));
    line.dimensions.push(("BucketedStepSize", steps.to_owned()));
    line.sets
        .push(vec!["ModelId", "ImageSize", "BucketedStepSize"]);
    for image in images {
        line.count(Metric::OutputImageCount, 1);
        line.cost(image.cost);
    }
    line
}

fn of_records(head: &Head<'_>, seen: &Seen) -> Line {
    let mut line = Line {
        dimensions: vec![("FunctionName", head.function.to_owned())],
        sets: vec![vec![], vec!["FunctionName"]],
        ..Line::default()
    };
    line.count(Metric::DuplicatesAvoided, seen.duplicates);
    line.count(Metric::RecordsFailed, seen.records_failed);
    line
}

impl Line {
    /// Over all models, by model and, where that is asked for, by API key.
    fn by_model(head: &Head<'_>, model: &str) -> Self {
        let mut sets = vec![vec![], vec!["ModelId"]];
        if head.by_key && head.key_id.is_some() {
            sets.push(vec!["ModelId", "KeyId"]);
        }
        Self {
            dimensions: vec![("ModelId", model.to_owned())],
            sets,
            ..Self::default()
        }
    }

    fn count(&mut self, metric: Metric, count: u64) {
        if count > 0 {
            let values = self.values.entry(metric).or_insert_with(|| vec![json!(0)]);
            let sum = values.iter().filter_map(Value::as_u64).sum::<u64>();
            *values = vec![json!(sum.saturating_add(count))];
        }
    }

    fn time(&mut self, metric: Metric, time: Duration) {
        let milliseconds = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.values
            .entry(metric)
            .or_default()
            .push(json!(milliseconds));
    }

    fn cost(&mut self, cost: Option<f64>) {
        if let Some(cost) = cost {
            let values = self.values.entry(Metric::EstimatedCost).or_default();
            let sum: f64 = values.iter().filter_map(Value::as_f64).sum();
            *values = vec![json!(sum + cost)];
        }
    }

    fn write(self, head: &Head<'_>) -> Value {
        let metrics: Vec<_> = self
            .values
            .keys()
            .map(|metric| json!({"Name": metric, "Unit": metric.unit()}))
            .collect();
        let directive = json!({
            "Namespace": head.namespace,
            "Dimensions": self.sets,
            "Metrics": metrics,
        });
        let mut line = Map::new();
        line.insert(
            "_aws".to_owned(),
            json!({"Timestamp": head.milliseconds, "CloudWatchMetrics": [directive]}),
        );
        line.insert("RequestId".to_owned(), json!(head.request_id));
        for (name, value) in [("TraceId", head.trace_id), ("KeyId", head.key_id)] {
            if let Some(value) = value {
                line.insert(name.to_owned(), json!(value));
            }
        }
        for (name, value) in self.dimensions {
            line.insert(name.to_owned(), json!(value));
        }
        for (metric, mut values) in self.values {
            let value = match values.len() {
                1 => values.swap_remove(0),
                _ => Value::Array(values),
            };
            // An enum without fields is its name.
            if let Value::String(name) = json!(metric) {
                line.insert(name, value);
            }
        }
        Value::Object(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: Head<'_> = Head {
        namespace: "Tests",
        function: "chat-1",
        by_key: false,
        milliseconds: 1_700_000_000_000,
        request_id: "8d1c",
        trace_id: None,
        key_id: Some("k1"),
    };

    fn answered(milliseconds: u64, tokens: Option<(u64, u64)>) -> Called {
        Called {
            model: "amazon.nova-lite-v1:0".to_owned(),
            is_repetition: false,
            end: End::Answered {
                latency: Duration::from_millis(milliseconds),
                first_token: None,
                usage: tokens.map(|(input, output)| Usage {
                    input,
                    output,
                    ..Usage::default()
                }),
                cost: tokens.map(|_| 0.25),
            },
        }
    }

    fn failed(end: End, is_repetition: bool) -> Called {
        Called {
            model: "amazon.nova-lite-v1:0".to_owned(),
            is_repetition,
            end,
        }
    }

    fn written(head: &Head<'_>, seen: &Seen) -> Vec<Value> {
        lines(head, seen).collect()
    }

    #[test]
    fn nothing_measured_is_nothing_written() {
        assert_eq!(written(&HEAD, &Seen::default()), Vec::<Value>::new());
    }

    #[test]
    fn calls_of_a_model_are_one_line() {
        let seen = Seen {
            calls: vec![
                failed(End::Throttled, false),
                failed(End::ServerError, true),
                answered(120, Some((10, 5))),
                answered(80, Some((1, 2))),
            ],
            ..Seen::default()
        };
        let count = |name: &str| json!({"Name": name, "Unit": "Count"});
        let expected = json!({
            "_aws": {
                "Timestamp": 1_700_000_000_000_u64,
                "CloudWatchMetrics": [{
                    "Namespace": "Tests",
                    "Dimensions": [[], ["ModelId"]],
                    "Metrics": [
                        count("Invocations"),
                        {"Name": "InvocationLatency", "Unit": "Milliseconds"},
                        count("InvocationServerErrors"),
                        count("InvocationThrottles"),
                        count("InputTokenCount"),
                        count("OutputTokenCount"),
                        {"Name": "EstimatedCost", "Unit": "None"},
                        count("Retries"),
                    ],
                }],
            },
            "RequestId": "8d1c",
            "KeyId": "k1",
            "ModelId": "amazon.nova-lite-v1:0",
            "Invocations": 2,
            "InvocationLatency": [120, 80],
            "InvocationServerErrors": 1,
            "InvocationThrottles": 1,
            "InputTokenCount": 11,
            "OutputTokenCount": 7,
            "EstimatedCost": 0.5,
            "Retries": 1,
        });
        assert_eq!(written(&HEAD, &seen), [expected]);
    }

    #[test]
    fn more_calls_than_a_line_has_room_for_take_another() {
        let seen = Seen {
            calls: (0..250).map(|index| answered(index, None)).collect(),
            ..Seen::default()
        };
        let lines = written(&HEAD, &seen);
        let invocations: Vec<_> = lines
            .iter()
            .map(|line| line["Invocations"].clone())
            .collect();
        assert_eq!(invocations, [json!(100), json!(100), json!(50)]);
        assert_eq!(lines[2]["InvocationLatency"][49], json!(249));
        assert_eq!(lines[0].get("InputTokenCount"), None);
        assert_eq!(lines[0].get("EstimatedCost"), None);
    }

    #[test]
    fn a_key_is_a_dimension_only_where_that_is_asked_for() {
        let head = Head {
            by_key: true,
            ..HEAD
        };
        let seen = Seen {
            calls: vec![answered(1, None)],
            ..Seen::default()
        };
        let sets = |head: &Head<'_>| {
            written(head, &seen)[0]["_aws"]["CloudWatchMetrics"][0]["Dimensions"].clone()
        };
        assert_eq!(sets(&head), json!([[], ["ModelId"], ["ModelId", "KeyId"]]));
        let nobody = Head {
            key_id: None,
            ..head
        };
        assert_eq!(sets(&nobody), json!([[], ["ModelId"]]));
    }

    #[test]
    fn images_are_counted_by_size_and_steps_and_records_by_function() {
        let drawn = |size: &str, steps| Drawn {
            model: "stability.stable-diffusion-xl-v1".to_owned(),
            size: size.to_owned(),
            steps,
            cost: Some(0.04),
        };
        let seen = Seen {
            images: vec![
                drawn("1024x1024", "10-50"),
                drawn("512x512", "10-50"),
                drawn("1024x1024", "10-50"),
            ],
            duplicates: 2,
            records_failed: 3,
            ..Seen::default()
        };
        let lines = written(&HEAD, &seen);
        let [large, small, records] = lines.as_slice() else {
            panic!("{lines:?}");
        };
        assert_eq!(
            (&large["ImageSize"], &large["OutputImageCount"]),
            (&json!("1024x1024"), &json!(2))
        );
        assert_eq!(large["EstimatedCost"], json!(0.08));
        assert_eq!(small["OutputImageCount"], json!(1));
        assert_eq!(
            large["_aws"]["CloudWatchMetrics"][0]["Dimensions"],
            json!([
                [],
                ["ModelId"],
                ["ModelId", "ImageSize", "BucketedStepSize"]
            ])
        );
        assert_eq!(
            (
                &records["FunctionName"],
                &records["DuplicatesAvoided"],
                &records["RecordsFailed"]
            ),
            (&json!("chat-1"), &json!(2), &json!(3))
        );
    }
}
