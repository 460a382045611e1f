"""A running stack, as those see it who upload and send messages, and what its Bedrock was paid for."""

from __future__ import annotations

import atexit
import functools
import hashlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "local" / "launcher"), str(ROOT / ".ci")]

from botocore.exceptions import ClientError  # noqa: E402

import aws  # noqa: E402
from deployment import STACK  # noqa: E402
from settings import Settings  # noqa: E402
from stack_under_test import Stack, read  # noqa: E402

POLL_SECONDS = 0.05
# The names of the log groups, which are those of the programs.
PROGRAMS = {"chat": "chat", "completion": "text-completion", "image": "image-generation"}
LOG_LINES = 15

Answer = TypeVar("Answer")


@functools.cache
def stack() -> Stack:
    """One for all modules, which run one after the other and look at what changes meanwhile. It obeys
    `[[fault:…]]` in prompts."""
    started = Stack(None, LOCAL_FAULTS="true")
    atexit.register(started.close)
    started.wait_until_ready()
    return started


class Product:
    """The functions are called by their short names: `chat`, `completion`, `image`."""

    def __init__(self, stack: Stack, name: str = STACK) -> None:
        """`name` is CloudFormation's."""
        self.aws, self.bedrock = stack.aws, stack.bedrock
        settings = Settings.read({"AWS_PORT": stack.aws.rsplit(":", 1)[1]})
        self.s3, self.sqs, self.functions, self.logs = (
            aws.client(settings, service, 30.0) for service in ("s3", "sqs", "lambda", "logs")
        )
        [described] = aws.client(settings, "cloudformation", 30.0).describe_stacks(StackName=name)["Stacks"]
        self.outputs = {each["OutputKey"]: each["OutputValue"] for each in described["Outputs"]}
        self.bucket = self.outputs["BucketName"]

    def queue(self, name: str, kind: str = "") -> str:
        """The URL of a function's queue, or of its dead-letter queue with `DeadLetter`."""
        url: str = self.outputs[f"{name.capitalize()}{kind}QueueUrl"]
        return url

    def upload(self, key: str, body: bytes) -> str:
        """The id of what comes of it."""
        version: str = self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)["VersionId"]
        source = f"s3://{self.bucket}/{key}?versionId={version}"
        return hashlib.sha256(source.encode()).hexdigest()[:32]

    def send(self, name: str, bodies: list[str]) -> list[str]:
        """Sends at most ten messages, which the function gets in one batch; their ids."""
        entries = [
            {
                "Id": str(index),
                "MessageBody": body,
                "MessageAttributes": {"custom_id": {"DataType": "String", "StringValue": f"my-{index}"}},
            }
            for index, body in enumerate(bodies)
        ]
        with self.paused(name):
            sent = self.sqs.send_message_batch(QueueUrl=self.queue(name), Entries=entries)
        return [each["MessageId"] for each in sent["Successful"]]

    @contextmanager
    def paused(self, name: str) -> Iterator[None]:
        """The queue calls its function only when this ends."""
        mapping = self.mapping(name)["UUID"]
        self.functions.update_event_source_mapping(UUID=mapping, Enabled=False)
        try:
            yield
        finally:
            self.functions.update_event_source_mapping(UUID=mapping, Enabled=True)

    def set_queue(self, name: str, **attributes: str) -> None:
        self.sqs.set_queue_attributes(QueueUrl=self.queue(name), Attributes=attributes)

    def in_queue(self, name: str) -> tuple[int, int]:
        """How many messages can be received now, and how many are being worked on or wait."""
        names = [f"ApproximateNumberOfMessages{kind}" for kind in ("", "NotVisible", "Delayed")]
        found = self.sqs.get_queue_attributes(QueueUrl=self.queue(name), AttributeNames=names)
        ready, working, delayed = (int(found["Attributes"][each]) for each in names)
        return ready, working + delayed

    def dead(self, name: str) -> list[str]:
        found = self.sqs.receive_message(
            QueueUrl=self.queue(name, "DeadLetter"), MaxNumberOfMessages=10, VisibilityTimeout=0
        )
        return [each["Body"] for each in found.get("Messages", [])]

    def object(self, key: str) -> bytes | None:
        try:
            body: bytes = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                return None
            raise
        return body

    def document(self, key: str) -> Any:
        """The JSON at a key, or `None`."""
        body = self.object(key)
        return None if body is None else json.loads(body)

    def keys(self, prefix: str) -> list[str]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return [each["Key"] for page in pages for each in page.get("Contents", [])]

    def wait(self, what: str, ask: Callable[[], Answer | None], seconds: float) -> Answer:
        """The first answer that is something; an empty one is not."""
        deadline = time.monotonic() + seconds
        while not (answer := ask()):
            if time.monotonic() > deadline:
                raise AssertionError(f"no {what} within {seconds:.0f} s\n{self.said()}")
            time.sleep(POLL_SECONDS)
        return answer

    def wait_until_empty(self, name: str, seconds: float) -> None:
        self.wait(f"empty queue of {name}", lambda: self.in_queue(name) == (0, 0), seconds)

    def said(self) -> str:
        """The end of each function's log."""
        text = []
        for name, group in PROGRAMS.items():
            events = self.logs.filter_log_events(logGroupName=group)["events"][-LOG_LINES:]
            text.append(f"{name}: {self.in_queue(name)} in its queue")
            text.extend(f"  | {event['message'].rstrip()}" for event in events)
        return "\n".join(text)

    def calls(self) -> dict[str, int]:
        """`received`, `generated` (which is paid for) and `under_way`, of all models."""
        found: dict[str, int] = json.loads(read(f"{self.bedrock}/_local/calls"))
        return found

    @contextmanager
    def counted(self) -> Iterator[Count]:
        """What the model is asked meanwhile."""
        count = Count(self)
        watching = threading.Thread(target=count.watch)
        watching.start()
        try:
            yield count
        finally:
            count.ended.set()
            watching.join()

    def timeout(self, name: str) -> int:
        """How many seconds an invocation may take, which is also how long its locks hold."""
        found = self.functions.get_function_configuration(FunctionName=self.mapping(name)["FunctionArn"])
        timeout: int = found["Timeout"]
        return timeout

    def set_timeout(self, name: str, seconds: int) -> None:
        self.functions.update_function_configuration(
            FunctionName=self.mapping(name)["FunctionArn"], Timeout=seconds
        )

    def mapping(self, name: str) -> dict[str, Any]:
        """What ties a function to its queue."""
        attributes = self.sqs.get_queue_attributes(QueueUrl=self.queue(name), AttributeNames=["QueueArn"])
        arn = attributes["Attributes"]["QueueArn"]
        [found] = self.functions.list_event_source_mappings(EventSourceArn=arn)["EventSourceMappings"]
        mapping: dict[str, Any] = found
        return mapping

    def kill(self, name: str) -> int:
        """Kills the processes in which MiniStack runs a function; how many there were."""
        function = self.mapping(name)["FunctionArn"].rsplit(":", 1)[1]
        wanted = {f"AWS_LAMBDA_FUNCTION_NAME={function}", f"AWS_ENDPOINT_URL_S3={self.aws}"}
        killed = 0
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                environment = (folder / "environ").read_bytes().decode(errors="replace").split("\0")
            except OSError:
                continue
            if wanted <= set(environment):
                os.kill(int(folder.name), signal.SIGKILL)
                killed += 1
        return killed


class Count:
    def __init__(self, product: Product) -> None:
        self._product = product
        self._before = product.calls()
        self.ended = threading.Event()
        self.peak = 0

    def watch(self) -> None:
        while not self.ended.wait(POLL_SECONDS):
            self.peak = max(self.peak, self._product.calls()["under_way"])

    def __getattr__(self, kind: str) -> int:
        """`received` or `generated` since the beginning."""
        return self._product.calls()[kind] - self._before[kind]
