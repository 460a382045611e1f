"""Starts the stack as a person does, and looks for what it says and leaves behind."""

from __future__ import annotations

import os
import signal
import socket
import unittest
from pathlib import Path
from unittest import mock

import event_files
import probes
from processes import Failed, Family, NotYet
from settings import BadSetting, Settings
from stack_under_test import START_SECONDS, STOP_SECONDS, Stack, free_ports, inherited


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


class TheStack(unittest.TestCase):
    def start(self, ports: list[int] | None = None, **settings: str) -> Stack:
        stack = Stack(ports, **settings)
        self.addCleanup(stack.close)
        return stack

    def assert_gone(self, family: dict[int, str]) -> None:
        living = processes()
        left = [living[id] for id, began in family.items() if id in living and living[id][2] == began]
        self.assertEqual(left, [])

    def test_runs_until_it_is_interrupted_and_leaves_nothing(self) -> None:
        stack = self.start()
        stack.wait_until_ready()
        family = descendants(stack.process.pid)
        self.assertGreaterEqual(len(family), 11, "MiniStack, Bedrock, the door, two of each function")
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

    def test_a_bridge_that_is_down_is_told_in_the_words_of_the_local_bedrock(self) -> None:
        [closed] = free_ports(1)
        address = f"http://127.0.0.1:{closed}/v1"
        stack = self.start(
            LOCAL_TEXT_BACKEND="bridge", LOCAL_BRIDGE_URL=address, LOCAL_BRIDGE_MODEL="some-model"
        )
        self.assertEqual(stack.process.wait(START_SECONDS), 1)
        self.assertIn(
            "error: the local backend `bridge:some-model` does not answer: "
            f"{address} cannot be reached",
            stack.said(),
        )
        self.assertNotIn("Traceback", stack.said())


class TheProbes(unittest.TestCase):
    def setUp(self) -> None:
        aws, bedrock = free_ports(2)
        self.settings = Settings.read({"AWS_PORT": str(aws), "BEDROCK_PORT": str(bedrock)})

    def test_say_what_failed(self) -> None:
        with self.assertRaisesRegex(Failed, "^the bucket bedrock-requests: Could not connect"):
            event_files.prepare(self.settings)
        with self.assertRaisesRegex(Failed, "^the models of local-bedrock: .*refused"):
            probes.models(self.settings)

    def test_look_at_no_profile(self) -> None:
        with mock.patch.dict(os.environ, AWS_PROFILE="there-is-none"):
            with self.assertRaisesRegex(NotYet, "^Could not connect"):
                probes.ask_aws(self.settings)

    def test_that_never_succeed_end_with_the_last_reason(self) -> None:
        family = Family(Path("logs"))
        with self.assertRaisesRegex(Failed, r"^S3 does not answer after 0 s \(Could not connect .*logs$"):
            family.wait_until("S3", lambda: probes.ask_aws(self.settings), 0)


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


class TheTests(unittest.TestCase):
    def test_keep_the_settings_of_the_shell_from_the_stack(self) -> None:
        tools = {"PATH": "/bin", "CARGO_HOME": "/c", "PIP_INDEX_URL": "/p", "https_proxy": "/x"}
        settings = {
            "ALLOWED_MODELS": "none",
            "AWS_ACCESS_KEY_ID": "own",
            "AWS_PROFILE": "own",
            "BEDROCK_URL": "https://bedrock.example/",
            "IMAGE_BUCKET": "own",
            "LOCAL_FAULTS": "true",
            "OPENAI_API_KEY": "own",
            "RUST_LOG": "off",
        }
        self.assertEqual(inherited({**tools, **settings}), tools)


if __name__ == "__main__":
    unittest.main()
