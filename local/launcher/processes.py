"""Child processes that end together."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import IO

GRACE_SECONDS = 5.0
POLL_SECONDS = 0.05
TAIL_LINES = 15


class Failed(Exception):
    """The stack cannot start or go on. The text is for the person at the terminal."""


class NotYet(Exception):
    """A part does not answer yet. The text says what came instead."""


class Stopped(Exception):
    """Somebody asked the stack to stop."""


class Child:
    """One process with a session of its own, so that whatever it starts ends with it."""

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        environment: Mapping[str, str],
        directory: Path,
        log: Path | None,
        output: int | None = None,
    ) -> None:
        self.name = name
        self.log = log
        sink: IO[bytes] | None = log.open("wb") if log else None
        try:
            self.process = subprocess.Popen(
                [os.fspath(part) for part in command],
                env=dict(environment),
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=output if output is not None else sink,
                stderr=subprocess.STDOUT if sink else None,
                start_new_session=True,
            )
        except OSError as error:
            raise Failed(f"{name} cannot be started: {error}") from error
        finally:
            if sink:
                sink.close()

    def signal(self, number: signal.Signals) -> None:
        """Reaches the whole session, also after its first process has ended."""
        try:
            os.killpg(self.process.pid, number)
        except (ProcessLookupError, PermissionError):
            pass

    def death(self) -> str:
        """What to say when it ended by itself."""
        code = self.process.poll()
        text = f"{self.name} ended with status {code}"
        if self.log:
            lines = self.log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
            text += "; the end of " + str(self.log) + ":\n" + "\n".join(f"  | {line}" for line in lines)
        return text


class Family:
    """The children of one run. Leaving the `with` block ends them all, in reverse order."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._children: list[Child] = []
        self._stop = threading.Event()

    def __enter__(self) -> Family:
        self._logs.mkdir(parents=True, exist_ok=True)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask_to_stop)
        return self

    def __exit__(self, *_: object) -> None:
        for child in reversed(self._children):
            child.signal(signal.SIGTERM)
        deadline = time.monotonic() + GRACE_SECONDS
        for child in self._children:
            try:
                child.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                pass
        for child in self._children:
            child.signal(signal.SIGKILL)
            child.process.wait()

    def _ask_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stop.set()

    def start(
        self, name: str, command: Sequence[str | Path], environment: Mapping[str, str], directory: Path
    ) -> None:
        """Starts a child that is to run until the end; its output goes to `<name>.log`."""
        self._children.append(Child(name, command, environment, directory, self._logs / f"{name}.log"))

    def run(
        self, name: str, command: Sequence[str | Path], environment: Mapping[str, str], directory: Path
    ) -> str:
        """Runs a child to its end; its messages are shown, its standard output is returned."""
        child = Child(name, command, environment, directory, None, output=subprocess.PIPE)
        self._children.append(child)
        collected: list[str] = []
        assert child.process.stdout is not None
        reader = threading.Thread(
            target=lambda stream: collected.append(stream.read().decode(errors="replace")),
            args=(child.process.stdout,),
        )
        reader.start()
        while child.process.poll() is None:
            self._pause()
        reader.join()
        self._children.remove(child)
        if child.process.returncode != 0:
            raise Failed(f"{name} failed with status {child.process.returncode}")
        return "".join(collected)

    def wait_until(self, what: str, ask: Callable[[], None], seconds: float) -> None:
        """Asks until no `NotYet` comes back, while every child lives."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                return ask()
            except NotYet as error:
                reason = str(error)
            self._check()
            if time.monotonic() > deadline:
                raise Failed(
                    f"{what} does not answer after {seconds:.0f} s ({reason}); see the logs in {self._logs}"
                )
            self._pause()

    def watch(self) -> None:
        """Returns never: raises `Stopped` when asked to, `Failed` when a child has ended."""
        while True:
            self._check()
            self._pause()

    def _pause(self) -> None:
        if self._stop.wait(POLL_SECONDS):
            raise Stopped

    def _check(self) -> None:
        for child in self._children:
            if child.process.poll() is not None:
                raise Failed(child.death())


def require_free(ports: Mapping[str, int]) -> None:
    """Fails with the name of the variable that moves the first port in use."""
    for variable, port in ports.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                raise Failed(
                    f"port {port} is in use; choose another one with {variable}=<port>"
                ) from error
