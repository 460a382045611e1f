"""Questions to the parts of a stack, each answered at once or not at all."""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request
from typing import Any

import boto3
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from settings import Settings

SECONDS = 2.0


def listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), SECONDS):
            return True
    except OSError:
        return False


def aws_answers(settings: Settings) -> bool:
    """Whether both S3 and SQS answer."""
    try:
        _client(settings, "s3").list_buckets()
        _client(settings, "sqs").list_queues()
    except (BotoCoreError, ClientError):
        return False
    return True


def create_bucket(settings: Settings) -> None:
    _client(settings, "s3").create_bucket(Bucket=settings.bucket)


def bedrock_answers(settings: Settings) -> bool:
    return _status(f"{settings.bedrock}/_local/health") == 200


def models(settings: Settings) -> list[dict[str, str]]:
    """The `model`s that the local Bedrock plays, each with its `backend`."""
    with _open(f"{settings.bedrock}/_local/models") as answer:
        found: list[dict[str, str]] = json.load(answer)
        return found


def function_answers(settings: Settings, path: str) -> bool:
    """Asks with a method that no function takes: it costs no model call."""
    return _status(settings.api + path) == 405


def _status(url: str) -> int | None:
    try:
        with _open(url) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except OSError:
        return None


def _open(url: str) -> Any:
    # Never through a proxy: the stack is on loopback.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return opener.open(url, timeout=SECONDS)


def _client(settings: Settings, service: str) -> BaseClient:
    return boto3.client(
        service,
        endpoint_url=settings.aws,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(connect_timeout=SECONDS, read_timeout=SECONDS, retries={"max_attempts": 0}, proxies={}),
    )
