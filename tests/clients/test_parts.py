"""What OpenAI's SDK for Python says and gets beside text: an image, a cached prompt, thoughts."""

from __future__ import annotations

import base64
import io
import unittest
from typing import Any

from PIL import Image

from product import CHAT_MODEL, client

THINKER = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
WHY: list[Any] = [{"role": "user", "content": "Why is the sky blue?"}]


def png(width: int, height: int) -> str:
    file = io.BytesIO()
    Image.new("RGB", (width, height)).save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


class Parts(unittest.TestCase):
    def setUp(self) -> None:
        self.client = client()
        self.addCleanup(self.client.close)

    def test_an_image_is_shown(self) -> None:
        content: list[Any] = [
            {"type": "image_url", "image_url": {"url": png(64, 32)}},
            {"type": "text", "text": "What is this?"},
        ]
        answer = self.client.chat.completions.create(
            model=CHAT_MODEL, messages=[{"role": "user", "content": content}]
        )
        self.assertIn("[image: png, 64x32, not seen]", answer.choices[0].message.content or "")

    def test_a_prompt_is_cached(self) -> None:
        content: list[Any] = [
            {"type": "text", "text": "A long prompt.", "cache_control": {"type": "ephemeral"}},
            {"type": "text", "text": "What does it say?"},
        ]
        for _ in range(2):
            answer = self.client.chat.completions.create(
                model=CHAT_MODEL, messages=[{"role": "user", "content": content}]
            )
        assert answer.usage is not None and answer.usage.prompt_tokens_details is not None
        self.assertEqual(answer.usage.prompt_tokens_details.cached_tokens, 3)

    def test_a_model_thinks_and_takes_back_what_it_thought(self) -> None:
        answer = self.client.chat.completions.create(
            model=THINKER, messages=WHY, reasoning_effort="low"
        )
        message = answer.choices[0].message.model_dump()
        self.assertIn("[simulated]", message["reasoning_content"])
        further = [*WHY, message, {"role": "user", "content": "And at night?"}]
        answer = self.client.chat.completions.create(
            model=THINKER, messages=further, reasoning_effort="low"
        )
        self.assertIn("3 turn(s)", answer.choices[0].message.content or "")

    def test_a_stream_thinks_before_it_speaks(self) -> None:
        stream = self.client.chat.completions.create(
            model=THINKER, messages=WHY, reasoning_effort="low", stream=True
        )
        order: list[str] = []
        for chunk in stream:
            for choice in chunk.choices:
                delta = choice.delta.model_dump()
                for kind in ("reasoning_content", "thinking_blocks", "content"):
                    if delta.get(kind) and kind not in order:
                        order.append(kind)
        self.assertEqual(order, ["reasoning_content", "thinking_blocks", "content"])


if __name__ == "__main__":
    unittest.main()
