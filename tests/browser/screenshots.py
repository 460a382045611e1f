"""Starts a stack and has the pictures of the playground taken: screenshots.py FOLDER."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "local" / "launcher"))

from stack_under_test import Stack  # noqa: E402

TOOLS = Path(os.environ.get("TOOLS_DIR", ROOT / ".tools"))


def main() -> int:
    stack = Stack()
    try:
        stack.wait_until_ready()
        url = f"{stack.api}/v1"
        environment = {
            **os.environ,
            "API_URL": url,
            "FAULTY_API_URL": url,
            "NODE_PACKAGES": str(TOOLS / "node-packages" / "node_modules"),
        }
        node = TOOLS / "test-venv" / "bin" / "node"
        command: list[str | Path] = [node, Path(__file__).with_suffix(".mjs"), *sys.argv[1:]]
        return subprocess.run(command, env=environment, check=False).returncode
    finally:
        stack.close()


if __name__ == "__main__":
    sys.exit(main())
