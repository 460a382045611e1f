"""Measurements as CloudWatch keeps them: by namespace, name and dimensions, each with its time."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Metric:
    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]] = frozenset()

    @classmethod
    def of(cls, namespace: str, name: str, dimensions: Mapping[str, str]) -> Metric:
        return cls(namespace, name, frozenset(dimensions.items()))


@dataclass(frozen=True)
class Span:
    """The time that is looked at, in seconds since 1970, and how it is divided."""

    start: float
    end: float
    period: float

    @property
    def periods(self) -> int:
        return math.ceil((self.end - self.start) / self.period)


class Measurements:
    def __init__(self) -> None:
        self._values: defaultdict[Metric, list[tuple[float, float]]] = defaultdict(list)

    def add(self, metric: Metric, time: float, *values: float) -> None:
        self._values[metric].extend((time, value) for value in values)

    def add_line(self, line: str) -> bool:
        """Takes a line of a function's output that is in the embedded metric format; whether it is."""
        try:
            document: dict[str, Any] = json.loads(line)
            embedded = document["_aws"]
        except (ValueError, KeyError, TypeError):
            return False
        time = embedded["Timestamp"] / 1000
        for directive in embedded["CloudWatchMetrics"]:
            for names in directive["Dimensions"]:
                dimensions = {name: document[name] for name in names}
                for metric in directive["Metrics"]:
                    found = document[metric["Name"]]
                    values = found if isinstance(found, list) else [found]
                    self.add(Metric.of(directive["Namespace"], metric["Name"], dimensions), time, *values)
        return True

    def __contains__(self, metric: Metric) -> bool:
        return metric in self._values

    def find(self, namespace: str, name: str, dimensions: Collection[str]) -> list[Metric]:
        """The metrics that have exactly these dimensions."""
        found = [
            metric
            for metric in self._values
            if (metric.namespace, metric.name) == (namespace, name)
            and {dimension for dimension, _ in metric.dimensions} == set(dimensions)
        ]
        return sorted(found, key=lambda metric: sorted(metric.dimensions))

    def series(self, metric: Metric, statistic: str, span: Span) -> list[float | None]:
        """A value for each period, or `None` where nothing was measured."""
        periods: list[list[float]] = [[] for _ in range(span.periods)]
        for time, value in self._values[metric] if metric in self else ():
            if span.start <= time < span.end:
                periods[int((time - span.start) / span.period)].append(value)
        return [summed_up(values, statistic) if values else None for values in periods]


def summed_up(values: list[float], statistic: str) -> float:
    match statistic:
        case "Sum":
            return math.fsum(values)
        case "Average":
            return math.fsum(values) / len(values)
        case "Maximum":
            return max(values)
        case "SampleCount":
            return len(values)
        case _ if statistic.startswith("p"):
            return percentile(values, float(statistic[1:]))
        case _:
            raise ValueError(f"the statistic {statistic} is not known here")


def percentile(values: list[float], percent: float) -> float:
    """Between the two nearest values, as far as the percentage is between theirs."""
    ordered = sorted(values)
    place = (len(ordered) - 1) * percent / 100
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
