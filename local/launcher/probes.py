"""Questions to the parts of a stack, each answered at once or not at all.

What is asked while it starts raises `NotYet` until it answers.
"""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request
from http import HTTPStatus
from http.client import HTTPException

from botocore.exceptions import BotoCoreError, ClientError

import aws
from processes import Failed, NotYet
from settings import Settings

SECONDS = 2.0
# Longer than the 3 s that local-bedrock gives the bridge's server to take a connection.
HEALTH_SECONDS = 5.0


def ask_door(settings: Settings) -> None:
    try:
        with socket.create_connection(("127.0.0.1", settings.api_port), SECONDS):
            pass
    except OSError as error:
        raise NotYet(str(error)) from error


def ask_aws(settings: Settings) -> None:
    """Asks both S3 and SQS."""
    try:
        aws.client(settings, "s3", SECONDS).list_buckets()
        aws.client(settings, "sqs", SECONDS).list_queues()
    except (BotoCoreError, ClientError) as error:
        raise NotYet(_one_line(error)) from error


def ask_bedrock(settings: Settings) -> None:
    """Fails for good, in the server's own words, when it says that its backend is down."""
    status, body = _ask("GET", f"{settings.bedrock}/_local/health", HEALTH_SECONDS)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        raise Failed(_message(body))
    if status != HTTPStatus.OK:
        raise NotYet(f"status {status}")


def models(settings: Settings) -> list[dict[str, str]]:
    """The `model`s that the local Bedrock plays, each with its `backend`."""
    try:
        _, body = _ask("GET", f"{settings.bedrock}/_local/models", SECONDS)
        found: list[dict[str, str]] = json.loads(body)
    except (NotYet, ValueError) as error:
        raise Failed(f"the models of local-bedrock: {error}") from error
    return found


def ask_function(settings: Settings, path: str) -> None:
    """Asks with a method that no function takes: it costs no call of Bedrock."""
    status, _ = _ask("DELETE", settings.api + path, SECONDS)
    if status != HTTPStatus.METHOD_NOT_ALLOWED:
        raise NotYet(f"status {status}")


def _ask(method: str, url: str, seconds: float) -> tuple[int, bytes]:
    """The status and the body of any answer."""
    # Never through a proxy: the stack is on loopback.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        try:
            answer = opener.open(urllib.request.Request(url, method=method), timeout=seconds)
        except urllib.error.HTTPError as refusal:
            answer = refusal
        with answer:
            return answer.status, answer.read()
    except (OSError, HTTPException) as error:
        raise NotYet(_one_line(error)) from error


def _message(body: bytes) -> str:
    """What a Bedrock error says."""
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return _one_line(body.decode(errors="replace"))


def _one_line(text: object) -> str:
    return " ".join(str(text).split())
