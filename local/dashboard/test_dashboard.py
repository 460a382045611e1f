"""What the dashboard's widgets come to, on measurements small enough to count by hand."""

from __future__ import annotations

import json
import unittest
from typing import Any

from measurements import Measurements, Metric, Span, summed_up
from picture import box_of, counted, legend_lines, runs, stacked, step_of
from widgets import Evaluation, Graph, Number, Place

NAMESPACE = "Tests/one"
SPAN = Span(100.0, 130.0, 10.0)


def line(second: float, dimensions: dict[str, str], sets: list[list[str]], **metrics: float | list[float]) -> str:
    directive = {"Namespace": NAMESPACE, "Dimensions": sets, "Metrics": [{"Name": name} for name in metrics]}
    embedded = {"Timestamp": int(second * 1000), "CloudWatchMetrics": [directive]}
    return json.dumps({"_aws": embedded, **dimensions, **metrics})


def measured() -> Measurements:
    found = Measurements()
    sets = [[], ["ModelId"]]
    lines = [
        line(101, {"ModelId": "a"}, sets, Calls=2, Latency=[10, 30]),
        line(109, {"ModelId": "b"}, sets, Calls=1, Latency=50),
        line(125, {"ModelId": "a"}, sets, Calls=4),
        '{"level": "INFO", "message": "answered"}',
        "no JSON at all",
    ]
    taken = [found.add_line(each) for each in lines]
    assert taken == [True, True, True, False, False]
    return found


def graph(*metrics: list[Any], **more: Any) -> Any:
    properties = {"title": "T", "view": "timeSeries", "stat": "Sum", "yAxis": {"left": {"label": "calls"}}}
    place = {"x": 0, "y": 0, "width": 8, "height": 6}
    body = {"widgets": [{"type": "metric", **place, "properties": {**properties, "metrics": metrics, **more}}]}
    [widget] = Evaluation(measured(), {("AWS/SQS", "Depth")}, SPAN).widgets(body)
    return widget


class Measured(unittest.TestCase):
    def test_a_line_counts_for_each_set_of_its_dimensions(self) -> None:
        found = measured()
        series = found.series(Metric.of(NAMESPACE, "Calls", {}), "Sum", SPAN)
        self.assertEqual(series, [3, None, 4])
        series = found.series(Metric.of(NAMESPACE, "Calls", {"ModelId": "b"}), "Sum", SPAN)
        self.assertEqual(series, [1, None, None])

    def test_a_list_is_as_many_values(self) -> None:
        metric = Metric.of(NAMESPACE, "Latency", {})
        for statistic, value in (("SampleCount", 3), ("Average", 30), ("Maximum", 50), ("p50", 30), ("p90", 46)):
            with self.subTest(statistic):
                self.assertEqual(measured().series(metric, statistic, SPAN)[0], value)

    def test_what_was_before_or_after_is_not_in_it(self) -> None:
        found = measured()
        found.add(Metric.of(NAMESPACE, "Calls", {}), 99.9, 100)
        found.add(Metric.of(NAMESPACE, "Calls", {}), 130.0, 100)
        self.assertEqual(found.series(Metric.of(NAMESPACE, "Calls", {}), "Sum", SPAN), [3, None, 4])

    def test_an_unknown_statistic_is_refused(self) -> None:
        with self.assertRaises(ValueError):
            summed_up([1.0], "Minimum")


class AWidget(unittest.TestCase):
    def test_finds_each_model_by_itself(self) -> None:
        search = f"SEARCH('{{\"{NAMESPACE}\",ModelId}} MetricName=\"Calls\"', 'Sum')"
        widget = graph([{"expression": search, "label": "model ${PROP('Dim.ModelId')}"}])
        self.assertIsInstance(widget, Graph)
        found = [(series.label, series.values) for series in widget.series]
        self.assertEqual(found, [("model a", [2, None, 4]), ("model b", [1, None, None])])

    def test_takes_a_metrics_own_statistic_before_its_own(self) -> None:
        widget = graph([NAMESPACE, "Latency", {"label": "p50", "stat": "p50"}], [NAMESPACE, "Calls"])
        found = [(series.label, series.values) for series in widget.series]
        self.assertEqual(found, [("p50", [30, None, None]), ("Calls", [3, None, 4])])

    def test_says_what_of_aws_nobody_reports_here(self) -> None:
        depth = ["AWS/SQS", "Depth", "QueueName", "q", {"label": "depth"}]
        age = ["AWS/SQS", "Age", "QueueName", "q", {"label": "age"}]
        widget = graph(depth, age)
        self.assertEqual(([series.label for series in widget.series], widget.missing), (["depth"], ["age"]))

    def test_of_one_number_has_it_of_the_whole_time(self) -> None:
        widget = graph([NAMESPACE, "Calls"], view="singleValue")
        self.assertEqual(widget, Number(Place(0, 0, 8, 6), "T", 7, [3, None, 4]))

    def test_that_is_not_known_is_refused(self) -> None:
        for metric in ([{"expression": "m1 / m2", "label": ""}], [{"expression": "SEARCH('x', 'Sum')", "label": ""}]):
            with self.subTest(metric), self.assertRaises(ValueError):
                graph(metric)
        with self.assertRaises(ValueError):
            graph([NAMESPACE, "Calls"], view="pie")


class APicture(unittest.TestCase):
    def test_has_round_numbers_at_its_axis(self) -> None:
        for highest, step in ((0, 1), (1, 0.25), (3, 1), (17, 5), (95, 25), (1200, 500), (0.035, 0.01)):
            with self.subTest(highest):
                self.assertAlmostEqual(step_of(highest), step)

    def test_stacks_what_is_missing_as_nothing(self) -> None:
        self.assertEqual(stacked([[1, None, 2], [None, 3, 4]]), [[1, 0, 2], [1, 3, 6]])

    def test_breaks_a_line_where_nothing_was_measured(self) -> None:
        self.assertEqual(list(runs([None, 1, 2, None, 3])), [(1, [1, 2]), (4, [3])])

    def test_writes_numbers_short(self) -> None:
        numbers = (0, 0.25, 3.04, 75, 999.6, 1080, 51_700, 2_000_000)
        written = ["0", "0.25", "3.04", "75", "1000", "1.08k", "51.7k", "2M"]
        self.assertEqual([counted(number) for number in numbers], written)

    def test_counts_what_its_legend_has_no_room_for(self) -> None:
        entries = [(f"a rather long name of a model, number {number}", "#000") for number in range(9)]
        lines = list(legend_lines(entries, box_of(Place(0, 0, 8, 6))))
        self.assertEqual([len(line) for line in lines], [1, 1, 2])
        self.assertEqual(lines[-1][-1], ("and 6 more", ""))


if __name__ == "__main__":
    unittest.main()
