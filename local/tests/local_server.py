"""The local Bedrock that the Python tests of this folder call: one that runs, or their own."""

import atexit
import os
import pathlib
import subprocess
import sys

import boto3
from botocore.config import Config


def endpoint():
    """The first argument of the script, or a server that ends with it."""
    return sys.argv[1] if len(sys.argv) > 1 else start()


def start():
    """Builds and starts a server on a free port, which its log names."""
    root = pathlib.Path(__file__).resolve().parents[2]
    command = ["cargo", "run", "--quiet", "--locked", "--package", "local-bedrock", "--"]
    server = subprocess.Popen(
        [*command, "--listen", "127.0.0.1:0", "--text-backend", "simulator"],
        cwd=root,
        env={**os.environ, "RUST_LOG": "info", "LOCAL_FAULTS": ""},
        stderr=subprocess.PIPE,
        text=True,
    )
    atexit.register(server.wait)
    atexit.register(server.terminate)
    for line in server.stderr:
        if "listening" in line:
            address = next(word for word in line.split() if word.startswith("address="))
            return "http://" + address.removeprefix("address=")
    fail("the server does not start")


def client(service, endpoint):
    """A client of boto3 that calls once and repeats nothing."""
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(retries={"total_max_attempts": 1}),
    )


def check(fact, message):
    if not fact:
        fail(message)


def check_text(text):
    check(isinstance(text, str) and text.strip(), f"no text: {text!r}")


def fail(message):
    sys.exit(f"{pathlib.Path(sys.argv[0]).name}: {message}")
