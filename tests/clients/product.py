"""Where the product is, and clients for it that write down what is sent and received."""

from __future__ import annotations

import json
import os
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import openai

API = os.environ["API_URL"]
FAULTY_API = os.environ["FAULTY_API_URL"]
RECORD = Path(os.environ["EXCHANGES"]) / "python.jsonl"

# No answer takes as long; without a limit a silent product would hold the tests up for minutes.
SECONDS = 60.0

TEXT_MODEL = "amazon.titan-tg1-large"
CHAT_MODEL = "us.amazon.nova-lite-v1:0"
IMAGE_MODEL = "stability.stable-diffusion-xl-v1"


class Exchange:
    """A request and its answer. It is written down when the answer has been read to its end, or
    has been left."""

    def __init__(self, request: httpx2.Request, body: bytes, response: httpx2.Response) -> None:
        self._request = request
        self._request_body = body
        self._chunks: list[bytes] = []
        self.began = time.monotonic()
        self.status = response.status_code
        self.headers = response.headers
        self.arrivals: list[float] = []

    def took(self, chunk: bytes) -> bytes:
        self._chunks.append(chunk)
        self.arrivals.append(time.monotonic())
        return chunk

    def close(self) -> None:
        record = {
            "method": self._request.method,
            "path": self._request.url.raw_path.decode(),
            "sent": self._request_body.decode(),
            "status": self.status,
            "headers": dict(self.headers),
            "received": b"".join(self._chunks).decode(),
        }
        with RECORD.open("a") as file:
            file.write(json.dumps(record) + "\n")


class Stream(httpx2.SyncByteStream):
    def __init__(self, stream: httpx2.SyncByteStream, exchange: Exchange) -> None:
        self._stream = stream
        self._exchange = exchange

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._stream:
            yield self._exchange.took(chunk)

    def close(self) -> None:
        self._stream.close()
        self._exchange.close()


class AsyncStream(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, exchange: Exchange) -> None:
        self._stream = stream
        self._exchange = exchange

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            yield self._exchange.took(chunk)

    async def aclose(self) -> None:
        await self._stream.aclose()
        self._exchange.close()


class Recording(httpx2.HTTPTransport):
    """The ordinary transport, which also keeps what passes."""

    def __init__(self) -> None:
        super().__init__()
        self.exchanges: list[Exchange] = []

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        response = super().handle_request(request)
        exchange = Exchange(request, request.read(), response)
        self.exchanges.append(exchange)
        assert isinstance(response.stream, httpx2.SyncByteStream)
        response.stream = Stream(response.stream, exchange)
        return response


class AsyncRecording(httpx2.AsyncHTTPTransport):
    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await super().handle_async_request(request)
        exchange = Exchange(request, await request.aread(), response)
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = AsyncStream(response.stream, exchange)
        return response


def http_client(transport: Recording | None = None) -> httpx2.Client:
    return openai.DefaultHttpxClient(transport=transport or Recording())


def client(url: str = API, transport: Recording | None = None, **options: Any) -> openai.OpenAI:
    http = http_client(transport)
    return openai.OpenAI(base_url=url, api_key="local", timeout=SECONDS, http_client=http, **options)


def async_client(url: str = API, **options: Any) -> openai.AsyncOpenAI:
    http = openai.DefaultAsyncHttpxClient(transport=AsyncRecording())
    return openai.AsyncOpenAI(
        base_url=url, api_key="local", timeout=SECONDS, http_client=http, **options
    )
