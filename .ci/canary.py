"""Says how much was looked at for content, and holds that every function was given some.

canary.py RECORD. The end-to-end tests look for the canary themselves, in all that a function's process writes. That
says nothing of a process that was never told it.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from iam_calls import Process, Record

# Tests whose functions are given nothing that is content, by how their names begin, and why.
WITHOUT = {
    "bad_input envelopes::b20_": "a browser's question before a request has no body",
    "canary what_is_no_content_fails_no_test": "that is what it is for",
    "function ": "lists of models are asked for without a body, and the keys in the headers are no part of this count",
}


def name(process: Process) -> str:
    return f"{process.suite} {process.test}"


def main() -> int:
    record = Record(Path(sys.argv[1]))
    ends = {end["ended"]: end for end in record.ends}
    assert ends.keys() == record.processes.keys(), "a function did not end, or was not looked at"
    asked = {key for key, end in ends.items() if end["invocations"]}
    untold = {name(record.processes[key]) for key in asked - record.given}
    suites = Counter(process.suite for process in record.processes.values())
    megabytes = sum(end["bytes"] for end in ends.values()) / 1e6
    invocations = sum(end["invocations"] for end in ends.values())
    print(
        f"canary: in {len(ends)} processes of {len(suites)} suites, {invocations} invocations, {megabytes:.1f} MB of "
        f"output and error reports: nowhere. {len(asked & record.given)} processes were told it, "
        f"{len(asked - record.given)} not"
    )
    unknown = {test for test in untold if not test.startswith(tuple(WITHOUT))}
    needless = {start for start in WITHOUT if not any(test.startswith(start) for test in untold)}
    if unknown or needless:
        print(f"never told, and not known for it: {sorted(unknown)}", file=sys.stderr)
        print(f"told after all: {sorted(needless)}", file=sys.stderr)
    return 1 if unknown or needless else 0


if __name__ == "__main__":
    sys.exit(main())
