"""What OpenAI's SDK for Python asks and gets: text, chat, pictures, models; at once and with `await`."""

from __future__ import annotations

import base64
import io
import unittest
import urllib.request
from typing import Any

from openai.types import Completion, ImagesResponse
from openai.types.chat import ChatCompletion
from PIL import Image

from product import CHAT_MODEL, IMAGE_MODEL, TEXT_MODEL, async_client, client

REX: list[Any] = [
    {"role": "system", "content": "You are a helpful assistant."},
    {"role": "user", "content": "My dog is called Rex."},
    {"role": "assistant", "content": "Rex is a lovely name."},
    {"role": "user", "content": "Write one sentence about my dog."},
]
SMALL_WINDOW = "meta.llama3-8b-instruct-v1:0"
PROFILE = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-lite-v1:0"
# Its ARN does not say what it is.
IMPORTED = "arn:aws:bedrock:us-east-1:123456789012:imported-model/llama1234567"
LLAMA = {"family": "llama-3"}
FRANCE: dict[str, Any] = {
    "model": TEXT_MODEL,
    "prompt": "What is the capital of France?",
    "max_tokens": 64,
}
ASTRONAUT: dict[str, Any] = {
    "model": IMAGE_MODEL,
    "prompt": "an astronaut riding a horse on Mars",
    "size": "1152x896",
}
OPTIONS = {"seed": 20, "steps": 50, "cfg_scale": 10}


def picture(png: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(png))
    image.load()
    return image


class Checks(unittest.TestCase):
    """What must be true of an answer, however it was asked for."""

    def check_text(self, answer: Completion) -> None:
        self.assertIn("What is the capital of France?", answer.choices[0].text)
        self.assertEqual(answer.choices[0].finish_reason, "stop")
        self.assertEqual((answer.object, answer.model), ("text_completion", TEXT_MODEL))
        self.assertTrue(answer.id.startswith("cmpl-"))
        assert answer.usage is not None
        self.assertGreater(answer.usage.completion_tokens, 0)
        self.assertEqual(
            answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens
        )

    def check_chat(self, answer: ChatCompletion, turns: int = 3) -> str:
        """The simulator tells what it was given."""
        [choice] = answer.choices
        text = choice.message.content or ""
        self.assertIn(f"The conversation has {turns} turn(s)", text)
        self.assertIn('The system prompt says "You are a helpful assistant."', text)
        self.assertIn('The first user turn says "My dog is called Rex."', text)
        self.assertEqual((choice.message.role, choice.finish_reason), ("assistant", "stop"))
        self.assertEqual(answer.object, "chat.completion")
        return text

    def check_links(self, linked: ImagesResponse, inline: ImagesResponse) -> None:
        """The same seed is the same picture, by its URL and in base64."""
        assert linked.data is not None and inline.data is not None
        [link], [bare] = linked.data, inline.data
        assert link.url is not None and bare.b64_json is not None
        self.assertIsNone(link.b64_json)
        self.assertIsNone(bare.url)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(link.url, timeout=30) as answer:
            kept: bytes = answer.read()
        self.assertEqual(kept, base64.b64decode(bare.b64_json, validate=True))
        image = picture(kept)
        self.assertEqual((image.format, image.size), ("PNG", (1152, 896)))


class Answers(Checks):
    def setUp(self) -> None:
        self.client = client()
        self.addCleanup(self.client.close)

    def test_text_is_completed(self) -> None:
        self.check_text(self.client.completions.create(**FRANCE))

    def test_each_prompt_is_completed_n_times(self) -> None:
        answer = self.client.completions.create(
            model=TEXT_MODEL, prompt=["One fish", "Two fish"], n=2, max_tokens=64
        )
        self.assertEqual([choice.index for choice in answer.choices], [0, 1, 2, 3])
        for choice, prompt in zip(answer.choices, ["One", "One", "Two", "Two"], strict=True):
            self.assertIn(f'says "{prompt} fish"', choice.text)
        single = self.client.completions.create(model=TEXT_MODEL, prompt="One fish", max_tokens=64)
        assert answer.usage is not None and single.usage is not None
        self.assertEqual(answer.usage.completion_tokens, 4 * single.usage.completion_tokens)

    def test_a_chat_knows_its_history(self) -> None:
        answer = self.client.chat.completions.create(model=CHAT_MODEL, messages=REX)
        self.check_chat(answer)
        message = answer.choices[0].message
        further = [*REX, message.model_dump(), {"role": "user", "content": "And one about mine."}]
        answer = self.client.chat.completions.create(model=CHAT_MODEL, messages=further)
        self.assertIn('The last user turn says "And one about mine."', self.check_chat(answer, 5))

    def test_a_long_history_is_trimmed_where_that_is_asked_for(self) -> None:
        """The window has 8,192 tokens, for which 30,000 characters are too many."""
        long: list[Any] = [
            {"role": "user", "content": "a" * 30_000},
            {"role": "assistant", "content": "Yes."},
        ]
        system, *turns = REX
        raw = self.client.chat.completions.with_raw_response.create(
            model=SMALL_WINDOW,
            messages=[system, *long, *turns],
            max_tokens=64,
            extra_body={"truncation": "auto"},
        )
        answer = raw.parse()
        self.assertEqual(raw.headers["x-history-trimmed"], "2")
        self.assertEqual((answer.model_extra or {})["history_trimmed"], 2)
        said = answer.choices[0].message.content or ""
        self.assertIn("3 turn(s)", said)
        self.assertIn('The system prompt says "You are a helpful assistant."', said)

    def test_a_chat_has_n_answers(self) -> None:
        answer = self.client.chat.completions.create(model=CHAT_MODEL, messages=REX, n=3)
        self.assertEqual([choice.index for choice in answer.choices], [0, 1, 2])
        single = self.client.chat.completions.create(model=CHAT_MODEL, messages=REX)
        assert answer.usage is not None and single.usage is not None
        self.assertEqual(answer.usage.total_tokens, 3 * single.usage.total_tokens)

    def test_an_imported_model_of_a_declared_family_answers(self) -> None:
        text = self.client.completions.create(
            model=IMPORTED, prompt="One fish", max_tokens=64, extra_body=LLAMA
        )
        self.assertIn("One fish", text.choices[0].text)
        chat = self.client.chat.completions.create(model=IMPORTED, messages=REX, extra_body=LLAMA)
        said = chat.choices[0].message.content or ""
        self.assertIn("3 turn(s)", said)
        self.assertIn('The system prompt says "You are a helpful assistant."', said)
        assert text.usage is not None and chat.usage is not None
        self.assertGreater(chat.usage.completion_tokens, 0)

    def test_a_limit_cuts_and_says_so(self) -> None:
        answer = self.client.chat.completions.create(
            model=CHAT_MODEL, messages=REX, max_completion_tokens=3
        )
        self.assertEqual(answer.choices[0].finish_reason, "length")

    def test_a_picture_comes_by_its_url_and_in_base64(self) -> None:
        linked = self.client.images.generate(**ASTRONAUT, extra_body=OPTIONS)
        inline = self.client.images.generate(**ASTRONAUT, response_format="b64_json", extra_body=OPTIONS)
        self.check_links(linked, inline)

    def test_several_pictures_differ(self) -> None:
        answer = self.client.images.generate(
            model=IMAGE_MODEL, prompt="a fox", n=2, size="1024x1024", response_format="b64_json"
        )
        pictures = [base64.b64decode(image.b64_json or "") for image in answer.data or []]
        self.assertEqual([picture(png).size for png in pictures], [(1024, 1024)] * 2)
        self.assertNotEqual(*pictures)

    def test_every_answer_has_a_request_id(self) -> None:
        for answer in (
            self.client.completions.create(**FRANCE),
            self.client.chat.completions.create(model=CHAT_MODEL, messages=REX),
            self.client.models.retrieve(CHAT_MODEL),
        ):
            self.assertRegex(answer._request_id or "", r"^\S{8,}$")


class Models(unittest.TestCase):
    def setUp(self) -> None:
        self.client = client()
        self.addCleanup(self.client.close)

    def test_are_listed(self) -> None:
        models = {model.id: model for model in self.client.models.list()}
        for id in (TEXT_MODEL, CHAT_MODEL, IMAGE_MODEL, "amazon.nova-lite-v1:0"):
            self.assertEqual(models[id].object, "model")
            self.assertGreater(models[id].created, 0)

    def test_are_listed_by_what_they_are(self) -> None:
        def listed(**filters: str) -> set[str]:
            return {model.id for model in self.client.models.list(extra_query=filters)}

        stability = listed(provider="Stability AI")
        self.assertIn(IMAGE_MODEL, stability)
        self.assertEqual({id.split(".")[0] for id in stability}, {"stability"})
        self.assertLess(stability, listed(output_modality="IMAGE"))
        profiles = listed(inference_type="INFERENCE_PROFILE")
        self.assertIn(CHAT_MODEL, profiles)
        self.assertNotIn(TEXT_MODEL, profiles)

    def test_are_found_by_ids_with_colons_and_by_arns(self) -> None:
        for id in ("anthropic.claude-v2:1", CHAT_MODEL, PROFILE):
            model = self.client.models.retrieve(id)
            self.assertEqual((model.id, model.object), (id, "model"))

    def test_keep_their_age(self) -> None:
        first = self.client.models.retrieve(CHAT_MODEL)
        self.assertEqual(first.created, self.client.models.retrieve(CHAT_MODEL).created)
        [listed] = [model for model in self.client.models.list() if model.id == CHAT_MODEL]
        self.assertEqual(listed.created, first.created)


class WithAwait(Checks, unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        self.client = async_client()
        self.addAsyncCleanup(self.client.close)

    async def test_text_is_completed(self) -> None:
        self.check_text(await self.client.completions.create(**FRANCE))

    async def test_a_chat_knows_its_history(self) -> None:
        self.check_chat(await self.client.chat.completions.create(model=CHAT_MODEL, messages=REX))

    async def test_a_picture_comes_by_its_url_and_in_base64(self) -> None:
        linked = await self.client.images.generate(**ASTRONAUT, extra_body=OPTIONS)
        inline = await self.client.images.generate(
            **ASTRONAUT, response_format="b64_json", extra_body=OPTIONS
        )
        self.check_links(linked, inline)

    async def test_models_are_listed_and_found(self) -> None:
        ids = [model.id async for model in self.client.models.list()]
        self.assertIn(CHAT_MODEL, ids)
        self.assertEqual((await self.client.models.retrieve(CHAT_MODEL)).id, CHAT_MODEL)
