"""What a run asks of the product: every door, several models, and some of what goes wrong.

The prompts say how long the local Bedrock takes and what it refuses: docs/local.md has the markers.
"""

from __future__ import annotations

import json
import math
import random
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from stack_under_test import Stack

SECONDS = 240
# As many as the HTTP functions have instances; who comes later waits.
CALLERS = 8
TIMEOUT = 60.0
# What is asked for follows from it, not how fast it is answered.
SEED = 1
CHAT_MODELS = (
    "us.amazon.nova-lite-v1:0",
    "us.amazon.nova-pro-v1:0",
    "us.anthropic.claude-haiku-4-5-20251001-v1:0",
)
COMPLETION_MODELS = ("us.amazon.nova-micro-v1:0", "us.amazon.nova-pro-v1:0")
SIZES = ("1024x1024", "1600x900")
CHAT, COMPLETION, IMAGE = "/v1/chat/completions", "/v1/completions", "/v1/images/generations"
UNREADABLE = "this is no JSON"
QUESTION = "How do the tides come about, and why are there two of them a day? "


@dataclass(frozen=True)
class Call:
    """A request over HTTP, `after` so many seconds."""

    after: float
    path: str
    body: dict[str, Any]
    key: str | None = None


def calls(chance: random.Random) -> Iterator[Call]:
    """More of them in the middle of each minute than at its ends."""
    after, count = 0.0, 0
    while True:
        busy = 0.55 - 0.45 * math.cos(2 * math.pi * after / 120)
        after += chance.expovariate(0.6 + 3.6 * busy)
        if after >= SECONDS:
            return
        count += 1
        yield call(after, count, chance)


def call(after: float, count: int, chance: random.Random) -> Call:
    kind = chance.random()
    if kind < 0.60:
        stream = chance.random() < 0.7
        model = chance.choices(CHAT_MODELS, (6, 2, 3))[0]
        messages = [{"role": "user", "content": prompt(count, chance)}]
        return Call(after, CHAT, {"model": model, "messages": messages, "stream": stream, "max_tokens": 256})
    if kind < 0.86:
        model = chance.choices(COMPLETION_MODELS, (4, 1))[0]
        return Call(after, COMPLETION, {"model": model, "prompt": prompt(count, chance), "max_tokens": 128})
    size = chance.choices(SIZES, (3, 1))[0]
    return Call(after, IMAGE, {"prompt": f"a lighthouse at night, number {count}", "size": size})


def prompt(count: int, chance: random.Random) -> str:
    """Its length, how long its answer takes, and in some cases what goes wrong."""
    words = f"Number {count}. " + QUESTION * chance.randint(1, 12)
    fault = chance.random()
    if fault < 0.07:
        return words + "[[fault:throttle:1]]"
    if fault < 0.09:
        return words + "[[fault:throttle]]"
    if fault < 0.11:
        return words + "[[fault:error:ModelErrorException]]"
    if fault < 0.13:
        return words + "[[fault:error:ValidationException]]"
    milliseconds = int(chance.lognormvariate(math.log(260), 0.55))
    return words + f"[[fault:{chance.choice(('slow', 'delay'))}:{milliseconds}]]"


def repeated(chance: random.Random) -> Iterator[Call]:
    """A request that a client sends a second time, since it did not hear the answer."""
    for count in range(24):
        after = 20 + chance.random() * (SECONDS - 40)
        body = {"prompt": f"Say the number {count}.", "max_tokens": 32}
        for again in (0.0, 3.0):
            yield Call(after + again, COMPLETION, body, f"number-{count}")


class Traffic:
    """`uploads` are put, `messages` sent, by whoever knows the bucket and the queues."""

    def __init__(self, stack: Stack, s3: Any, sqs: Any, outputs: dict[str, str]) -> None:
        self._api, self._s3, self._sqs, self._outputs = stack.api, s3, sqs, outputs
        self._began = 0.0

    def drive(self) -> None:
        """Returns when everything over HTTP has been answered."""
        chance = random.Random(SEED)
        planned = sorted([*calls(chance), *repeated(chance)], key=lambda call: call.after)
        self._began = time.monotonic()
        without_http = threading.Thread(target=self.upload_and_send)
        without_http.start()
        with ThreadPoolExecutor(CALLERS) as pool:
            for call in planned:
                self.wait(call.after)
                pool.submit(self.ask, call)
        without_http.join()

    def wait(self, after: float) -> None:
        time.sleep(max(0.0, self._began + after - time.monotonic()))

    def ask(self, call: Call) -> None:
        """Whatever the answer is: what is measured is the functions' affair."""
        headers = {"content-type": "application/json"}
        if call.key is not None:
            headers["idempotency-key"] = call.key
        request = urllib.request.Request(self._api + call.path, json.dumps(call.body).encode(), headers)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=TIMEOUT) as answer:
                answer.read()
        except urllib.error.HTTPError as refusal:
            refusal.close()

    def upload_and_send(self) -> None:
        """A few of each kind, batch files, and messages that nobody can read."""
        for round in range(6):
            self.wait(10 + 38 * round)
            self.upload(f"requests/chat/{round}.txt", f"[[fault:slow:900]] {QUESTION}")
            for count in range(6):
                body = {"prompt": f"a harbour in fog, {round}-{count} [[fault:slow:1200]]"}
                self.send("ImageQueueUrl", json.dumps(body))
            self.upload(f"requests/completion/{round}.jsonl", batch(16 + 8 * (round % 3)))
            if round in (2, 4):
                self.send("ImageQueueUrl", UNREADABLE)
            if round == 3:
                self.send("ChatQueueUrl", UNREADABLE)

    def upload(self, key: str, body: str) -> None:
        self._s3.put_object(Bucket=self._outputs["BucketName"], Key=key, Body=body.encode())

    def send(self, queue: str, body: str) -> None:
        self._sqs.send_message(QueueUrl=self._outputs[queue], MessageBody=body)


def batch(lines: int) -> str:
    """A batch file of completions. Each tenth is throttled at first."""

    def line(number: int) -> str:
        fault = "throttle:1" if number % 10 == 0 else f"slow:{300 + 130 * number}"
        body = {"prompt": f"Line {number}. {QUESTION}[[fault:{fault}]]", "max_tokens": 64}
        return json.dumps({"custom_id": str(number), "method": "POST", "url": "/v1/completions", "body": body})

    return "\n".join(line(number) for number in range(lines))
