"""A run of the local stack, with everything that was measured meanwhile."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import aws
from deployment import STACK
from settings import Settings
from stack_under_test import Stack
from traffic import Traffic
from widgets import metrics_of

SAMPLE_SECONDS = 2.0
# What comes back after a wait, and the last lines of the logs.
SETTLE_SECONDS = 20.0
TIMEOUT = 30.0
# What SQS tells CloudWatch, and MiniStack tells who asks for the attribute. It has no other of AWS's own
# metrics: of functions it counts only invocations that came neither over HTTP nor from a queue.
OF_QUEUES = {"ApproximateNumberOfMessagesVisible": "ApproximateNumberOfMessages"}


class Recorder:
    """`record` gives the dashboard's body as it was deployed, the functions' output, and samples of AWS's own
    metrics. All of it is JSON."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        settings = Settings.read({"AWS_PORT": stack.aws.rsplit(":", 1)[1]})
        self._cloudformation, self._cloudwatch, self._logs, self._s3, self._sqs = (
            aws.client(settings, service, TIMEOUT)
            for service in ("cloudformation", "cloudwatch", "logs", "s3", "sqs")
        )
        self._samples: list[dict[str, Any]] = []
        self._ended = threading.Event()

    def record(self) -> dict[str, Any]:
        [described] = self._cloudformation.describe_stacks(StackName=STACK)["Stacks"]
        outputs = {each["OutputKey"]: each["OutputValue"] for each in described["Outputs"]}
        found = self._cloudwatch.get_dashboard(DashboardName=outputs["DashboardName"])
        body = json.loads(found["DashboardBody"])
        queues = [metric for metric in metrics_of(body) if metric.namespace == "AWS/SQS"]
        names = {dict(metric.dimensions)["QueueName"] for metric in queues if metric.name in OF_QUEUES}
        sampling = threading.Thread(target=self.sample_queues, args=(sorted(names),))
        start = time.time()
        sampling.start()
        Traffic(self._stack, self._s3, self._sqs, outputs).drive()
        time.sleep(SETTLE_SECONDS)
        self._ended.set()
        sampling.join()
        end = time.time()
        return {"start": start, "end": end, "body": body, "lines": list(self.lines()), "samples": self._samples}

    def sample_queues(self, names: list[str]) -> None:
        urls = {name: self._sqs.get_queue_url(QueueName=name)["QueueUrl"] for name in names}
        while not self._ended.wait(SAMPLE_SECONDS):
            for name, url in urls.items():
                found = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(OF_QUEUES.values()))
                for metric, attribute in OF_QUEUES.items():
                    sample = {"namespace": "AWS/SQS", "name": metric, "dimensions": {"QueueName": name}}
                    value = int(found["Attributes"][attribute])
                    self._samples.append({**sample, "time": time.time(), "value": value})

    def lines(self) -> Iterator[str]:
        """Of the functions that MiniStack runs, and of those behind the HTTP door."""
        groups = self._logs.get_paginator("describe_log_groups").paginate()
        for group in (group["logGroupName"] for page in groups for group in page["logGroups"]):
            events = self._logs.get_paginator("filter_log_events").paginate(logGroupName=group)
            for event in (event for page in events for event in page["events"]):
                yield event["message"].rstrip()
        for log in sorted(self._stack.folder.glob("run/*.log")):
            yield from log.read_text(errors="replace").splitlines()
