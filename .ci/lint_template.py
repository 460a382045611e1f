"""Asks the tools about the template, says what they find, and counts what they are told to pass over.

lint_template.py TEMPLATE.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path

from checkers import CfnLint, Checker, Checkov, Guard, Template, single
from translate import translate
from variant import variants

MOST_SUPPRESSIONS = 20


def look(checker: Checker, templates: list[Template]) -> bool:
    """Whether there is nothing to say, neither of the templates nor of the suppressions."""
    began = time.monotonic()
    found = [finding for findings in checker.all_findings(templates) for finding in findings]
    hidden = Counter(finding.rule for finding in found)
    suppressions = checker.suppressions()
    for finding in sorted({finding for finding in found if finding.rule not in suppressions}):
        print(f"{checker.name}: {finding}", file=sys.stderr)
    for rule, reason in suppressions.items():
        print(f"  suppressed: {rule} ({hidden[rule]} findings): {reason}")
    idle = [rule for rule in suppressions if not hidden[rule]]
    for rule in idle:
        print(f"{checker.name}: {rule} is suppressed and says nothing", file=sys.stderr)
    loud = sum(hidden[rule] for rule in hidden if rule not in suppressions)
    print(
        f"{checker.name} {checker.version()}: {loud} findings in {len(templates)} templates,"
        f" {len(suppressions)} rules suppressed, {time.monotonic() - began:.0f} s"
    )
    return not loud and not idle


def main() -> int:
    translated = translate(Path(sys.argv[1]), {})
    resolved = single(variants(translated))
    asked: list[tuple[Checker, list[Template]]] = [
        (CfnLint(), [translated]),
        (Guard(), resolved),
        (Checkov(), resolved),
    ]
    clean = [look(checker, templates) for checker, templates in asked]
    suppressed = sum(len(checker.suppressions()) for checker, _ in asked)
    print(f"linters: {suppressed} suppressions of at most {MOST_SUPPRESSIONS}")
    return 0 if all(clean) and suppressed <= MOST_SUPPRESSIONS else 1


if __name__ == "__main__":
    sys.exit(main())
