"""The calls to AWS that the end-to-end tests recorded, in the template's own terms.

What a test calls its buckets and queues, a function reads from its environment; so the variable that names a bucket
in the test names a resource in the template. A model that a caller names stands for the one that a parameter names.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from iam_policy import Need

# The binaries, by what the template calls them. The last is a test's own, `chat` with a defect.
FUNCTIONS = {
    "chat": "ChatFunction",
    "text-completion": "TextCompletionFunction",
    "image-generation": "ImageGenerationFunction",
    "models": "ModelsFunction",
    "panicking": "ChatFunction",
}
# The keys of the tests themselves, and of the role that a function assumes.
TESTS_KEY = "AKIAEXAMPLE"
ROLES_KEY = "ASIAROLEEXAMPLE"
# Calls without a signature, and why they are none of a function's.
UNSIGNED = {
    "end_to_end": "the harness tries its own fakes",
    "functions images::a_url_opens_nothing_but_its_own_image": "a browser tries what is not signed, and is refused",
}
BUCKETS = ("REQUEST_BUCKETS", "RESULT_BUCKET", "IMAGE_BUCKET")
QUEUE_URLS = ("CHAT_QUEUE_URL", "COMPLETION_QUEUE_URL", "IMAGE_QUEUE_URL")
# Where the template names the model of a function.
MODELS = {
    "ChatFunction": "Chat",
    "TextCompletionFunction": "Text",
    "ImageGenerationFunction": "Image",
}
INVOKING = ("bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream")
CODE, URLS, POLLER = "the code", "whoever has a URL that the code signed", "the event source mapping"


def alike(text: str) -> str:
    """The same for all ids: policies do not tell them apart."""
    return re.sub(r"[0-9a-f-]*\d[0-9a-f-]*", "#", text)


@dataclass(frozen=True)
class Process:
    """A function's process in a test."""

    function: str
    suite: str
    test: str
    environment: Mapping[str, str] = field(hash=False)


@dataclass(frozen=True)
class Call:
    """A call by a function or in its name, as the template would see it."""

    function: str
    by: str
    need: Need


class Record:
    """What all tests wrote."""

    def __init__(self, path: Path) -> None:
        assert path.is_file(), f"{path} is not there: `make test` makes it"
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        self.processes: dict[str, Process] = {
            line["started"]: Process(line["function"], line["suite"], line["test"], line["environment"])
            for line in lines
            if "started" in line
        }
        self.counts: Counter[Call] = Counter()
        self.ends = [line for line in lines if "ended" in line]
        self.given = {line["given"] for line in lines if "given" in line}
        self.by_role = 0
        for line in lines:
            self._read(line)

    def _read(self, line: Mapping[str, Any]) -> None:
        if "unsigned" in line:
            known = line["suite"] in UNSIGNED or f"{line['suite']} {line['test']}" in UNSIGNED
            assert known, f"nobody knows who called {line['unsigned']} in {line['suite']} {line['test']}"
        if "polled" in line:
            for call in self._polled(line["polled"], line["action"]):
                self.counts[call] += 1
        if "call" not in line or line["by"] == TESTS_KEY:
            return
        if line["by"] == ROLES_KEY:
            self.by_role += 1
            return
        process = self.processes.get(line["by"])
        assert process, f"nobody knows who {line['by']} is, that called {line['call']}"
        function = FUNCTIONS.get(process.function)
        assert function, f"{process.function} called {line['call']}, and is no function of the template"
        for need in self._needs(process, function, line):
            self.counts[Call(function, URLS if line["presigned"] else CODE, need)] += 1

    def _polled(self, queue: str, action: str) -> Iterator[Call]:
        """Lambda polls a queue with the role of the function that it calls."""
        owners = {
            FUNCTIONS[process.function]
            for process in self.processes.values()
            if any(arn.endswith(f":{queue}") for arn in process.environment.get("QUEUE_ARNS", "").split(","))
        }
        resource = f"<QUEUE_ARNS.{'Fifo' if queue.endswith('.fifo') else 'Standard'}>"
        for owner in sorted(owners):
            yield Call(owner, POLLER, Need(action, resource))

    def _needs(self, process: Process, function: str, line: Mapping[str, Any]) -> Iterator[Need]:
        action, arn, conditions = line["call"], line["resource"], line["conditions"]
        service = action.split(":")[0]
        match service:
            case "s3":
                bucket, _, key = arn.removeprefix("arn:aws:s3:::").partition("/")
                resource = f"<{self._variable(process, bucket, BUCKETS)}>" + (f"/{key}" if key else "")
            case "sqs":
                resource = self._queue(process, action, arn)
            case "sts":
                assert process.environment["BEDROCK_ASSUME_ROLE"] == arn, f"{process} assumed {arn}"
                resource = "<BedrockRoleArn>"
            case "bedrock":
                yield from self._of_bedrock(process, function, action, arn)
                return
            case _:
                raise AssertionError(f"{function} called {action}, which is not known here")
        yield Need(action, alike(resource), tuple(sorted((key, alike(value)) for key, value in conditions.items())))

    @staticmethod
    def _variable(process: Process, name: str, variables: tuple[str, ...]) -> str:
        """The variable that names it, or those that do."""
        values = {variable: process.environment.get(variable, "") for variable in variables}
        named = [variable for variable, value in values.items() if name in re.split("[,/]", value)]
        assert named, f"{process} was told of no {name}"
        return " ".join(named)

    def _queue(self, process: Process, action: str, arn: str) -> str:
        if action == "sqs:SendMessage":
            return f"<{self._variable(process, arn.split(':')[-1], QUEUE_URLS)}>"
        assert arn in process.environment["QUEUE_ARNS"].split(","), f"{process}: {arn} is no queue of its own"
        return f"<QUEUE_ARNS.{'Fifo' if arn.endswith('.fifo') else 'Standard'}>"

    @staticmethod
    def _of_bedrock(process: Process, function: str, action: str, arn: str) -> Iterator[Need]:
        region = process.environment.get("BEDROCK_REGION") or "us-east-1"
        if action == "bedrock:ApplyGuardrail":
            configured = process.environment.get("GUARDRAIL_ID")
            if configured is None:
                # A caller named it, which the template does not allow: docs/chat.md says who has to.
                return
            assert arn.split("/")[-1] == configured, f"{process} applied {arn}"
            yield Need(action, f"arn:aws:bedrock:{region}:123456789012:guardrail/<GuardrailId>")
            return
        if action == "bedrock:CountTokens":
            # The model that the caller names is the default one or a further one.
            yield Need(action, f"arn:aws:bedrock:{region}::foundation-model/<{MODELS[function]}FoundationModelId>")
            yield Need(action, "<AllowedModelArns>")
            return
        if action not in INVOKING:
            # A test asks for what is not listed with another region's ARN, which Bedrock would not know.
            yield Need(action, re.sub("^(arn:aws:bedrock):[^:]*", rf"\1:{region}", arn))
            return
        kind = arn.split(":", 5)[5].split("/")[0]
        stem = MODELS[function]
        match kind, stem:
            case "foundation-model", _:
                assert arn.split(":")[3] == region, f"{process} called {arn}, which is not in its region"
                yield Need(action, f"arn:aws:bedrock:<{stem}Region>::foundation-model/<{stem}ModelId>")
                return
            case "inference-profile", "Chat" | "Text":
                profile = f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/<{stem}ModelId>"
                model = f"<{stem}FoundationModelId>"
            case _:
                profile, model = "<AllowedModelArns>", "its-model"
        yield Need(action, profile)
        if kind.endswith("inference-profile"):
            # The profile chooses where its model is called: the caller must be allowed that, too.
            for chosen in ("us-east-1", "us-west-2"):
                context = (("bedrock:InferenceProfileArn", profile),)
                yield Need(action, f"arn:aws:bedrock:{chosen}::foundation-model/{model}", context)
