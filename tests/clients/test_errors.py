"""What OpenAI's SDK for Python raises for each row of errors.json, and what it asks for again."""

from __future__ import annotations

import json
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai

from product import API, CHAT_MODEL, FAULTY_API, Recording, client

Row = dict[str, Any]
ROWS: list[Row] = json.loads(Path(__file__).with_name("errors.json").read_text())["rows"]


def ask(client: openai.OpenAI, row: Row) -> None:
    """Sends a row's request with the method that a program would call."""
    call, body, headers = row["call"], row["body"], row.get("headers")
    if call == "model":
        client.models.retrieve(body)
        return
    if " " in call:
        method, path = call.split()
        send: Any = {"GET": client.get, "POST": client.post}[method]
        send(path, cast_to=object, **({} if body is None else {"body": body}))
        return
    create: Any
    create, needed = {
        "completions": (client.completions.create, "prompt"),
        "chat": (client.chat.completions.create, "messages"),
        "images": (client.images.generate, "prompt"),
    }[call]
    options = dict(body)
    asked = {needed: padded(row, options.pop(needed)), "model": options.pop("model")}
    create(**asked, extra_body=options, extra_headers=headers)


def padded(row: Row, value: Any) -> Any:
    """The prompt, or the history, that is as long as the row says."""
    if "padding" not in row:
        return value
    field, characters = row["padding"]
    text = "a" * characters
    if field == "prompt":
        return text
    # A turn alone would break the limit of a prompt.
    half = characters // 2 + 1
    return [{"role": "user", "content": text[:half]}, {"role": "user", "content": text[half - 1 :]}]


class Errors(unittest.TestCase):
    def check(self, row: Row) -> None:
        stack = API if row.get("stack") == "plain" else FAULTY_API
        with client(stack, max_retries=0) as asking:
            with self.assertRaises(openai.APIStatusError) as raised:
                ask(asking, row)
        error = raised.exception
        found = (type(error).__name__, error.status_code, error.type, error.code, error.param)
        expected = (row["class"], row["status"], row["type"], row["code"], row["param"])
        self.assertEqual(found, expected, error.message)
        self.assertRegex(error.request_id or "", r"^\S{8,}$")
        headers = error.response.headers
        wait, again = headers.get("retry-after"), headers.get("x-should-retry")
        match row["retry"]:
            case "later":
                self.assertIsNone(again)
                self.assertGreaterEqual(int(wait or 0), row.get("wait", 1))
            case "never":
                self.assertEqual((wait, again), (None, "false"))
            case "pointless":
                self.assertEqual((wait, again), (None, None))
        self.assertEqual(headers.get("allow"), row.get("allow"))


def checking(row: Row) -> Callable[[Errors], None]:
    return lambda case: case.check(row)


# A test of its own for each row, named after it.
for number, row in enumerate(ROWS):
    name = "".join(letter if letter.isalnum() else "_" for letter in row["name"])
    setattr(Errors, f"test_{number:02}_{name}", checking(row))


class Retries(unittest.TestCase):
    def setUp(self) -> None:
        self.transport = Recording()
        self.client = client(FAULTY_API, transport=self.transport)
        self.addCleanup(self.client.close)

    def say(self, text: str) -> str:
        message: Any = {"role": "user", "content": text}
        answer = self.client.chat.completions.create(model=CHAT_MODEL, messages=[message])
        return answer.choices[0].message.content or ""

    def statuses(self) -> list[int]:
        return [exchange.status for exchange in self.transport.exchanges]

    def test_what_would_be_paid_again_is_not_asked_again(self) -> None:
        with self.assertRaises(openai.InternalServerError):
            self.say("Hello [[fault:error:ModelErrorException]]")
        self.assertEqual(self.statuses(), [502])

    def test_a_throttle_is_asked_again_after_its_wait(self) -> None:
        # The function calls Bedrock three times for the first request.
        self.assertIn("Python asks again", self.say("Python asks again [[fault:throttle:3]]"))
        self.assertEqual(self.statuses(), [429, 200])
        refused, answered = self.transport.exchanges
        waited = answered.began - refused.began
        self.assertGreaterEqual(waited, int(refused.headers["retry-after"]))
