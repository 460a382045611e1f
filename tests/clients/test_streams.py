"""Streams as OpenAI's SDK for Python reads them: live, counted, and never complete where they are not."""

from __future__ import annotations

import itertools
import unittest
from typing import Any

import openai

from product import CHAT_MODEL, FAULTY_API, TEXT_MODEL, Recording, async_client, client

FRANCE: dict[str, Any] = {
    "model": TEXT_MODEL,
    "prompt": "What is the capital of France?",
    "max_tokens": 64,
}
HELLO: dict[str, Any] = {
    "model": CHAT_MODEL,
    "messages": [
        {"role": "system", "content": "You are a helpful assistant."},
        {"role": "user", "content": "My dog is called Rex. Write one sentence about my dog."},
    ],
}
COUNTED: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}
# Of the simulator: it waits so long before each word.
WORD_SECONDS = 0.015


class Streams(unittest.TestCase):
    def setUp(self) -> None:
        self.transport = Recording()
        self.client = client(transport=self.transport)
        self.addCleanup(self.client.close)

    def test_a_chat_streams_its_answer_and_then_its_usage(self) -> None:
        whole = self.client.chat.completions.create(**HELLO)
        chunks = list(self.client.chat.completions.create(**HELLO, **COUNTED))
        *spoken, last, counted = chunks
        self.assertEqual({chunk.object for chunk in chunks}, {"chat.completion.chunk"})
        self.assertEqual(len({(chunk.id, chunk.created, chunk.model) for chunk in chunks}), 1)
        first = spoken[0].choices[0].delta
        self.assertEqual((first.role, first.content), ("assistant", ""))
        self.assertEqual({chunk.choices[0].finish_reason for chunk in spoken}, {None})
        text = "".join(chunk.choices[0].delta.content or "" for chunk in spoken)
        self.assertEqual(text, whole.choices[0].message.content)
        self.assertEqual(last.choices[0].finish_reason, "stop")
        self.assertIsNone(last.choices[0].delta.content)
        self.assertEqual((counted.choices, counted.usage), ([], whole.usage))
        self.assertEqual({chunk.usage for chunk in (*spoken, last)}, {None})

    def test_text_streams_and_then_its_usage(self) -> None:
        whole = self.client.completions.create(**FRANCE)
        *spoken, counted = self.client.completions.create(**FRANCE, **COUNTED)
        self.assertEqual({chunk.object for chunk in (*spoken, counted)}, {"text_completion"})
        self.assertEqual("".join(chunk.choices[0].text for chunk in spoken), whole.choices[0].text)
        reasons = [chunk.choices[0].finish_reason for chunk in spoken]
        self.assertEqual((set(reasons[:-1]), reasons[-1]), ({None}, "stop"))
        self.assertEqual((counted.choices, counted.usage), ([], whole.usage))

    def test_an_imported_model_of_a_declared_family_streams(self) -> None:
        arn = "arn:aws:bedrock:us-east-1:123456789012:imported-model/llama1234567"
        imported: dict[str, Any] = {"model": arn, "extra_body": {"family": "llama-3"}}
        whole = self.client.completions.create(**{**FRANCE, **imported})
        chunks = self.client.completions.create(**{**FRANCE, **imported}, stream=True)
        self.assertEqual("".join(chunk.choices[0].text for chunk in chunks), whole.choices[0].text)
        chat = self.client.chat.completions.create(**{**HELLO, **imported})
        *spoken, counted = self.client.chat.completions.create(**{**HELLO, **imported}, **COUNTED)
        text = "".join(chunk.choices[0].delta.content or "" for chunk in spoken)
        self.assertEqual(text, chat.choices[0].message.content)
        self.assertEqual(counted.usage, chat.usage)

    def test_usage_is_not_sent_unless_it_is_asked_for(self) -> None:
        chunks = list(self.client.chat.completions.create(**HELLO, stream=True))
        self.assertEqual({"usage" in chunk.model_fields_set for chunk in chunks}, {False})
        self.assertTrue(all(chunk.choices for chunk in chunks))

    def test_several_answers_come_in_one_stream(self) -> None:
        texts = {0: "", 1: ""}
        for chunk in self.client.chat.completions.create(**HELLO, n=2, stream=True):
            for choice in chunk.choices:
                texts[choice.index] += choice.delta.content or ""
        whole = self.client.chat.completions.create(**HELLO)
        self.assertEqual(set(texts.values()), {whole.choices[0].message.content})

    def test_chunks_arrive_as_they_are_written(self) -> None:
        for create, request in (
            (self.client.chat.completions.create, HELLO),
            (self.client.completions.create, FRANCE),
        ):
            chunks = list(create(**request, stream=True))
            arrivals = self.transport.exchanges[-1].arrivals
            self.assertGreater(len(chunks), 20)
            took = arrivals[-1] - arrivals[0]
            self.assertGreater(took, WORD_SECONDS * len(chunks) / 2, "they came in a burst")
            longest = max(later - earlier for earlier, later in itertools.pairwise(arrivals))
            self.assertLess(longest, took / 2, "most of them came in a burst")

    def test_a_stream_that_is_left_disturbs_no_other(self) -> None:
        with self.client.chat.completions.create(**HELLO, stream=True) as stream:
            next(iter(stream))
        answer = self.client.chat.completions.create(**HELLO)
        self.assertEqual(answer.choices[0].finish_reason, "stop")


class BrokenStreams(unittest.TestCase):
    def setUp(self) -> None:
        self.client = client(FAULTY_API, max_retries=0)
        self.addCleanup(self.client.close)

    def check(self, fault: str, type: str, code: str) -> None:
        with self.subTest(fault):
            reasons = []
            message: Any = {"role": "user", "content": f"Hello [[fault:{fault}]]"}
            with self.assertRaises(openai.APIError) as raised:
                for chunk in self.client.chat.completions.create(
                    model=CHAT_MODEL, messages=[message], stream=True
                ):
                    reasons.append(chunk.choices[0].finish_reason)
            self.assertEqual((raised.exception.type, raised.exception.code), (type, code))
            self.assertGreater(len(reasons), 0)
            self.assertEqual(set(reasons), {None}, "a broken answer is never finished")

    def test_are_errors_with_type_and_code_and_never_complete(self) -> None:
        self.check("exception:ModelStreamErrorException", "api_error", "model_error")
        self.check("exception:ThrottlingException", "rate_limit_error", "rate_limit_exceeded")
        self.check("exception:ServiceUnavailableException", "api_error", "service_unavailable")
        for cut in ("cut", "cut_frame", "no_end", "bad_crc"):
            self.check(cut, "api_error", "upstream_truncated")

    def test_an_error_before_the_first_token_keeps_its_status(self) -> None:
        message: Any = {"role": "user", "content": "Hello [[fault:error:ModelErrorException]]"}
        with self.assertRaises(openai.InternalServerError) as raised:
            self.client.chat.completions.create(model=CHAT_MODEL, messages=[message], stream=True)
        self.assertEqual((raised.exception.status_code, raised.exception.code), (502, "model_error"))


class FilteredAnswers(unittest.TestCase):
    def test_say_so_in_both_vocabularies(self) -> None:
        message = {"role": "user", "content": "Hello [[fault:filtered]]"}
        request: dict[str, Any] = {"model": CHAT_MODEL, "messages": [message]}
        with client(FAULTY_API) as asking:
            [choice] = asking.chat.completions.create(**request).choices
            *_, last = asking.chat.completions.create(**request, stream=True)
        self.assertEqual(choice.finish_reason, "content_filter")
        self.assertEqual(choice.model_extra, {"stop_reason": "content_filtered"})
        self.assertEqual(last.choices[0].finish_reason, "content_filter")
        self.assertEqual(last.choices[0].model_extra, {"stop_reason": "content_filtered"})


class WithAwait(unittest.IsolatedAsyncioTestCase):
    async def test_a_chat_streams(self) -> None:
        async with async_client() as client:
            whole = await client.chat.completions.create(**HELLO)
            text = ""
            async for chunk in await client.chat.completions.create(**HELLO, **COUNTED):
                text += "".join(choice.delta.content or "" for choice in chunk.choices)
        self.assertEqual(text, whole.choices[0].message.content)
        self.assertEqual(chunk.usage, whole.usage)

    async def test_text_streams(self) -> None:
        async with async_client() as client:
            whole = await client.completions.create(**FRANCE)
            text = ""
            async for chunk in await client.completions.create(**FRANCE, stream=True):
                text += "".join(choice.text for choice in chunk.choices)
        self.assertEqual(text, whole.choices[0].text)
