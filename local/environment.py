"""Prints the parameters that samconfig.toml gives an environment.

environment.py ENVIRONMENT. SAM forgets them all as soon as its command line names a parameter.
"""

from __future__ import annotations

import sys
from pathlib import Path

import tomlkit

CONFIGURATION = Path(__file__).resolve().parents[1] / "samconfig.toml"


def main() -> int:
    _, name = sys.argv
    environments = tomlkit.parse(CONFIGURATION.read_text()).unwrap()
    if "deploy" not in environments.get(name, {}):
        print(f"samconfig.toml has no environment {name}", file=sys.stderr)
        return 1
    print(*environments[name]["deploy"]["parameters"].get("parameter_overrides", []))
    return 0


if __name__ == "__main__":
    sys.exit(main())
