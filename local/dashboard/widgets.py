"""A dashboard's body, evaluated: what each of its widgets would show of some measurements.

It knows what this product's dashboard is made of, and refuses anything else. The format is CloudWatch's
"Dashboard Body Structure and Syntax".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from measurements import Measurements, Metric, Span

SEARCH = re.compile(
    r"""SEARCH\('\{"?(?P<namespace>[^",]+)"?,(?P<dimensions>[\w,]+)\} MetricName="(?P<name>\w+)"', """
    r"""'(?P<statistic>\w+)'\)"""
)
PROPERTY = re.compile(r"\$\{PROP\('Dim\.(\w+)'\)\}")


@dataclass(frozen=True)
class Place:
    """In the units of the dashboard's grid, which is 24 wide."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Series:
    label: str
    color: str | None
    values: list[float | None]


@dataclass(frozen=True)
class Widget:
    place: Place


@dataclass(frozen=True)
class Text(Widget):
    markdown: str


@dataclass(frozen=True)
class Alarms(Widget):
    title: str
    count: int


@dataclass(frozen=True)
class Number(Widget):
    title: str
    value: float
    sparkline: list[float | None]


@dataclass(frozen=True)
class Graph(Widget):
    title: str
    unit: str
    stacked: bool
    series: list[Series]
    # Of what there is no measurement here.
    missing: list[str] = field(default_factory=list)


class Evaluation:
    """`reported` are the namespaces and names of AWS's own metrics that were measured."""

    def __init__(self, measurements: Measurements, reported: set[tuple[str, str]], span: Span) -> None:
        self.measurements = measurements
        self.reported = reported
        self.span = span

    def widgets(self, body: dict[str, Any]) -> Iterator[Widget]:
        for widget in body["widgets"]:
            place = Place(widget["x"], widget["y"], widget["width"], widget["height"])
            properties = widget["properties"]
            match widget["type"], properties.get("view"):
                case "text", None:
                    yield Text(place, properties["markdown"])
                case "alarm", None:
                    yield Alarms(place, properties["title"], len(properties["alarms"]))
                case "metric", "singleValue":
                    yield self.number(place, properties)
                case "metric", "timeSeries":
                    yield self.graph(place, properties)
                case kind:
                    raise ValueError(f"a widget {kind} is not known here")

    def number(self, place: Place, properties: dict[str, Any]) -> Number:
        [(metric, options)] = [split(entry) for entry in properties["metrics"]]
        statistic = options.get("stat", properties["stat"])
        whole = Span(self.span.start, self.span.end, self.span.end - self.span.start)
        [value] = self.measurements.series(metric, statistic, whole)
        return Number(place, properties["title"], value or 0.0, self.values(metric, statistic))

    def graph(self, place: Place, properties: dict[str, Any]) -> Graph:
        series: list[Series] = []
        missing: list[str] = []
        for entry in properties["metrics"]:
            if "expression" in entry[0]:
                series.extend(self.search(entry[0]))
                continue
            metric, options = split(entry)
            statistic = options.get("stat", properties["stat"])
            label = options.get("label", metric.name)
            if metric.namespace.startswith("AWS/") and (metric.namespace, metric.name) not in self.reported:
                missing.append(label)
            else:
                series.append(Series(label, options.get("color"), self.values(metric, statistic)))
        unit = properties["yAxis"]["left"]["label"]
        return Graph(place, properties["title"], unit, properties.get("stacked", False), series, missing)

    def search(self, options: dict[str, Any]) -> Iterator[Series]:
        found = SEARCH.fullmatch(options["expression"])
        if found is None:
            raise ValueError(f"the expression {options['expression']} is not known here")
        names = found["dimensions"].split(",")
        for metric in self.measurements.find(found["namespace"], found["name"], names):
            label = labelled(options["label"], dict(metric.dimensions))
            yield Series(label, None, self.values(metric, found["statistic"]))

    def values(self, metric: Metric, statistic: str) -> list[float | None]:
        return self.measurements.series(metric, statistic, self.span)


def labelled(label: str, dimensions: Mapping[str, str]) -> str:
    """A dynamic label, for one of the metrics that it is for."""
    return PROPERTY.sub(lambda match: dimensions[match[1]], label)


def split(entry: list[Any]) -> tuple[Metric, dict[str, Any]]:
    """A metric of a widget, written out, and how it is drawn."""
    options = entry[-1] if isinstance(entry[-1], dict) else {}
    namespace, name, *dimensions = [part for part in entry if isinstance(part, str)]
    return Metric.of(namespace, name, dict(zip(dimensions[::2], dimensions[1::2], strict=True))), options


def metrics_of(body: dict[str, Any]) -> Iterator[Metric]:
    """Those that a body names, without what it searches for."""
    for widget in body["widgets"]:
        for entry in widget["properties"].get("metrics", ()):
            if "expression" not in entry[0]:
                yield split(entry)[0]
