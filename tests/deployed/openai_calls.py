"""What OpenAI's SDK gets from a deployed stage: a program of its own, since the SDK has an environment
of its own. Prints JSON.

On AWS the authorizer hands the bearer key over to API Gateway, and `x-api-key` means nothing.
MiniStack runs the authorizer, but looks for the key in `x-api-key`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any

import openai

URL, KEY = os.environ["API_URL"], os.environ["API_KEY"]
SECONDS = 60.0
CHAT: dict[str, Any] = {
    "model": "us.amazon.nova-lite-v1:0",
    "messages": [{"role": "user", "content": "Hello"}],
    "max_tokens": 64,
}
NOT_A_KEY = "no key has a space"


def client(bearer: str, **headers: Any) -> openai.OpenAI:
    return openai.OpenAI(
        base_url=URL, api_key=bearer, default_headers=headers, max_retries=0, timeout=SECONDS
    )


def status(call: Callable[[], object]) -> int:
    try:
        call()
    except openai.APIStatusError as error:
        return error.status_code
    return 200


def chats(with_client: openai.OpenAI, **headers: Any) -> int:
    return status(lambda: with_client.chat.completions.create(**CHAT, extra_headers=headers))


def main() -> int:
    both = client(KEY, **{"x-api-key": KEY})
    chat = both.chat.completions.create(**CHAT)
    completion = both.completions.create(model="us.amazon.nova-micro-v1:0", prompt="Hello", max_tokens=64)
    image = both.images.generate(
        model="stability.stable-image-core-v1:1", prompt="a lake", response_format="b64_json"
    )
    answers = {
        "chat": chat.choices[0].message.content,
        "completion": completion.choices[0].text,
        "image": len((image.data or [])[0].b64_json or ""),
        "models": sorted(model.id for model in both.models.list()),
    }
    refused = {
        "no header": chats(client(KEY), Authorization=openai.Omit()),
        "the bearer key alone": chats(client(KEY)),
        "another key": chats(client(KEY, **{"x-api-key": "x" * 40})),
        "what is no key, beside one": chats(client(NOT_A_KEY, **{"x-api-key": KEY})),
    }
    json.dump({"answers": answers, "refused": refused}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
