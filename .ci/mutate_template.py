"""Breaks each property of the template's checklist, and holds that a check notices.

mutate_template.py TEMPLATE [PROPERTY …], the latter being those to break, such as T07: all, if none is named.
Each mutant is judged by SAM, the checks in Python, cfn-guard and checkov; cfn-lint, which is slow, is asked about
what these let through.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from samtranslator.model.exceptions import InvalidDocumentException
from samtranslator.yaml_helper import yaml_parse

import check_template
from checkers import CfnLint, Checker, Checkov, Guard, single, without_text
from mutation import Mutant
from mutations import MUTATIONS
from resolve import Resolver
from translate import translated
from variant import variants

SAM, PYTHON = "SAM", "Python"
ORDER = (SAM, PYTHON, Guard.name, Checkov.name, CfnLint.name)


def copied(template: dict[str, Any]) -> dict[str, Any]:
    """Without YAML's anchors: what they say in one place is then mutated in one place alone."""
    copy: dict[str, Any] = json.loads(json.dumps(template))
    return copy


def translation(source: dict[str, Any]) -> dict[str, Any]:
    """What CloudFormation will see, but for the deployment's name, which has the time in it."""
    text = json.dumps(translated(source, {}))
    template: dict[str, Any] = json.loads(re.sub(r"\bApiDeployment[0-9a-f]+", "ApiDeployment", text))
    return template


SOURCE = copied(yaml_parse(Path(sys.argv[1]).read_text()))
WHOLE = translation(copied(SOURCE))
VARIANTS = list(variants(WHOLE))
CFN_LINT, CHECKOV, GUARD = CfnLint(), Checkov(), Guard()


def mutants(chosen: set[str]) -> list[Mutant]:
    found = []
    for mutation in MUTATIONS:
        if not chosen or mutation.property in chosen:
            of_this = mutation.mutants(SOURCE)
            assert of_this, f"{mutation.property} {mutation.path}: {mutation.what}: there is no place that this changes"
            found += of_this
    return found


# Known to each worker, since a change cannot be sent to one.
MUTANTS = mutants(set(sys.argv[2:]))


@dataclass
class Verdict:
    """What was said of one mutant."""

    # In MUTANTS.
    index: int
    changed: dict[str, Any] = field(default_factory=dict)
    # The first thing that each checker said.
    said: dict[str, str] = field(default_factory=dict)
    # The rules that it broke.
    rules: set[str] = field(default_factory=set)

    @property
    def mutant(self) -> Mutant:
        return MUTANTS[self.index]


def judge(index: int) -> Verdict:
    """What SAM and the checks in Python say."""
    verdict = Verdict(index)
    try:
        template = translation(verdict.mutant.of(SOURCE))
    except InvalidDocumentException as error:
        verdict.said[SAM] = "; ".join(cause.message for cause in error.causes)
        return verdict
    assert template != WHOLE, f"{verdict.mutant}: it changes nothing"
    try:
        check_template.check(template)
    except AssertionError as error:
        verdict.said[PYTHON] = str(error)
    except Exception as error:
        raise RuntimeError(f"{verdict.mutant}: a check breaks down instead of saying what is wrong") from error
    verdict.changed = changed(template)
    return verdict


def changed(template: dict[str, Any]) -> dict[str, Any]:
    """The resources that differ, as the first variant has them in which they do."""
    before = WHOLE["Resources"]
    differing = {name: resource for name, resource in template["Resources"].items() if before.get(name) != resource}
    found: dict[str, Any] = {}
    for variant in VARIANTS:
        # A parameter or a condition may change them all.
        for name, resource in Resolver(template, variant.chosen).present(differing or template["Resources"]).items():
            if variant.resources.get(name) != resource:
                found.setdefault(name, without_text(resource))
    return found


def ask(checker: Checker, verdicts: list[Verdict], pool: ProcessPoolExecutor) -> None:
    """One that looks at one resource at a time is asked about those that changed, in a run for each core."""
    asked = [(verdict, {"Resources": verdict.changed}) for verdict in verdicts if verdict.changed]
    cores = os.cpu_count() or 1
    parts = [asked[first::cores] for first in range(cores)]
    answers = pool.map(checker.findings, [[template for _, template in part] for part in parts])
    for part, answer in zip(parts, answers, strict=True):
        for (verdict, _), findings in zip(part, answer, strict=True):
            for finding in findings:
                verdict.said.setdefault(checker.name, str(finding))
                verdict.rules.add(finding.rule)


def lint(index: int) -> str | None:
    (findings,) = CFN_LINT.findings([translation(MUTANTS[index].of(SOURCE))])
    return str(findings[0]) if findings else None


def judged() -> list[Verdict]:
    with ProcessPoolExecutor() as pool:
        verdicts = list(pool.map(judge, range(len(MUTANTS)), chunksize=8))
        ask(GUARD, verdicts, pool)
        ask(CHECKOV, verdicts, pool)
        silent = [verdict for verdict in verdicts if not verdict.said]
        for verdict, said in zip(silent, pool.map(lint, [verdict.index for verdict in silent]), strict=True):
            if said is not None:
                verdict.said[CFN_LINT.name] = said
    return verdicts


def check_whole() -> None:
    """A mutant proves nothing where the template itself is refused."""
    check_template.check(WHOLE)
    asked = single(VARIANTS)
    found = CFN_LINT.findings([WHOLE]) + GUARD.findings(asked) + CHECKOV.findings(asked)
    for finding in sum(found, []):
        raise AssertionError(f"the template is not clean: {finding}")


def report(verdicts: list[Verdict]) -> None:
    for name in sorted({verdict.mutant.property for verdict in verdicts}):
        of = [verdict for verdict in verdicts if verdict.mutant.property == name]
        caught = Counter(checker for verdict in of for checker in verdict.said)
        by = ", ".join(f"{checker} {caught[checker]}" for checker in ORDER if caught[checker])
        print(f"{name}: {len(of)} mutants; caught by {by or 'none'}")


def main() -> int:
    began = time.monotonic()
    check_whole()
    verdicts = judged()
    report(verdicts)
    # A rule of our own that no mutant breaks might hold nothing.
    idle = set() if sys.argv[2:] else GUARD.names() - {rule for verdict in verdicts for rule in verdict.rules}
    for rule in sorted(idle):
        print(f"no mutant breaks {rule}", file=sys.stderr)
    survivors = [verdict for verdict in verdicts if not verdict.said]
    for verdict in verdicts if os.environ.get("VERBOSE") else survivors:
        print(verdict.mutant, verdict.said or "nobody noticed", sep="\n    ")
    caught, properties = len(verdicts) - len(survivors), len({verdict.mutant.property for verdict in verdicts})
    seconds = time.monotonic() - began
    print(f"mutants: {caught} of {len(verdicts)} caught, {properties} properties, {seconds:.0f} s")
    return 1 if survivors or idle else 0


if __name__ == "__main__":
    sys.exit(main())
