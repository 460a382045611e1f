"""Runs the official clients, unmodified, against the whole product, what they sent and received
against docs/openapi.yaml, and a browser against its page.

`make test` calls it with the launcher's own Python. It starts two stacks, which all runners share:
one as `make run` starts it, but for the simulator, and one that obeys `[[fault:…]]` in prompts and is
configured so that every limit can be met. The runners are programs of their own, each with its own
closing lines.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "local" / "launcher"))

from stack_under_test import Stack, inherited  # noqa: E402

TOOLS = Path(os.environ.get("TOOLS_DIR", ROOT / ".tools"))
PYTHON = TOOLS / "test-venv" / "bin" / "python"
NODE = TOOLS / "test-venv" / "bin" / "node"
PACKAGES = TOOLS / "node-packages" / "node_modules"
BROWSER = ROOT / "tests" / "browser"

# What the tests of the errors may ask for, the model that does not exist among it: one that the
# deployment does not allow is another error.
ALLOWED_MODELS = (
    "us.amazon.nova-micro-v1:0",
    "us.amazon.nova-lite-v1:0",
    "us.amazon.nova-none-v9:0",
    "amazon.titan-text-express-v1",
    "arn:aws:bedrock:us-east-1:123456789012:imported-model/claude123456",
    "stability.stable-image-core-v1:1",
)
FAULTY = {
    "LOCAL_FAULTS": "true",
    "ALLOWED_MODELS": ",".join(ALLOWED_MODELS),
    # An answer that pauses is given up after this, which the tests wait for.
    "IDLE_TIMEOUT_SECONDS": "2",
    "MAX_PROMPT_CHARACTERS": "20000",
    "MAX_HISTORY_CHARACTERS": "30000",
}


def main() -> int:
    began = time.monotonic()
    with ExitStack() as ending:
        plain, faulty = started(ending), started(ending, **FAULTY)
        plain.wait_until_ready()
        faulty.wait_until_ready()
        print(f"clients: two stacks are ready after {time.monotonic() - began:.1f} s", flush=True)
        exchanges = ending.enter_context(tempfile.TemporaryDirectory())
        return run(plain, faulty, Path(exchanges))


def started(ending: ExitStack, **settings: str) -> Stack:
    stack = Stack(None, **settings)
    ending.callback(stack.close)
    return stack


def run(plain: Stack, faulty: Stack, exchanges: Path) -> int:
    """The number of runners that failed."""
    environment = {
        # Neither SDK shall find a key, an address or a proxy in the shell.
        **inherited(os.environ),
        "no_proxy": "127.0.0.1",
        "API_URL": f"{plain.api}/v1",
        "FAULTY_API_URL": f"{faulty.api}/v1",
        "EXCHANGES": str(exchanges),
        "NODE_PACKAGES": str(PACKAGES),
        **{name: os.environ[name] for name in ("CI", "CHROMIUM") if name in os.environ},
        # Runs what the playground shows, as this and the next do.
        "AWS": str(plain.folder / "aws"),
        "PYTHON": str(PYTHON),
    }
    runners: dict[str, list[str | Path]] = {
        "OpenAI's SDK for Python, LangChain": [PYTHON, "-m", "unittest", "discover", "--verbose"],
        "OpenAI's SDK for Node": [NODE, "--test", "--test-reporter=spec"],
        "the playground, in Chromium": [NODE, "--test", "--test-reporter=spec", BROWSER / "playground.test.mjs"],
        "docs/openapi.yaml": [PYTHON, "-m", "unittest", "--verbose", "check_document"],
    }
    return sum(runner(name, command, environment) for name, command in runners.items())


def runner(name: str, command: list[str | Path], environment: dict[str, str]) -> bool:
    began = time.monotonic()
    print(f"clients: {name}", flush=True)
    failed = subprocess.run(command, cwd=HERE, env=environment).returncode != 0
    print(
        f"clients: {name}: {'failed' if failed else 'ok'} in {time.monotonic() - began:.1f} s",
        flush=True,
    )
    return failed


if __name__ == "__main__":
    sys.exit(main())
