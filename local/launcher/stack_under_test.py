"""A stack for the tests: on free ports, with the simulator for a model, away from the shell's settings."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from settings import MACHINE_VARIABLES

STACK = Path(__file__).with_name("stack.py")
# The first start may have to build the workspace.
START_SECONDS = 900
STOP_SECONDS = 15

# What cargo, its linker and pip need besides to work here as they do in the shell.
TOOL_VARIABLES = ("CC", "CXX", "AR", "RUSTC_WRAPPER", "RUSTFLAGS", "SSL_CERT_DIR", "SSL_CERT_FILE")
TOOL_PREFIXES = ("CARGO_", "PIP_", "RUSTUP_")
PROXY_VARIABLES = ("ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY")


def inherited(environment: Mapping[str, str]) -> dict[str, str]:
    """The part of an environment that says nothing about the stack. With the whole of it a
    `BEDROCK_URL` and keys in somebody's shell would make the tests call, and pay, a real Bedrock."""
    return {
        name: value
        for name, value in environment.items()
        if name in MACHINE_VARIABLES
        or name in TOOL_VARIABLES
        or name.startswith(TOOL_PREFIXES)
        or name.upper() in PROXY_VARIABLES
    }


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


class Stack:
    """A launcher in a process of its own. `settings` are the variables of docs/local.md."""

    def __init__(self, ports: list[int] | None = None, **settings: str) -> None:
        api, aws, bedrock = ports or free_ports(3)
        self.api = f"http://127.0.0.1:{api}"
        self.aws = f"http://127.0.0.1:{aws}"
        self.bedrock = f"http://127.0.0.1:{bedrock}"
        self.folder = Path(tempfile.mkdtemp())
        environment = {
            **inherited(os.environ),
            "API_PORT": str(api),
            "AWS_PORT": str(aws),
            "BEDROCK_PORT": str(bedrock),
            "LOCAL_TEXT_BACKEND": "simulator",
            "TOOLS_DIR": str(self.folder),
            **settings,
        }
        self.output = self.folder / "output"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, STACK], env=environment, stdout=output, stderr=subprocess.STDOUT
            )

    def close(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        shutil.rmtree(self.folder)

    def said(self) -> str:
        return self.output.read_text()

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not any(line.startswith("ready") for line in self.said().splitlines()):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the stack is not ready:\n{self.said()}")
            time.sleep(0.1)


def post(url: str, body: str) -> Any:
    """The JSON of an answer; any status but success is an error."""
    return json.loads(read(to_post(url, body)))


def to_post(url: str, body: str) -> urllib.request.Request:
    return urllib.request.Request(url, body.encode(), {"content-type": "application/json"})


def read(request: str | urllib.request.Request) -> bytes:
    """The body of an answer, never through a proxy: the stack is on loopback."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=30) as answer:
        found: bytes = answer.read()
        return found
