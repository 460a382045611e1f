"""What a person sees once everything answers."""

from __future__ import annotations

import json
import shlex
from collections import defaultdict
from pathlib import Path
from typing import Any

from deployment import Deployed
from settings import Settings

COMPLETION = {
    "model": "amazon.titan-tg1-large",
    "prompt": "What is the capital of France?",
    "max_tokens": 64,
    "temperature": 0,
}
CHAT = {
    "model": "us.amazon.nova-lite-v1:0",
    "messages": [
        {"role": "system", "content": "You are a helpful assistant."},
        {"role": "user", "content": "My dog is called Rex."},
        {"role": "assistant", "content": "Rex is a lovely name."},
        {"role": "user", "content": "Write one sentence about my dog."},
    ],
    "max_tokens": 64,
    "temperature": 0,
}
STREAM = {**CHAT, "stream": True}
IMAGE = {
    "model": "stability.stable-diffusion-xl-v1",
    "prompt": "an astronaut riding a horse on Mars",
    "size": "1024x1024",
}
UPLOAD = "Tell me about Rex, my dog."
MESSAGE = {"prompt": "a lighthouse at night"}


def ready(
    settings: Settings, deployed: Deployed, command: Path, models: list[dict[str, str]], seconds: float
) -> str:
    lines = [
        f"ready in {seconds:.1f} s",
        f"  page     {settings.api}/ (the playground)",
        f"  API      {settings.api}/v1",
        f"  AWS      {settings.aws} (S3, SQS, Lambda; in memory)",
        f"  bucket   s3://{deployed.bucket}",
        *(f"  queue    {url}" for url in deployed.queues),
        f"  Bedrock  {settings.bedrock}",
        *(f"  {line}" for line in backends(settings, models)),
        f"  logs     {settings.runs}",
        "",
        curl(settings, "/v1/completions", COMPLETION),
        "",
        curl(settings, "/v1/chat/completions", CHAT),
        "",
        curl(settings, "/v1/chat/completions", STREAM),
        "",
        curl(settings, "/v1/images/generations", IMAGE),
        "",
        f"curl -s {settings.api}/v1/models",
        "",
        *uploads(deployed, command),
        "",
        "Ctrl-C stops everything.",
    ]
    return "\n".join(lines)


def backends(settings: Settings, models: list[dict[str, str]]) -> list[str]:
    if settings.bedrock_url is not None:
        return ["models   answered by that Bedrock, not by the local one"]
    answered: defaultdict[str, list[str]] = defaultdict(list)
    for model in models:
        answered[model["backend"]].append(model["model"])
    lines = []
    for backend, ids in answered.items():
        lines.append(f"models   answered by {backend}:")
        lines.extend(f"           {id}" for id in sorted(ids))
    return lines


def uploads(deployed: Deployed, command: Path) -> list[str]:
    """The same without HTTP: an upload, a message, and where the results of both are."""
    aws = shlex.quote(str(command))
    _chat, _completion, image = deployed.queues
    return [
        f"echo '{UPLOAD}' | {aws} s3 cp - s3://{deployed.bucket}/requests/chat/rex.txt",
        f"{aws} sqs send-message --queue-url {image} --message-body '{json.dumps(MESSAGE)}'",
        f"{aws} s3 sync s3://{deployed.bucket}/results results",
    ]


def curl(settings: Settings, path: str, body: dict[str, Any]) -> str:
    text = json.dumps(body).replace("'", "'\\''")
    # Nothing of a stream is held back.
    flags = "-sN" if body.get("stream") else "-s"
    return f"curl {flags} {settings.api}{path} -H 'content-type: application/json' -d '{text}'"
