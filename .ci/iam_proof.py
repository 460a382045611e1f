"""Holds what the functions' roles allow against the calls that the end-to-end tests really made.

iam_proof.py TEMPLATE RECORD DOCUMENT [--write]

Every call is allowed, with each choice of the parameters that changes a role; every action that is allowed was called
or has its reason; without an action the calls that need it are refused, so that this could fail. The document lists
it all: with --write it is written, else it has to be what it would be.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from iam_calls import Call, Record
from iam_document import written
from iam_permission import Permission
from iam_policy import Need, like, listed, without
from iam_reasons import REASONS, REASONS_OF, Reason, reason
from iam_template import CHOICES, Choice
from translate import translate

TESTS = Path(__file__).parent.parent / "tests" / "tests"
# Suites that start no function.
WITHOUT_FUNCTIONS = {"openapi", "wire"}
# The models function's own tests, beside it.
FURTHER_SUITES = {"function"}


class Proof:
    """All calls under all choices."""

    def __init__(self, template: Mapping[str, Any], record: Record) -> None:
        self.record = record
        self.choices = [Choice(template, name) for name in CHOICES]
        self.permissions: dict[tuple[str, ...], Permission] = {}
        self.by_action: dict[tuple[str, str], list[Permission]] = defaultdict(list)
        self.prefixes: set[tuple[str, str]] = set()
        self.used_prefixes: set[tuple[str, str]] = set()
        self.reasons: set[Reason] = set()
        self.pairs: dict[str, set[tuple[str, str]]] = defaultdict(set)
        self.removals = 0

    def check(self) -> None:
        self.check_suites()
        unseen = set(self.record.counts)
        for choice in self.choices:
            self.list_permissions(choice)
            unseen -= self.check_choice(choice)
        assert not unseen, f"no choice of parameters has {sorted(map(str, unseen))}"
        self.check_use()

    def check_suites(self) -> None:
        """A suite that left no record would prove nothing."""
        found = {process.suite for process in self.record.processes.values()}
        wanted = {path.stem for path in TESTS.iterdir()} - WITHOUT_FUNCTIONS | FURTHER_SUITES
        assert found == wanted, f"the record is of {sorted(found)}, not of {sorted(wanted)}"

    def list_permissions(self, choice: Choice) -> None:
        for function in choice.functions():
            for statement in choice.statements(function):
                assert statement["Effect"] in ("Allow", "Deny"), statement
                condition = json.dumps(statement.get("Condition"), sort_keys=True)
                for prefix in prefixes(statement):
                    self.prefixes.add((function, prefix))
                for action in listed(statement["Action"]):
                    for resource in listed(statement["Resource"]):
                        name = (function, statement["Effect"], statement["Sid"], action, resource, condition)
                        permission = Permission(function, statement, action, resource)
                        if name not in self.permissions:
                            self.permissions[name] = permission
                            self.by_action[function, action].append(permission)
                        self.permissions[name].choices.add(choice.name)

    def check_choice(self, choice: Choice) -> set[Call]:
        """The calls that there are with this choice, each of which must be allowed."""
        seen = set()
        needed: dict[tuple[str, str], list[tuple[Call, Need]]] = defaultdict(list)
        statements = {function: choice.statements(function) for function in choice.functions()}
        for call in self.record.counts:
            for need in choice.seen(call):
                refusal = choice.refusal(call, need, statements[call.function])
                assert not refusal, f"{choice.name or 'by default'}: {call.function} needs {need}: {refusal}"
                seen.add(call)
                needed[call.function, need.action].append((call, need))
                self.pairs[call.function].add((need.action, need.resource))
                self.note_use(call, need)
        for (function, action), calls in needed.items():
            rest = without(statements[function], action)
            for call, need in calls:
                assert choice.refusal(call, need, rest), f"without {action} {function} still has {need}"
            self.removals += 1
        return seen

    def note_use(self, call: Call, need: Need) -> None:
        for permission in self.by_action[call.function, need.action]:
            if permission.covers(need):
                permission.used_by.add(call.by)
        prefix = dict(need.context).get("s3:prefix")
        for function, wanted in self.prefixes:
            if function == call.function and prefix is not None and like(wanted, prefix):
                self.used_prefixes.add((function, wanted))

    def check_use(self) -> None:
        for permission in self.permissions.values():
            if permission.is_denied or permission.used_by:
                continue
            why = reason(permission.function, permission.action, permission.resource)
            assert why, f"{permission.function} may {permission.action} on {permission.resource}, and never did"
            self.reasons.add(why)
        known = set(REASONS).union(*REASONS_OF.values())
        assert self.reasons == known, f"nothing has the reasons {known - self.reasons}"
        unused = sorted(self.prefixes - self.used_prefixes)
        assert not unused, f"nothing was listed under {unused}"

    def report(self) -> Iterator[str]:
        calls: dict[str, int] = defaultdict(int)
        for call, count in self.record.counts.items():
            calls[call.function] += count
        for function in self.choices[0].functions():
            own = [permission for permission in self.permissions.values() if permission.function == function]
            unused = {(one.action, one.resource) for one in own if not one.is_denied and not one.used_by}
            yield (
                f"{function}: {calls[function]} calls recorded, {len(self.pairs[function])} actions on resources, all "
                f"allowed; {len(unused)} allowed and not called, each with its reason"
            )
        yield (
            f"{len(self.choices)} choices of parameters; {self.removals} times an action was taken away, and what "
            f"needs it was refused; {self.record.by_role} calls were made with an assumed role"
        )


def prefixes(statement: Statement) -> list[str]:
    return [
        prefix
        for keys in statement.get("Condition", {}).values()
        for prefix in listed(keys.get("s3:prefix", []))
    ]


def main() -> int:
    arguments = [argument for argument in sys.argv[1:] if argument != "--write"]
    template, record, document = map(Path, arguments)
    try:
        proof = Proof(translate(template, {}), Record(record))
        proof.check()
    except AssertionError as error:
        print(error, file=sys.stderr)
        return 1
    print(*proof.report(), sep="\n")
    wanted = written(list(proof.permissions.values()))
    if "--write" in sys.argv:
        document.write_text(wanted)
    if not document.is_file() or document.read_text() != wanted:
        print(f"{document} is not what the roles come to: `make iam` writes it", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
