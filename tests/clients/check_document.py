"""Holds docs/openapi.yaml against what the clients of the other tests sent and received."""

from __future__ import annotations

import copy
import json
import os
import re
import unittest
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, FormatChecker
from openapi_spec_validator import validate
from referencing import Registry
from referencing.jsonschema import DRAFT202012

HERE = Path(__file__).resolve().parent
EXCHANGES = Path(os.environ["EXCHANGES"])

Json = Any


@cache
def document() -> Json:
    return yaml.safe_load((HERE.parents[1] / "docs" / "openapi.yaml").read_text())


@cache
def closed() -> Json:
    """The document for answers: it lets clients expect further fields, but no field of today may be
    missing in it."""
    found = copy.deepcopy(document())
    close(found["components"])
    return found


def close(node: Json) -> None:
    if isinstance(node, list):
        for each in node:
            close(each)
    elif isinstance(node, dict):
        if node.get("type") == "object" and "properties" in node:
            node.setdefault("additionalProperties", False)
        for each in node.values():
            close(each)


def problems(schema: Json, value: Json, whole: Json) -> list[str]:
    """What is wrong with a value, by a schema of a document. Never the value itself, which is long."""
    registry = Registry().with_resource("urn:document", DRAFT202012.create_resource(whole))
    # References within the schema are to the document.
    anchored = json.loads(json.dumps(schema).replace('"$ref": "#', '"$ref": "urn:document#'))
    validator = Draft202012Validator(anchored, registry=registry, format_checker=FormatChecker())
    return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(value)]


def resolved(node: Json) -> Json:
    """What a reference of the closed document stands for."""
    if "$ref" not in node:
        return node
    found = closed()
    for name in node["$ref"].removeprefix("#/").split("/"):
        found = found[name.replace("~1", "/")]
    return found


def exchanges() -> Iterator[Json]:
    for file in sorted(EXCHANGES.glob("*.jsonl")):
        for line in file.read_text().splitlines():
            yield json.loads(line)


def path_of(exchange: Json) -> str | None:
    """The document's path of an exchange. The last parameter of a path takes the rest."""
    path = exchange["path"].split("?")[0]
    for template in closed()["paths"]:
        if re.fullmatch(re.sub(r"\{\w+\}", "(.+)", template), path):
            return str(template)
    return None


def operation_of(exchange: Json) -> Json | None:
    path = path_of(exchange)
    return closed()["paths"][path].get(exchange["method"].lower()) if path else None


def response_of(exchange: Json) -> Json | None:
    """What the document says of the answer, also of one that no operation gives."""
    operation = operation_of(exchange)
    components = closed()["components"]["responses"]
    if operation is not None:
        response = operation["responses"].get(str(exchange["status"]))
        return None if response is None else resolved(response)
    return components["MethodNotAllowed" if path_of(exchange) else "NotFound"]


def events_of(body: str) -> list[str]:
    """The data of each server-sent event."""
    frames = [frame for frame in body.split("\n\n") if frame and not frame.startswith(":")]
    return [frame.removeprefix("data: ") for frame in frames]


class TheDocument(unittest.TestCase):
    def test_is_valid(self) -> None:
        validate(document())

    def test_has_the_statuses_and_codes_of_the_table(self) -> None:
        # What no client is shown says in the table where else it is asserted.
        table = json.loads((HERE / "errors.json").read_text())
        rows = [*table["rows"], *table["elsewhere"]]
        documented = {(405, "method_not_allowed")}
        for operations in document()["paths"].values():
            for operation in operations.values():
                for status, response in operation["responses"].items():
                    if status != "200":
                        documented |= {(int(status), code) for code in codes_of(resolved(response))}
        self.assertEqual({(row["status"], row["code"]) for row in rows}, documented)


def codes_of(response: Json) -> set[str]:
    [_, narrowed] = response["content"]["application/json"]["schema"]["allOf"]
    return {code for code in narrowed["properties"]["error"]["properties"]["code"]["enum"] if code}


class WhatWasSentAndReceived(unittest.TestCase):
    def each(self) -> Iterator[tuple[Json, str]]:
        count = 0
        for exchange in exchanges():
            count += 1
            yield exchange, f"{exchange['method']} {exchange['path']} {exchange['status']}"
        self.assertGreater(count, 100, "the clients' tests have not run")

    def test_every_answer_is_documented(self) -> None:
        seen = set()
        for exchange, name in self.each():
            response = response_of(exchange)
            self.assertIsNotNone(response, name)
            assert response is not None
            media = exchange["headers"]["content-type"].split(";")[0]
            seen.add((path_of(exchange), exchange["status"], media))
            schema = response["content"][media]["schema"]
            for header, described in response["headers"].items():
                value = exchange["headers"].get(header)
                if value is None:
                    self.assertFalse(resolved(described).get("required", False), f"{name}: {header}")
                else:
                    self.check_header(resolved(described)["schema"], value, f"{name}: {header}")
            if media == "application/json":
                self.assertEqual(problems(schema, json.loads(exchange["received"]), closed()), [], name)
        answers = {
            (path, 200, media)
            for path, operations in document()["paths"].items()
            for operation in operations.values()
            for media in operation["responses"]["200"]["content"]
        }
        self.assertEqual(answers - seen, set(), "documented, and asked for by no test")

    def check_header(self, schema: Json, text: str, name: str) -> None:
        value = int(text) if schema.get("type") == "integer" else text
        self.assertEqual(problems(schema, value, closed()), [], name)

    def test_every_event_is_documented(self) -> None:
        count = 0
        for exchange, name in self.each():
            if not exchange["headers"]["content-type"].startswith("text/event-stream"):
                continue
            response = response_of(exchange)
            assert response is not None
            schema = response["content"]["text/event-stream"]["schema"]
            *events, last = events_of(exchange["received"])
            for event in events if last == "[DONE]" else [*events, last]:
                if event.endswith("}"):  # A client that leaves may leave within an event.
                    count += 1
                    self.assertEqual(problems(schema, json.loads(event), closed()), [], name)
        self.assertGreater(count, 400)

    def test_every_request_that_was_answered_is_documented(self) -> None:
        for exchange, name in self.each():
            if exchange["status"] == 200 and exchange["sent"]:
                operation = operation_of(exchange)
                assert operation is not None
                schema = operation["requestBody"]["content"]["application/json"]["schema"]
                self.assertEqual(problems(schema, json.loads(exchange["sent"]), document()), [], name)


if __name__ == "__main__":
    unittest.main(verbosity=2)
