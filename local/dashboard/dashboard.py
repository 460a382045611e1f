"""Draws the dashboard of template.yaml as CloudWatch would show it of a run of the local stack.

`make dashboard` calls it. It starts a stack of its own, asks things of it for some minutes, and writes
docs/images/dashboard.svg. With the name of a recording, dashboard.py RECORDING, it draws that one again.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "local" / "launcher"))

from measurements import Measurements, Metric, Span  # noqa: E402
from picture import draw  # noqa: E402
from recording import Recorder  # noqa: E402
from stack_under_test import Stack  # noqa: E402
from widgets import Evaluation  # noqa: E402

PICTURE = ROOT / "docs" / "images" / "dashboard.svg"
RECORDING = Path(os.environ.get("TOOLS_DIR", ROOT / ".tools")) / "dashboard.json"
# The dashboard's own is five minutes, longer than the run.
PERIOD_SECONDS = 6


def main() -> int:
    if not sys.argv[1:]:
        RECORDING.write_text(json.dumps(record()))
    recording = Path(sys.argv[1]) if sys.argv[1:] else RECORDING
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(drawn(json.loads(recording.read_text())))
    print(f"dashboard: {PICTURE.relative_to(ROOT)} shows {recording}")
    return 0


def record() -> dict[str, Any]:
    stack = Stack(None, LOCAL_FAULTS="true")
    try:
        stack.wait_until_ready()
        return Recorder(stack).record()
    finally:
        stack.close()


def drawn(recording: dict[str, Any]) -> str:
    measurements = Measurements()
    lines = sum(measurements.add_line(line) for line in recording["lines"])
    for sample in recording["samples"]:
        metric = Metric.of(sample["namespace"], sample["name"], sample["dimensions"])
        measurements.add(metric, sample["time"], sample["value"])
    reported = {(sample["namespace"], sample["name"]) for sample in recording["samples"]}
    span = Span(recording["start"], recording["end"], PERIOD_SECONDS)
    widgets = list(Evaluation(measurements, reported, span).widgets(recording["body"]))
    began = datetime.fromtimestamp(span.start, timezone.utc)
    minutes = (span.end - span.start) / 60
    subtitle = (
        f"The dashboard of template.yaml, drawn of a local run: {minutes:.0f} minutes on {began:%d %B %Y}, "
        f"{lines} lines of metrics, a point every {PERIOD_SECONDS} s instead of every 5 minutes.",
        "The models are simulated: how long they take, what they refuse and what fails was asked for. "
        "The costs are what AWS would have billed by our price file; nothing was billed.",
    )
    return draw("bedrock-lambda", subtitle, widgets, span)


if __name__ == "__main__":
    sys.exit(main())
