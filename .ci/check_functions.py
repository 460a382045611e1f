"""Holds what the functions are given: what they are told, how many there may be, where lost events go."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from pathlib import Path

from doors import DOORS
from measured import NAMESPACE
from variant import Variant

COUNTED = ("functions", "variables")
ROOT = Path(__file__).resolve().parents[1]
# The AWS SDK's own.
OF_THE_SDK = {"AWS_ENDPOINT_URL_BEDROCK"}
RESERVES = {
    "TextCompletionFunction": "TextReservedConcurrency",
    "ChatFunction": "TextReservedConcurrency",
    "ImageGenerationFunction": "ImageReservedConcurrency",
    "ModelsFunction": "ModelsReservedConcurrency",
    "AuthorizerFunction": "AuthorizerReservedConcurrency",
    "PlaygroundFunction": "PlaygroundReservedConcurrency",
}
MEMORIES = {
    "TextCompletionFunction": "TextMemory",
    "ChatFunction": "TextMemory",
    "ImageGenerationFunction": "ImageMemory",
}
# Variables and the parameters that they are: models, and what bounds a request's price.
OF_ALL = {"BEDROCK_ASSUME_ROLE": "BedrockRoleArn", "BEDROCK_ENDPOINT_URL": "BedrockEndpointUrl"}
OF_TEXT = {"DEFAULT_MAX_TOKENS": "DefaultMaxTokens", "MAX_ANSWERS": "MaxAnswers", "MAX_TOKENS_LIMIT": "MaxTokensLimit"}
TOLD = {
    "TextCompletionFunction": {
        **OF_ALL,
        **OF_TEXT,
        "DEFAULT_TEXT_MODEL": "TextModelId",
        "MAX_PROMPT_CHARACTERS": "MaxPromptCharacters",
    },
    "ChatFunction": {
        **OF_ALL,
        **OF_TEXT,
        "DEFAULT_CHAT_MODEL": "ChatModelId",
        "HISTORY_MARGIN_TOKENS": "HistoryMarginTokens",
        "HISTORY_TRIMMING": "HistoryTrimming",
        "MAX_HISTORY_CHARACTERS": "MaxHistoryCharacters",
    },
    "ImageGenerationFunction": {
        **OF_ALL,
        "BEDROCK_REGION": "ImageModelRegion",
        "DEFAULT_IMAGE_MODEL": "ImageModelId",
        "MAX_ANSWERS": "MaxAnswers",
        "MAX_PROMPT_CHARACTERS": "MaxPromptCharacters",
    },
    "ModelsFunction": OF_ALL,
    "AuthorizerFunction": {},
    "PlaygroundFunction": {},
}


@cache
def read_variables() -> frozenset[str]:
    """What the programs read of their environment: one module reads it, and the functions name a few more."""
    sources = [
        path
        for folder in ("shared/src/config", "functions")
        for path in (ROOT / folder).rglob("*.rs")
        if path.name != "tests.rs" and "tests" not in path.parts
    ]
    texts = [path.read_text() for path in [ROOT / "shared/src/config.rs", *sources]]
    return frozenset(name for text in texts for name in re.findall(r'"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)"', text))


class Functions:
    """The functions of one variant."""

    def __init__(self, variant: Variant) -> None:
        self.variant = variant
        self.functions = variant.named("AWS::Lambda::Function")
        self.counts: Counter[str] = Counter()

    def check(self) -> Counter[str]:
        absent = set() if self.variant.mode == "Key" else {"AuthorizerFunction"}
        wanted = RESERVES.keys() - absent - (set() if self.variant.playground else {"PlaygroundFunction"})
        assert self.functions.keys() == wanted, f"the functions are {sorted(self.functions)}"
        for name in self.functions:
            self.check_variables(name)
            self.check_size(name)
            self.counts["functions"] += 1
        self.check_events()
        return self.counts

    def check_variables(self, function: str) -> None:
        """A variable that nobody reads says something that is not so."""
        variables, given = self.variant.variables(function), self.variant.parameters
        unread = variables.keys() - read_variables() - OF_THE_SDK
        assert not unread, f"T32: {function} does not read {sorted(unread)}"
        told = {name: given[parameter] for name, parameter in TOLD[function].items()}
        if told:
            # Where the alarms look.
            told |= {"METRICS_NAMESPACE": NAMESPACE, "METRICS_BY_KEY": str(self.variant.metrics_by_key).lower()}
        for name, value in told.items():
            assert variables.get(name) == value, f"T04: {function}: {name} is {variables.get(name)}, not {value!r}"
        if function == "ModelsFunction":
            endpoint = variables.get("AWS_ENDPOINT_URL_BEDROCK", "")
            assert endpoint == given["BedrockControlEndpointUrl"], f"models are listed by {endpoint}"
        self.counts["variables"] += len(self.variant.variables(function))

    def check_size(self, function: str) -> None:
        properties = self.variant.properties(function)
        reserve = self.variant.parameters[RESERVES[function]]
        given = properties.get("ReservedConcurrentExecutions", "0")
        assert given == reserve, f"T23: {function} has {given} of the account's concurrency, not {reserve}"
        memory = self.variant.parameters[MEMORIES[function]] if function in MEMORIES else 128
        found = properties.get("MemorySize")
        assert found == memory, f"T34: {function} has {found} MB, not {memory}"
        architectures = properties["Architectures"]
        assert architectures == [self.variant.parameters["Architecture"]], f"{function} is for {architectures}"

    def check_events(self) -> None:
        """An event that came without a queue is kept when it cannot be told."""
        configured = {
            found["Properties"]["FunctionName"]: found["Properties"]
            for found in self.variant.of("AWS::Lambda::EventInvokeConfig")
        }
        wanted = {f"<{door.function}>" for door in DOORS}
        assert configured.keys() == wanted, f"T20: events of {sorted(wanted ^ configured.keys())} are lost"
        for function, properties in configured.items():
            assert properties["Qualifier"] == "$LATEST", f"T20: {function} is called by another version"
