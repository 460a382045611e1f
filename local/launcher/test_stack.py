"""Starts the stack as a person does, with the simulator for a model, and looks for what is left."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request
from pathlib import Path

import boto3

from settings import BadSetting, Settings

STACK = Path(__file__).with_name("stack.py")
# The first start may have to build the workspace.
START_SECONDS = 900
STOP_SECONDS = 15


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def processes() -> dict[int, tuple[int, str, str]]:
    """Of each living process: its parent, its command, and when it began."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text()
        except OSError:
            continue
        command, rest = stat[stat.index("(") + 1 :].rsplit(") ", 1)
        fields = rest.split()
        if fields[0] != "Z":
            found[int(folder.name)] = (int(fields[1]), command, fields[19])
    return found


def descendants(root: int) -> dict[int, str]:
    """When each descendant of a process began, by its id."""
    living = processes()
    family = {root}
    while True:
        children = {id for id, (parent, _, _) in living.items() if parent in family} - family
        if not children:
            return {id: living[id][2] for id in family - {root}}
        family |= children


class Stack:
    """A stack on free ports."""

    def __init__(self, folder: Path, ports: list[int]) -> None:
        self.api, self.aws, self.bedrock = ports
        environment = {
            **os.environ,
            "API_PORT": str(self.api),
            "AWS_PORT": str(self.aws),
            "BEDROCK_PORT": str(self.bedrock),
            "LOCAL_TEXT_BACKEND": "simulator",
            "TOOLS_DIR": str(folder),
        }
        self.output = folder / "output"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, STACK], env=environment, stdout=output, stderr=subprocess.STDOUT
            )

    def said(self) -> str:
        return self.output.read_text()

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not any(line.startswith("ready") for line in self.said().splitlines()):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the stack is not ready:\n{self.said()}")
            time.sleep(0.1)

    def post(self, path: str, body: dict[str, object]) -> dict[str, object]:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.api}{path}",
            json.dumps(body).encode(),
            {"content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            parsed: dict[str, object] = json.load(answer)
            return parsed


class TheStack(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def start(self, ports: list[int] | None = None) -> Stack:
        stack = Stack(self.folder, ports or free_ports(3))
        self.addCleanup(stack.process.wait)
        self.addCleanup(stack.process.terminate)
        return stack

    def assert_gone(self, family: dict[int, str]) -> None:
        living = processes()
        left = [living[id] for id, began in family.items() if id in living and living[id][2] == began]
        self.assertEqual(left, [])

    def test_answers_until_it_is_interrupted_and_leaves_nothing(self) -> None:
        stack = self.start()
        stack.wait_until_ready()
        family = descendants(stack.process.pid)
        self.assertGreaterEqual(len(family), 9, "MiniStack, Bedrock, the door, two of each function")

        keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
        s3 = boto3.client(
            "s3", endpoint_url=f"http://127.0.0.1:{stack.aws}", region_name="us-east-1", **keys
        )
        self.assertEqual([bucket["Name"] for bucket in s3.list_buckets()["Buckets"]], ["bedrock-images"])
        completion = stack.post(
            "/v1/completions", {"model": "amazon.titan-tg1-large", "prompt": "Hello"}
        )
        self.assertIn("[simulated]", json.dumps(completion))
        image = stack.post(
            "/v1/images/generations",
            {"model": "stability.stable-diffusion-xl-v1", "prompt": "a fox", "size": "1024x1024"},
        )
        url = image["data"][0]["url"]  # type: ignore[index]
        with urllib.request.urlopen(url, timeout=30) as answer:
            self.assertEqual(answer.read(8), b"\x89PNG\r\n\x1a\n")

        stack.process.send_signal(signal.SIGINT)
        self.assertEqual(stack.process.wait(STOP_SECONDS), 0, stack.said())
        self.assert_gone(family)

    def test_ends_and_says_why_when_a_part_dies(self) -> None:
        stack = self.start()
        stack.wait_until_ready()
        family = descendants(stack.process.pid)
        living = processes()
        [bedrock] = [id for id in family if living[id][1] == "local-bedrock"]
        os.kill(bedrock, signal.SIGKILL)
        self.assertEqual(stack.process.wait(STOP_SECONDS), 1, stack.said())
        self.assertIn("error: local-bedrock ended with status -9", stack.said())
        self.assert_gone(family)

    def test_a_port_in_use_is_named_with_its_variable(self) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            api, bedrock = free_ports(2)
            port = taken.getsockname()[1]
            stack = self.start([api, port, bedrock])
            self.assertEqual(stack.process.wait(STOP_SECONDS), 1)
        self.assertEqual(
            stack.said(), f"error: port {port} is in use; choose another one with AWS_PORT=<port>\n"
        )


class TheSettings(unittest.TestCase):
    def check(self, environment: dict[str, str], complaint: str) -> None:
        with self.assertRaisesRegex(BadSetting, complaint):
            Settings.read(environment)

    def test_refuse_what_cannot_work(self) -> None:
        self.check({"API_PORT": "http"}, "API_PORT must be a port")
        self.check({"AWS_PORT": "70000"}, "AWS_PORT must be a port")
        self.check({"AWS_PORT": "9000"}, "must differ")
        self.check({"LOCAL_TEXT_BACKEND": "oracle"}, "LOCAL_TEXT_BACKEND is")
        self.check({"LOCAL_BRIDGE_URL": "http://127.0.0.1:11434/v1"}, "LOCAL_BRIDGE_MODEL")

    def test_real_credentials_go_to_another_bedrock_only(self) -> None:
        own = {"AWS_ACCESS_KEY_ID": "own", "AWS_SECRET_ACCESS_KEY": "secret"}
        self.assertEqual(Settings.read(own).credentials["AWS_ACCESS_KEY_ID"], "local")
        elsewhere = Settings.read({**own, "BEDROCK_URL": "https://bedrock.example/"})
        self.assertEqual(elsewhere.credentials["AWS_ACCESS_KEY_ID"], "own")
        self.assertEqual(elsewhere.bedrock, "https://bedrock.example")
        self.assertNotIn("BEDROCK_PORT", elsewhere.ports)


if __name__ == "__main__":
    unittest.main()
