"""Sends what `make run` prints and what the README shows, through OpenAI's own SDK, to a stack."""

from __future__ import annotations

import base64
import io
import json
import os
import shlex
import unittest
from typing import Any
from unittest import mock

import boto3
import openai
from PIL import Image

from banner import CHAT, COMPLETION, IMAGE
from stack_under_test import Stack, inherited, post, read

REX = CHAT["messages"]


def setUpModule() -> None:
    # Neither SDK shall find a key, a profile, an address or a proxy in the shell.
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
            _curl, _silent, url, _header, content_type, _data, body = shlex.split(line)
            self.assertEqual(content_type, "content-type: application/json")
            commands.append((url, body))
        return commands

    def test_are_answered(self) -> None:
        completion, chat, image = self.printed()
        self.assertEqual(
            [json.loads(body) for _, body in (completion, chat, image)], [COMPLETION, CHAT, IMAGE]
        )

        text = post(*completion)["choices"][0]["text"]
        self.assertIn('The first user turn says "What is the capital of France?"', text)
        turn = post(*chat)["choices"][0]["message"]
        self.assertEqual(turn["role"], "assistant")
        self.assert_knows_history(turn["content"], 3)
        self.check_kept_image(post(*image)["data"])

        url, body = image
        [inline] = post(url, json.dumps({**json.loads(body), "response_format": "b64_json"}))["data"]
        self.assertNotIn("url", inline)
        self.assert_is_picture(base64.b64decode(inline["b64_json"], validate=True), 1024, 1024)

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
        self.assertEqual([bucket["Name"] for bucket in s3.list_buckets()["Buckets"]], ["bedrock-images"])
        bucket, key = image["s3_uri"].removeprefix("s3://").split("/", 1)
        self.assertEqual(bucket, "bedrock-images")
        head = s3.head_object(Bucket=bucket, Key=key)
        self.assertEqual(head["ContentType"], "image/png")
        self.assertEqual(head["ContentLength"], len(downloaded))
        self.assertEqual(
            head["Metadata"],
            {"model": IMAGE["model"], "seed": str(image["seed"]), "size": "1024x1024"},
        )


class TheSdk(Answers):
    client: openai.OpenAI

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.client = openai.OpenAI(base_url=f"{cls.stack.api}/v1", api_key="local")
        cls.addClassCleanup(cls.client.close)

    def test_completes(self) -> None:
        text = self.client.completions.create(
            model="amazon.titan-tg1-large", prompt="What is the capital of France?", max_tokens=64
        )
        self.assertIn("What is the capital of France?", text.choices[0].text)
        self.assertEqual(text.choices[0].finish_reason, "stop")
        assert text.usage is not None
        self.assertGreater(text.usage.completion_tokens, 0)

    def test_sends_an_answer_back_as_history(self) -> None:
        model = "us.amazon.nova-lite-v1:0"
        answer = self.client.chat.completions.create(model=model, messages=REX)
        message = answer.choices[0].message
        self.assert_knows_history(message.content, 3)
        further = [*REX, message.model_dump(), {"role": "user", "content": "And one about mine."}]
        answer = self.client.chat.completions.create(model=model, messages=further)
        self.assert_knows_history(answer.choices[0].message.content, 5)
        self.assertIn(
            'The last user turn says "And one about mine."', answer.choices[0].message.content or ""
        )

    def test_draws(self) -> None:
        model, prompt = "stability.stable-diffusion-xl-v1", "an astronaut riding a horse on Mars"
        options = {"seed": 20, "steps": 50, "cfg_scale": 10}
        linked = self.client.images.generate(
            model=model, prompt=prompt, size="1024x1024", extra_body=options
        )
        assert linked.data is not None and linked.data[0].url is not None
        png = read(linked.data[0].url)
        self.assert_is_picture(png, 1024, 1024)
        inline = self.client.images.generate(
            model=model,
            prompt=prompt,
            size="1024x1024",
            response_format="b64_json",
            extra_body=options,
        )
        assert inline.data is not None and inline.data[0].b64_json is not None
        self.assertEqual(base64.b64decode(inline.data[0].b64_json, validate=True), png)

    def test_raises_what_is_wrong(self) -> None:
        with self.assertRaises(openai.NotFoundError) as unknown:
            self.client.chat.completions.create(model="gpt-5", messages=REX)
        self.assertEqual(unknown.exception.code, "model_not_found")
        with self.assertRaises(openai.BadRequestError) as wrong:
            self.client.images.generate(
                model="stability.stable-diffusion-xl-v1",
                prompt="a fox",
                size="1000x1000",  # type: ignore[arg-type]
            )
        self.assertEqual(wrong.exception.param, "size")


if __name__ == "__main__":
    unittest.main()
