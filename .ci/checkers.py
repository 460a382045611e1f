"""The tools that judge the template beside the checks in Python, each asked in the same way.

cfn-lint knows conditions and sees the translated template. The others would pass over what stands behind one:
they see the resources as variants have them, with conditions and references resolved (variant.py). They look
at one at a time, so that a few will do.

A tool's suppressions stand in its own configuration, .ci/rules/, with their reasons. They are taken away
here, after the tool has spoken: one that hides nothing is known for it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cfnlint.config import ConfigMixIn
from cfnlint.runner import Runner

from variant import Variant

Template = Mapping[str, Any]

HERE = Path(__file__).parent
RULES = HERE / "rules"
TOOLS = Path(os.environ.get("TOOLS_DIR", HERE.parent / ".tools"))


@dataclass(frozen=True, order=True)
class Finding:
    """What a tool objects to."""

    rule: str
    # The resource, where the tool says which.
    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.rule} {self.place}: {self.message}"


class Checker:
    """One tool."""

    name: str
    # Its file in RULES, whose last list is of the rules that are turned off, each with its reason behind it.
    configuration: str | None = None

    def version(self) -> str:
        raise NotImplementedError

    def all_findings(self, templates: Sequence[Template]) -> list[list[Finding]]:
        """Those of each template, with those that are suppressed."""
        raise NotImplementedError

    def findings(self, templates: Sequence[Template]) -> list[list[Finding]]:
        hidden = self.suppressions()
        return [[finding for finding in found if finding.rule not in hidden] for found in self.all_findings(templates)]

    def suppressions(self) -> dict[str, str]:
        """The rules that its configuration turns off, with the reasons."""
        if self.configuration is None:
            return {}
        *_, last = re.split(r"^\S+:$", (RULES / self.configuration).read_text(), flags=re.MULTILINE)
        reasons = {}
        for line in last.strip().splitlines():
            entry = re.fullmatch(r" *- (\w+) # (.+)", line)
            assert entry, f"{self.configuration} has no reason for {line.strip()}"
            reasons[entry[1]] = entry[2]
        return reasons


class CfnLint(Checker):
    """cfn-lint, with the rules for serverless applications. It knows conditions."""

    name = "cfn-lint"
    configuration = "cfn-lint.yaml"

    def __init__(self) -> None:
        # What is mandatory is heard even where the configuration ignores it.
        options = ["--config-file", str(RULES / self.configuration), "--mandatory-checks", "E", "W", "I"]
        self.runner = Runner(ConfigMixIn(options))

    def version(self) -> str:
        return f"{version('cfn-lint')} with serverless {version('cfn-lint-serverless')}"

    def all_findings(self, templates: Sequence[Template]) -> list[list[Finding]]:
        return [list(self.of(template)) for template in templates]

    def of(self, template: Template) -> Iterable[Finding]:
        for match in self.runner.validate_template(dict(template)):
            place = "/".join(map(str, (match.path or [])[:2]))
            yield Finding(match.rule.id, place, match.message)


class Checkov(Checker):
    """checkov, offline."""

    name = "checkov"
    configuration = "checkov.yaml"
    command = TOOLS / "checkov-venv/bin/checkov"

    def version(self) -> str:
        return subprocess.run([self.command, "--version"], capture_output=True, text=True, check=True).stdout.strip()

    def all_findings(self, templates: Sequence[Template]) -> list[list[Finding]]:
        with tempfile.TemporaryDirectory() as folder:
            for number, template in enumerate(templates):
                Path(folder, f"{number}.json").write_text(json.dumps(template, indent=1))
            options = ["--framework", "cloudformation", "--skip-download", "--quiet", "--compact", "--output", "json"]
            run = subprocess.run(
                [self.command, "--directory", folder, *options], capture_output=True, text=True, check=False
            )
        assert run.returncode in (0, 1), run.stderr
        report = json.loads(run.stdout)
        # Where it has a rule for none of the resources, the summary is all.
        assert report.get("summary", report)["parsing_errors"] == 0, "checkov cannot read a template"
        found: list[list[Finding]] = [[] for _ in templates]
        for failed in report.get("results", {"failed_checks": []})["failed_checks"]:
            number = int(Path(failed["file_path"]).stem)
            found[number].append(Finding(failed["check_id"], failed["resource"], failed["check_name"]))
        return found


class Guard(Checker):
    """cfn-guard, with the rules of this template."""

    name = "cfn-guard"
    command = TOOLS / "guard/cfn-guard"

    def version(self) -> str:
        text = subprocess.run([self.command, "--version"], capture_output=True, text=True, check=True).stdout
        return text.removeprefix("cfn-guard").strip()

    def rules(self) -> list[str]:
        return [path.read_text() for path in sorted(RULES.glob("*.guard"))]

    def names(self) -> set[str]:
        return set(re.findall(r"^rule (\w+)", "\n".join(self.rules()), re.MULTILINE))

    def all_findings(self, templates: Sequence[Template]) -> list[list[Finding]]:
        payload = json.dumps({"rules": self.rules(), "data": [json.dumps(template) for template in templates]})
        options = ["--payload", "--structured", "--output-format", "json", "--show-summary", "none"]
        run = subprocess.run(
            [self.command, "validate", *options], input=payload, capture_output=True, text=True, check=False
        )
        # 19: some rules were not kept.
        assert run.returncode in (0, 19), run.stderr
        reports = json.loads(run.stdout)
        found: list[list[Finding]] = [[] for _ in templates]
        for report in reports:
            # DATA_STDIN[1] is the first.
            number = int(report["name"].removeprefix("DATA_STDIN[").removesuffix("]"))
            for broken in report["not_compliant"]:
                found[number - 1] += guard_findings(broken["Rule"])
        return found


def guard_findings(rule: Mapping[str, Any]) -> Iterable[Finding]:
    """What guard says of one broken rule: a tree, with the clauses that failed at its leaves."""
    leaves = list(failed_clauses(rule["checks"]))
    for clause in leaves:
        messages = clause["messages"]
        message = messages["custom_message"] or messages["error_message"] or "is not kept"
        # The value itself comes behind, which may be a whole resource.
        message = message.strip().partition(" Value traversed to")[0]
        path = re.search(r"/Resources/([A-Za-z0-9]+)", json.dumps(clause))
        yield Finding(rule["name"], path[1] if path else "", message)
    if not leaves:
        yield Finding(rule["name"], "", "is not kept")


def failed_clauses(node: Any) -> Iterable[Mapping[str, Any]]:
    if isinstance(node, list):
        for item in node:
            yield from failed_clauses(item)
    elif isinstance(node, dict):
        if "messages" in node and "check" in node:
            yield node
        else:
            for item in node.values():
                yield from failed_clauses(item)


def single(variants: Iterable[Variant]) -> list[Template]:
    """Each resource of the variants once in each form that it has."""
    seen: set[str] = set()
    templates: list[Template] = []
    for variant in variants:
        resources = {}
        for name, resource in variant.resources.items():
            form = json.dumps([name, resource])
            if form not in seen:
                seen.add(form)
                resources[name] = without_text(resource)
        templates.append({"Resources": resources})
    return templates


def without_text(resource: Mapping[str, Any]) -> Mapping[str, Any]:
    """The API's definition and the dashboard are most of a template, and no tool has a rule for them."""
    texts = ("Body", "DashboardBody")
    properties = {name: value for name, value in resource.get("Properties", {}).items() if name not in texts}
    return {**resource, "Properties": properties}
