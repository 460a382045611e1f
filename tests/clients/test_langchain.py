"""LangChain's `ChatOpenAI`, which only gets an address and a key."""

from __future__ import annotations

import unittest
from typing import Any

from langchain_core.messages import AIMessageChunk, HumanMessage, SystemMessage
from langchain_openai import ChatOpenAI

from product import API, CHAT_MODEL, http_client

CONVERSATION = [
    SystemMessage("You are a helpful assistant."),
    HumanMessage("My dog is called Rex. Write one sentence about my dog."),
]


class LangChain(unittest.TestCase):
    def setUp(self) -> None:
        self.http = http_client()
        self.addCleanup(self.http.close)

    def model(self, **options: Any) -> ChatOpenAI:
        # It would warn of proxies that the shell names, for the client with `await` that it makes too.
        own: dict[str, Any] = {"api_key": "local", "http_client": self.http, "http_socket_options": ()}
        return ChatOpenAI(model=CHAT_MODEL, base_url=API, **own, **options)

    def test_invokes(self) -> None:
        answer = self.model().invoke(CONVERSATION)
        self.assertIn('The system prompt says "You are a helpful assistant."', answer.text)
        self.assertEqual(answer.response_metadata["finish_reason"], "stop")
        assert answer.usage_metadata is not None
        self.assertGreater(answer.usage_metadata["output_tokens"], 0)

    def test_streams_with_usage(self) -> None:
        whole = self.model().invoke(CONVERSATION)
        chunks = list(self.model(stream_usage=True).stream(CONVERSATION))
        self.assertGreater(len([chunk for chunk in chunks if chunk.text]), 20)
        total = AIMessageChunk(content="")
        for chunk in chunks:
            total += chunk
        self.assertEqual(total.text, whole.text)
        self.assertEqual(total.usage_metadata, whole.usage_metadata)
        self.assertEqual(total.response_metadata["finish_reason"], "stop")

    def test_sends_its_options_and_its_history(self) -> None:
        chat = self.model(temperature=0.2, max_tokens=64, stop=["[end]"])
        answer = chat.invoke(CONVERSATION)
        answer = chat.invoke([*CONVERSATION, answer, HumanMessage("And another one.")])
        self.assertIn('The last user turn says "And another one."', answer.text)
