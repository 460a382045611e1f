"""The metrics that the functions write into their logs: that CloudWatch can make metrics of them, and
that they say what was asked and what was paid for.

MiniStack keeps the lines and makes no metrics of them.
"""

from __future__ import annotations

import json
import time
import unittest
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from product import PROGRAMS, Product, stack
from stack_under_test import post, read, to_post

SECONDS = 30.0
NAMESPACE = "BedrockLambda/local"
MODELS = {
    "chat": "us.amazon.nova-lite-v1:0",
    "completion": "us.amazon.nova-micro-v1:0",
    "image": "stability.stable-image-core-v1:1",
}
COUNTED = {
    "Invocations",
    "InvocationClientErrors",
    "InvocationServerErrors",
    "InvocationThrottles",
    "InputTokenCount",
    "OutputTokenCount",
    "OutputImageCount",
    "Retries",
    "DuplicatesAvoided",
    "RecordsFailed",
}
UNITS = {
    **dict.fromkeys(COUNTED, "Count"),
    "InvocationLatency": "Milliseconds",
    "TimeToFirstToken": "Milliseconds",
    "EstimatedCost": "None",
}
OVERALL: list[str] = []
BY_MODEL = ["ModelId"]
BY_PICTURE = ["ModelId", "ImageSize", "BucketedStepSize"]
BY_FUNCTION = ["FunctionName"]

SCHEMA = json.loads(Path(__file__).with_name("metrics.schema.json").read_text())


def validator(part: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"#/$defs/{part}", "$defs": SCHEMA["$defs"]})


LINE, VALUE, DIMENSION = Draft202012Validator(SCHEMA), validator("metricValue"), validator("dimensionValue")

Line = dict[str, Any]
product: Product


def setUpModule() -> None:
    global product
    product = Product(stack())
    for name in PROGRAMS:
        product.wait_until_empty(name, SECONDS)


def complaints(line: Line) -> list[str]:
    """Why CloudWatch would not make the metrics of a line."""
    if found := [error.message for error in LINE.iter_errors(line)]:
        return found
    for directive in line["_aws"]["CloudWatchMetrics"]:
        named = [metric["Name"] for metric in directive["Metrics"]]
        keys = {key for keys in directive["Dimensions"] for key in keys}
        for names, values in ((named, VALUE), (keys, DIMENSION)):
            for name in names:
                if name in line:
                    found.extend(f"{name}: {error.message}" for error in values.iter_errors(line[name]))
                else:
                    found.append(f"{name} is not there")
        if len(set(named)) < len(named):
            found.append("a metric is named twice")
    return found


def metrics_in(text: list[str]) -> list[Line]:
    """Those lines of a log that CloudWatch looks at for metrics."""
    return [line for each in text if each.startswith("{") and "_aws" in (line := json.loads(each))]


def logged(name: str, since: int = 0) -> list[Line]:
    """Of a deployed function, since this moment."""
    pages = product.logs.get_paginator("filter_log_events").paginate(
        logGroupName=PROGRAMS[name], startTime=since
    )
    return metrics_in([event["message"] for page in pages for event in page["events"]])


def behind_the_door(program: str) -> list[Line]:
    """Of the processes that answer over HTTP."""
    logs = (stack().folder / "run").glob(f"{program}-*.log")
    return metrics_in([line for log in logs for line in log.read_text().splitlines()])


def points(lines: list[Line]) -> Iterator[tuple[tuple[str, ...], str, float]]:
    """What CloudWatch would make of them: the dimensions, the metric, and each value."""
    for line in lines:
        for directive in line["_aws"]["CloudWatchMetrics"]:
            for keys in directive["Dimensions"]:
                for metric in directive["Metrics"]:
                    values = line[metric["Name"]]
                    for value in values if isinstance(values, list) else [values]:
                        yield tuple(line[key] for key in keys), metric["Name"], value


def sums(lines: list[Line], *dimensions: str) -> Counter[str]:
    """The sum of each metric that has exactly these dimensions, where it is not 0."""
    found: Counter[str] = Counter()
    for values, name, value in points(lines):
        if values == dimensions:
            found[name] += value  # type: ignore[assignment]
    return +found


class Metrics(unittest.TestCase):
    def setUp(self) -> None:
        self.began = int(time.time() * 1000)

    def since(self, name: str, metric: str, expected: int) -> list[Line]:
        """The lines of a function since the test began, once they make so much of a metric: they come
        a moment after the result that they tell of."""

        def enough() -> list[Line]:
            lines = logged(name, self.began)
            return lines if sums(lines)[metric] >= expected else []

        return product.wait(f"{expected} {metric} of {name}", enough, SECONDS)

    def assert_sums(self, lines: list[Line], dimensions: tuple[str, ...], **expected: int) -> None:
        """Of what is counted, that it comes to this and nothing else."""
        found = sums(lines, *dimensions)
        self.assertEqual({name: found[name] for name in found if name in COUNTED}, expected)


class ARequest(Metrics):
    def ask(self, name: str, bodies: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The answers to as many messages."""
        answers = []
        for id in product.send(name, [json.dumps(body) for body in bodies]):
            key = f"results/{name}/{id}.json"
            result = product.wait(key, lambda key=key: product.document(key), SECONDS)
            self.assertEqual(result["response"]["status_code"], 200, result)
            answers.append(result["response"]["body"])
        return answers

    def check_text(self, name: str, bodies: list[dict[str, Any]]) -> None:
        usage = [answer["usage"] for answer in self.ask(name, bodies)]
        lines = self.since(name, "Invocations", len(bodies))
        expected = {
            "Invocations": len(bodies),
            "InputTokenCount": sum(each["prompt_tokens"] for each in usage),
            "OutputTokenCount": sum(each["completion_tokens"] for each in usage),
        }
        self.assertGreater(expected["OutputTokenCount"], len(bodies))
        for dimensions in ((), (MODELS[name],)):
            self.assert_sums(lines, dimensions, **expected)
            self.assertGreater(sums(lines, *dimensions)["EstimatedCost"], 0)
        latencies = [value for keys, metric, value in points(lines) if (keys, metric) == ((), "InvocationLatency")]
        self.assertEqual(len(latencies), len(bodies))

    def test_for_a_chat_has_the_tokens_of_its_answer(self) -> None:
        texts = ("one", "one two three", "one two three four five")
        self.check_text(
            "chat", [{"messages": [{"role": "user", "content": text}], "max_tokens": 64} for text in texts]
        )

    def test_for_a_completion_has_the_tokens_of_its_answer(self) -> None:
        self.check_text("completion", [{"prompt": text, "max_tokens": 64} for text in ("one", "two three")])

    def test_for_pictures_has_their_number_and_size(self) -> None:
        answers = self.ask("image", [{"prompt": "a lake"}, {"prompt": "a hill", "n": 2}])
        pictures = sum(len(answer["data"]) for answer in answers)
        self.assertEqual(pictures, 3)
        lines = self.since("image", "OutputImageCount", pictures)
        model = MODELS["image"]
        counted = {"Invocations": 3, "OutputImageCount": 3}
        self.assert_sums(lines, (), **counted)
        self.assert_sums(lines, (model,), **counted)
        self.assert_sums(lines, (model, "1024x1024", "default"), OutputImageCount=3)

    def test_that_was_delivered_twice_is_not_counted_as_paid_twice(self) -> None:
        body = json.dumps({"messages": [{"role": "user", "content": "Hello"}]})
        [id] = product.send("chat", [body])
        product.wait("result", lambda: product.document(f"results/chat/{id}.json"), SECONDS)
        product.wait_until_empty("chat", SECONDS)
        mapping = product.mapping("chat")
        record = {
            "messageId": id,
            "receiptHandle": "again",
            "body": body,
            "attributes": {"ApproximateReceiveCount": "2"},
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": mapping["EventSourceArn"],
            "awsRegion": "us-east-1",
        }
        answer = product.functions.invoke(
            FunctionName=mapping["FunctionArn"], Payload=json.dumps({"Records": [record]}).encode()
        )
        self.assertEqual(json.loads(answer["Payload"].read()), {"batchItemFailures": []})
        lines = self.since("chat", "DuplicatesAvoided", 1)
        self.assertEqual(sums(lines)["Invocations"], 1)
        function = mapping["FunctionArn"].rsplit(":", 1)[1]
        self.assert_sums(lines, (function,), DuplicatesAvoided=1)

    def test_that_is_throttled_has_its_retries_and_its_failure(self) -> None:
        # A call is made three times in one invocation: five refusals take two. They are counted by prompt.
        prompt = "Count this [[fault:throttle:5]]"
        [id] = product.send("chat", [json.dumps({"messages": [{"role": "user", "content": prompt}]})])
        product.wait("result", lambda: product.document(f"results/chat/{id}.json"), 90)
        lines = self.since("chat", "Invocations", 1)
        found = sums(lines)
        self.assertEqual(
            {name: found[name] for name in ("InvocationThrottles", "Retries", "Invocations", "RecordsFailed")},
            {"InvocationThrottles": 5, "Retries": 4, "Invocations": 1, "RecordsFailed": 1},
        )


class BehindTheDoor(unittest.TestCase):
    """Over HTTP, where answers are streamed."""

    def new(self, before: list[Line]) -> list[Line]:
        def more() -> list[Line]:
            return [line for line in behind_the_door("chat") if line not in before]

        return product.wait("metrics of the chat", more, SECONDS)

    def check(self, body: dict[str, Any], usage: dict[str, Any], lines: list[Line]) -> None:
        for dimensions in ((), (body["model"],)):
            found = sums(lines, *dimensions)
            self.assertEqual(
                {name: found[name] for name in found if name in COUNTED},
                {
                    "Invocations": 1,
                    "InputTokenCount": usage["prompt_tokens"],
                    "OutputTokenCount": usage["completion_tokens"],
                },
            )

    def test_a_stream_has_the_time_of_its_first_token(self) -> None:
        body = {
            "model": MODELS["chat"],
            "messages": [{"role": "user", "content": "Hello"}],
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        before = behind_the_door("chat")
        text = read(to_post(f"{stack().api}/v1/chat/completions", json.dumps(body))).decode()
        *_, last = [line for line in text.splitlines() if line.startswith("data: {")]
        lines = self.new(before)
        self.check(body, json.loads(last.removeprefix("data: "))["usage"], lines)
        found = sums(lines)
        self.assertLess(0, found["TimeToFirstToken"])
        self.assertLessEqual(found["TimeToFirstToken"], found["InvocationLatency"])

    def test_an_answer_in_one_piece_has_none(self) -> None:
        body = {"model": MODELS["chat"], "messages": [{"role": "user", "content": "Hello"}]}
        before = behind_the_door("chat")
        answer = post(f"{stack().api}/v1/chat/completions", json.dumps(body))
        lines = self.new(before)
        self.check(body, answer["usage"], lines)
        self.assertNotIn("TimeToFirstToken", sums(lines))


class EveryLine(unittest.TestCase):
    def test_is_one_that_cloudwatch_makes_metrics_of(self) -> None:
        """All that the stack has written so far, for whatever was asked of it."""
        product.upload("requests/chat/one-more.txt", b"Hello")
        product.wait("line", lambda: logged("chat"), SECONDS)
        lines = [line for name in PROGRAMS for line in logged(name)]
        for line in lines + [line for program in PROGRAMS.values() for line in behind_the_door(program)]:
            self.assertEqual(complaints(line), [], line)
            for directive in line["_aws"]["CloudWatchMetrics"]:
                self.assertEqual(directive["Namespace"], NAMESPACE)
                for metric in directive["Metrics"]:
                    self.assertEqual(metric["Unit"], UNITS[metric["Name"]], metric)
                for keys in directive["Dimensions"]:
                    self.assertIn(keys, (OVERALL, BY_MODEL, BY_PICTURE, BY_FUNCTION))
            self.assertIn("RequestId", line)
        print(f"metrics: {len(lines)} lines of the deployed functions are as CloudWatch wants them", flush=True)

    def test_that_cloudwatch_would_drop_is_seen(self) -> None:
        def line(**changed: Any) -> Line:
            directive = {"Namespace": "A", "Dimensions": [[], ["M"]], "Metrics": [{"Name": "N", "Unit": "Count"}]}
            known = {key: changed.pop(key) for key in list(changed) if key in directive}
            about = {"Timestamp": 1_700_000_000_000, "CloudWatchMetrics": [{**directive, **known}]}
            return {"_aws": about, "M": "a model", "N": 1, **changed}

        self.assertEqual(complaints(line()), [])
        self.assertEqual(complaints(line(N=[1, 2.5])), [])
        metric = {"Name": "N"}
        for reason, wrong in {
            "no time": {"_aws": {"CloudWatchMetrics": []}},
            "seconds": {"_aws": {**line()["_aws"], "Timestamp": 1_700_000_000}},
            "no name space": {"Namespace": ""},
            "a set that is no list": {"Dimensions": ["M"]},
            "no set": {"Dimensions": []},
            "too many dimensions": {"Dimensions": [[f"M{index}" for index in range(31)]]},
            "a dimension that is not there": {"Dimensions": [["O"]]},
            "a dimension that is a number": {"M": 1},
            "a dimension that is empty": {"M": ""},
            "a metric that is not there": {"Metrics": [{"Name": "O"}]},
            "a metric that is text": {"N": "1"},
            "a metric that is null": {"N": None},
            "too many values": {"N": [0] * 101},
            "too many metrics": {"Metrics": [metric] * 101},
            "a metric twice": {"Metrics": [metric, metric]},
            "another unit": {"Metrics": [{"Name": "N", "Unit": "Tokens"}]},
            "another resolution": {"Metrics": [{"Name": "N", "StorageResolution": 30}]},
            "an unknown member": {"Metrics": [{"Name": "N", "Value": 1}]},
        }.items():
            with self.subTest(reason):
                self.assertNotEqual(complaints(line(**wrong)), [])


if __name__ == "__main__":
    unittest.main()
