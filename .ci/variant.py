"""The template with one choice of the parameters that change what it comes to."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import gateway_rows
from resolve import Resolver

ORIGIN = "https://chat.example.com"


class Variant:
    """What the checks look at."""

    def __init__(self, template: dict[str, Any], mode: str, response: str, origin: str, fifo: str) -> None:
        self.mode, self.response, self.origin, self.fifo = mode, response, origin, fifo == "Yes"
        parameters = {"AuthMode": mode, "HttpResponse": response, "CorsOrigin": origin, "FifoQueues": fifo}
        resolver = Resolver(template, parameters)
        self.resources = resolver.present(template["Resources"])
        self.outputs = resolver.present(template["Outputs"])

    def __str__(self) -> str:
        origin, fifo = self.origin or "none", "Yes" if self.fifo else "No"
        return f"AuthMode={self.mode} HttpResponse={self.response} CorsOrigin={origin} FifoQueues={fifo}"

    def of(self, kind: str) -> list[dict[str, Any]]:
        return list(self.named(kind).values())

    def named(self, kind: str) -> dict[str, dict[str, Any]]:
        return {name: resource for name, resource in self.resources.items() if resource["Type"] == kind}

    def properties(self, name: str) -> dict[str, Any]:
        assert name in self.resources, f"{name} is not there"
        found: dict[str, Any] = self.resources[name]["Properties"]
        return found


def variants(template: dict[str, Any]) -> Iterator[Variant]:
    """Every combination."""
    for choice in itertools.product(gateway_rows.BOTH, ("stream", "buffered"), ("", ORIGIN), ("No", "Yes")):
        yield Variant(template, *choice)
