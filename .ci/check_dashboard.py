"""Holds what the dashboard shows: that CloudWatch can read it, that nothing covers anything, and that every
metric in it is one that somebody writes.

Source: the CloudWatch API reference's page "Dashboard Body Structure and Syntax".
"""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter
from typing import Any

from measured import NAMESPACE, known, own
from variant import Variant

COUNTED = ("widgets", "metrics shown")
WIDTH = 24
SEARCH = re.compile(
    r"""SEARCH\('\{"(?P<namespace>[^"]+)",(?P<dimensions>\w+(?:,\w+)*)\} MetricName="(?P<name>\w+)"', """
    r"""'(?P<statistic>\w+)'\)"""
)
# A dynamic label's `${PROP('Dim.ModelId')}`, in which Fn::Sub must not look for a reference.
PROPERTY = re.compile(r"<!PROP\('Dim\.(\w+)'\)>")
STATISTICS = ("Sum", "Average", "Maximum", "p50", "p90", "p99")
# Of a widget for metrics: what it must have, and what it may.
GRAPH = {"title", "view", "stat", "period", "region", "metrics"}
MORE = {"timeSeries": {"stacked", "yAxis"}, "singleValue": {"sparkline", "setPeriodToTimeRange"}}
RENDERING = {"label", "color", "stat"}


class Dashboard:
    """The dashboard of one variant."""

    def __init__(self, variant: Variant) -> None:
        self.variant = variant
        self.properties = variant.properties("Dashboard")
        self.counts: Counter[str] = Counter()
        self.shown: set[str] = set()

    def check(self) -> Counter[str]:
        name = self.properties["DashboardName"]
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,255}", name), f"T38: a dashboard cannot be called {name}"
        assert "us-east-1" in name, "T38: the stack's dashboard in another region has the same name"
        try:
            body = json.loads(self.properties["DashboardBody"])
        except ValueError as error:
            raise AssertionError(f"T38: the dashboard is no JSON: {error}") from error
        widgets = body["widgets"]
        for widget in widgets:
            self.check_widget(widget)
        self.check_places(widgets)
        self.check_alarms(widgets)
        missing = own().keys() - self.shown
        assert not missing, f"T38: the dashboard does not show {sorted(missing)}"
        by_key = any("KeyId" in json.dumps(widget) for widget in widgets)
        assert by_key is self.variant.metrics_by_key, "T38: keys are shown and not measured, or the other way"
        return self.counts

    def check_widget(self, widget: dict[str, Any]) -> None:
        assert widget.keys() == {"type", "x", "y", "width", "height", "properties"}, f"T38: a widget is {widget}"
        properties = widget["properties"]
        match widget["type"]:
            case "text":
                assert properties.keys() == {"markdown", "background"}, f"T38: a text is {properties}"
            case "alarm":
                assert properties.keys() == {"title", "states", "alarms"}, f"T38: alarms are {properties}"
            case "metric":
                self.check_graph(properties)
            case kind:
                raise AssertionError(f"T38: CloudWatch has no widget {kind}")
        self.counts["widgets"] += 1

    def check_graph(self, properties: dict[str, Any]) -> None:
        title, view = properties["title"], properties["view"]
        unknown = properties.keys() ^ (GRAPH | MORE[view])
        assert not unknown, f"T38: {title} lacks or should not have {sorted(unknown)}"
        assert properties["region"] == "us-east-1", f"T38: {title} looks at another region"
        assert properties["period"] % 60 == 0, f"T38: {title} has a period of {properties['period']} s"
        if view == "timeSeries":
            axis = properties["yAxis"]["left"]
            assert axis["label"] and axis["min"] == 0, f"T38: {title} does not say its unit, or hides the zero"
        units = {self.check_entry(title, properties["stat"], entry) for entry in properties["metrics"]}
        assert len(units) == 1, f"T38: {title} shows {sorted(units)} on one axis"

    def check_entry(self, title: str, statistic: str, entry: list[Any]) -> str:
        """Its unit."""
        options = entry[-1]
        assert isinstance(options, dict), f"T38: {title} has a metric without a label"
        if "expression" in options:
            return self.check_search(title, options)
        assert options.keys() <= RENDERING, f"T38: {title} draws with {sorted(options)}"
        assert options.get("stat", statistic) in STATISTICS, f"T38: {title} asks for {options}"
        namespace, name, *dimensions = entry[:-1]
        metric = known(namespace, name)
        names = frozenset(dimensions[::2])
        assert names in metric.dimensions, f"T38: {title}: nobody writes {name} by {sorted(names)}"
        for value in dimensions[1::2]:
            assert value, f"T38: {title}: {name} has an empty dimension"
        self.show(namespace, name)
        return metric.unit

    def check_search(self, title: str, options: dict[str, Any]) -> str:
        assert options.keys() == {"expression", "label"}, f"T38: {title} searches with {sorted(options)}"
        found = SEARCH.fullmatch(options["expression"])
        assert found, f"T38: {title} cannot search with {options['expression']}"
        metric = known(found["namespace"], found["name"])
        names = found["dimensions"].split(",")
        assert frozenset(names) in metric.dimensions, f"T38: {title}: nobody writes {found['name']} by {names}"
        assert found["statistic"] in STATISTICS, f"T38: {title} asks for {found['statistic']}"
        labels = PROPERTY.findall(options["label"])
        assert sorted(labels) == sorted(names), f"T38: {title} labels with {labels} what it finds by {names}"
        self.show(found["namespace"], found["name"])
        return metric.unit

    def show(self, namespace: str, name: str) -> None:
        if namespace == NAMESPACE:
            self.shown.add(name)
        self.counts["metrics shown"] += 1

    def check_places(self, widgets: list[dict[str, Any]]) -> None:
        cells: Counter[tuple[int, int]] = Counter()
        for widget in widgets:
            columns = range(widget["x"], widget["x"] + widget["width"])
            rows = range(widget["y"], widget["y"] + widget["height"])
            assert columns and rows and columns.stop <= WIDTH, f"T38: a widget is off the dashboard: {widget}"
            cells.update(itertools.product(columns, rows))
        covered = [cell for cell, count in cells.items() if count > 1]
        assert not covered, f"T38: widgets overlap at {covered[:3]}"
        height = max(row for _, row in cells) + 1
        assert len(cells) == WIDTH * height, "T38: the dashboard has holes"

    def check_alarms(self, widgets: list[dict[str, Any]]) -> None:
        listed = [arn for widget in widgets for arn in widget["properties"].get("alarms", ())]
        alarms = sorted(f"<{name}.Arn>" for name in self.variant.named("AWS::CloudWatch::Alarm"))
        assert sorted(listed) == alarms, f"T38: the dashboard's alarms differ: {set(listed) ^ set(alarms)}"
