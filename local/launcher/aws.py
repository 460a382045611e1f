"""MiniStack, as the launcher and a person reach it."""

from __future__ import annotations

import functools
import shlex
import sys
from pathlib import Path
from typing import Any

import boto3
import botocore.session
from botocore.config import Config

from settings import Settings

NO_PROFILE = {"profile": (None, None, None, None)}


def client(settings: Settings, service: str, seconds: float) -> Any:
    """A client that gives up after `seconds` and asks once."""
    return _session().client(
        service,
        endpoint_url=settings.aws,
        region_name=settings.region,
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(connect_timeout=seconds, read_timeout=seconds, retries={"max_attempts": 0}, proxies={}),
    )


@functools.cache
def _session() -> boto3.Session:
    """One for all: reading what a service can do takes longer than asking it."""
    # The person's own profile is neither needed nor, perhaps, there.
    return boto3.Session(botocore_session=botocore.session.Session(NO_PROFILE))


def create_bucket(s3: Any, name: str) -> None:
    """In the client's region, which S3 wants to be told of unless it is its first one."""
    region = s3.meta.region_name
    place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    s3.create_bucket(Bucket=name, **place)


def write_command(settings: Settings) -> Path:
    """Makes the AWS CLI that speaks to this stack, whatever the shell says of another account."""
    environment = {
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": settings.region,
        "PATH": "$PATH",
        "HOME": "$HOME",
    }
    words = " ".join(f'{name}="{value}"' for name, value in environment.items())
    program = shlex.quote(str(Path(sys.executable).with_name("aws")))
    command = settings.tools / "aws"
    command.write_text(f'#!/bin/sh\nexec env -i {words} {program} --endpoint-url {settings.aws} "$@"\n')
    command.chmod(0o755)
    return command
