"""Which metrics there are: the product's own, as docs/monitoring.md lists them, and AWS's that are watched."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "monitoring.md"
SOURCE = ROOT / "shared" / "src" / "telemetry" / "metrics.rs"

NAMESPACE = "BedrockLambda/A-Stack"

Dimensions = frozenset[str]


@dataclass(frozen=True)
class Metric:
    unit: str
    # The sets of dimensions that it is written with.
    dimensions: frozenset[Dimensions]


def metric(unit: str, *names: str) -> Metric:
    return Metric(unit, frozenset({frozenset(names)}))


OF_A_FUNCTION, OF_A_QUEUE, OF_THE_API = ("FunctionName",), ("QueueName",), ("ApiName", "Stage")
# Sources: the developer guides' pages "Types of metrics for Lambda functions", "Available CloudWatch
# metrics for Amazon SQS", "Amazon API Gateway dimensions and metrics".
OF_AWS: Mapping[str, Mapping[str, Metric]] = {
    "AWS/Lambda": {
        "ConcurrentExecutions": metric("Count", *OF_A_FUNCTION),
        "Errors": metric("Count", *OF_A_FUNCTION),
        "Throttles": metric("Count", *OF_A_FUNCTION),
    },
    "AWS/SQS": {
        "ApproximateAgeOfOldestMessage": metric("Seconds", *OF_A_QUEUE),
        "ApproximateNumberOfMessagesVisible": metric("Count", *OF_A_QUEUE),
    },
    "AWS/ApiGateway": {
        "4XXError": metric("Count", *OF_THE_API),
        "5XXError": metric("Count", *OF_THE_API),
        "Count": metric("Count", *OF_THE_API),
        "Latency": metric("Milliseconds", *OF_THE_API),
    },
}


@cache
def own() -> Mapping[str, Metric]:
    """The product's own, by name. The page has to say what the source does."""
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (all[^|]*) \|", PAGE.read_text(), re.MULTILINE)
    found = {name: Metric(unit, frozenset(map(names_of, sets.split(";")))) for name, unit, sets in rows}
    written, sets_written = in_the_source()
    documented = {name: each.unit for name, each in found.items()}
    assert documented == written, f"T38: {PAGE.name} and {SOURCE.name} differ: {documented.items() ^ written.items()}"
    sets = {each for found_metric in found.values() for each in found_metric.dimensions}
    assert sets == sets_written, f"T38: {PAGE.name} and {SOURCE.name} differ in dimensions: {sets ^ sets_written}"
    return found


def names_of(text: str) -> Dimensions:
    return frozenset(re.findall(r"`(\w+)`", text))


def in_the_source() -> tuple[dict[str, str], set[Dimensions]]:
    """The names with their units, and the sets of dimensions."""
    source = SOURCE.read_text().split("#[cfg(test)]")[0]
    arms = re.findall(r'((?:\|?\s*Self::\w+\s*)+)=> "(\w+)"', source)
    units = {name: unit for names, unit in arms for name in re.findall(r"Self::(\w+)", names)}
    sets = re.findall(r"vec!\[((?:\"\w+\"(?:, )?)*)\]", source)
    return units, {frozenset(re.findall(r"\w+", names)) for names in sets}


def known(namespace: str, name: str) -> Metric:
    """Fails for a metric that nobody writes."""
    metrics = own() if namespace == NAMESPACE else OF_AWS.get(namespace, {})
    assert name in metrics, f"T38: nobody writes {name} to {namespace}"
    return metrics[name]
