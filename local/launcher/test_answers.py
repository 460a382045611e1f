"""Sends what `make run` prints to a stack."""

from __future__ import annotations

import base64
import io
import json
import os
import shlex
import subprocess
import time
import unittest
from typing import Any
from unittest import mock

import boto3
from PIL import Image

from banner import CHAT, COMPLETION, IMAGE, STREAM
from stack_under_test import Stack, inherited, post, read, to_post

SECONDS = 30.0


def setUpModule() -> None:
    # The SDK shall not find a key, a profile, an address or a proxy in the shell.
    mine = {**inherited(os.environ), "no_proxy": "127.0.0.1"}
    environment = mock.patch.dict(os.environ, mine, clear=True)
    environment.start()
    unittest.addModuleCleanup(environment.stop)


class Answers(unittest.TestCase):
    stack: Stack

    @classmethod
    def setUpClass(cls) -> None:
        cls.stack = Stack()
        cls.addClassCleanup(cls.stack.close)
        cls.stack.wait_until_ready()

    def assert_is_picture(self, png: bytes, width: int, height: int) -> None:
        with Image.open(io.BytesIO(png)) as picture:
            picture.load()
            self.assertEqual((picture.format, picture.size), ("PNG", (width, height)))

    def assert_knows_history(self, text: str | None, turns: int) -> None:
        """The simulator tells what it was given."""
        assert text is not None
        self.assertIn("[simulated]", text)
        self.assertIn(f"The conversation has {turns} turn(s)", text)
        self.assertIn('The system prompt says "You are a helpful assistant."', text)
        self.assertIn('The first user turn says "My dog is called Rex."', text)


class ThePrintedRequests(Answers):
    def printed(self) -> list[tuple[str, str]]:
        """The URL and the body of each request, as a shell would read them."""
        lines = [line for line in self.stack.said().splitlines() if line.startswith("curl ")]
        commands = []
        for line in lines:
            _curl, flags, url, *rest = shlex.split(line)
            body = ""
            if rest:
                _header, content_type, _data, body = rest
                self.assertEqual(content_type, "content-type: application/json")
            self.assertEqual(flags, "-sN" if '"stream": true' in body else "-s")
            commands.append((url, body))
        return commands

    def test_are_answered(self) -> None:
        completion, chat, stream, image, (models, nothing) = self.printed()
        self.assertEqual(
            [json.loads(body) for _, body in (completion, chat, stream, image)],
            [COMPLETION, CHAT, STREAM, IMAGE],
        )
        self.assertEqual(nothing, "")

        text = post(*completion)["choices"][0]["text"]
        self.assertIn('The first user turn says "What is the capital of France?"', text)
        turn = post(*chat)["choices"][0]["message"]
        self.assertEqual(turn["role"], "assistant")
        self.assert_knows_history(turn["content"], 3)
        self.assert_streams_the_same(stream, turn["content"])
        self.check_kept_image(post(*image)["data"])
        listed = {model["id"] for model in json.loads(read(models))["data"]}
        self.assertLessEqual({body["model"] for body in (COMPLETION, CHAT, IMAGE)}, listed)

        url, body = image
        [inline] = post(url, json.dumps({**json.loads(body), "response_format": "b64_json"}))["data"]
        self.assertNotIn("url", inline)
        self.assert_is_picture(base64.b64decode(inline["b64_json"], validate=True), 1024, 1024)

    def test_without_http_are_answered_in_the_bucket(self) -> None:
        lines = [line for line in self.stack.said().splitlines() if "/aws " in line]
        upload, message, results = (
            line.replace(" results", f" {self.stack.folder}/results") for line in lines
        )
        # What the shell says of another account does not count.
        environment = {**os.environ, "AWS_PROFILE": "none", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}

        def shell(line: str) -> None:
            subprocess.run(line, shell=True, check=True, capture_output=True, env=environment)

        shell(upload)
        shell(message)
        folder = self.stack.folder / "results"
        deadline = time.monotonic() + SECONDS
        while len(found := sorted(folder.glob("*/*.json"))) < 2 and time.monotonic() < deadline:
            shell(results)
        chat, image = (json.loads(path.read_text())["response"]["body"] for path in found)
        self.assertIn("Tell me about Rex, my dog.", chat["choices"][0]["message"]["content"])
        self.assertEqual(len(image["data"]), 1)

    def assert_streams_the_same(self, command: tuple[str, str], text: str) -> None:
        url, body = command
        *events, done = read(to_post(url, body)).decode().removesuffix("\n\n").split("\n\n")
        self.assertEqual(done, "data: [DONE]")
        choices = [json.loads(event.removeprefix("data: "))["choices"][0] for event in events]
        self.assertEqual("".join(choice["delta"].get("content", "") for choice in choices), text)

    def check_kept_image(self, data: list[dict[str, Any]]) -> None:
        [image] = data
        downloaded = read(image["url"])
        self.assert_is_picture(downloaded, 1024, 1024)
        s3 = boto3.client(
            "s3",
            endpoint_url=self.stack.aws,
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
        )
        bucket, key = image["s3_uri"].removeprefix("s3://").split("/", 1)
        self.assertEqual(bucket, "bedrock-lambda-local")
        head = s3.head_object(Bucket=bucket, Key=key)
        self.assertEqual(head["ContentType"], "image/png")
        self.assertEqual(head["ContentLength"], len(downloaded))
        self.assertEqual(
            head["Metadata"],
            {
                "model": IMAGE["model"],
                "seed": str(image["seed"]),
                "size": "1024x1024",
                "written-by": "bedrock-lambdas",
            },
        )


if __name__ == "__main__":
    unittest.main()
