"""Whether policies allow a call, as IAM decides it: the part of its language that the template uses.

Source: the IAM user guide's pages reference_policies_evaluation-logic, reference_policies_elements_condition_operators
and reference_policies_condition-logic-multiple-context-keys-or-values. What is not known here fails.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

Statement = Mapping[str, Any]


@dataclass(frozen=True)
class Need:
    """Something that a call needs: an action on a resource, with what conditions may ask for."""

    action: str
    resource: str
    context: tuple[tuple[str, str], ...] = field(default=())

    def __str__(self) -> str:
        return f"{self.action} on {self.resource}"


def listed(node: Any) -> list[Any]:
    return node if isinstance(node, list) else [node]


@cache
def pattern(text: str) -> re.Pattern[str]:
    """`*` stands for anything, `?` for one character."""
    parts = (".*" if part == "*" else "." if part == "?" else re.escape(part) for part in re.split(r"([*?])", text))
    return re.compile("".join(parts), re.DOTALL)


def like(wanted: str, found: str) -> bool:
    return pattern(wanted).fullmatch(found) is not None


def same(wanted: str, found: str) -> bool:
    return wanted == found


# An ARN's parts are compared one by one, so that `*` does not reach into another part.
def arn_like(wanted: str, found: str) -> bool:
    ours, theirs = wanted.split(":", 5), found.split(":", 5)
    return len(ours) == len(theirs) and all(map(like, ours, theirs))


OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": same,
    "StringLike": like,
    # Both compare alike.
    "ArnEquals": arn_like,
    "ArnLike": arn_like,
    "Bool": same,
}


def holds(condition: Mapping[str, Mapping[str, Any]], context: Mapping[str, str]) -> bool:
    """Every operator, every key; of a key's values any."""
    for name, keys in condition.items():
        for key, values in keys.items():
            found = context.get(key)
            if name == "Null":
                if (found is None) != (values == "true"):
                    return False
                continue
            operator = OPERATORS.get(name.removesuffix("IfExists"))
            assert operator, f"the operator {name} is not known here"
            if found is None:
                if not name.endswith("IfExists"):
                    return False
            elif not any(operator(str(value), found) for value in listed(values)):
                return False
    return True


def matches(statement: Statement, need: Need) -> bool:
    unknown = statement.keys() - {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}
    assert not unknown, f"a statement has {sorted(unknown)}, which is not known here"
    return (
        # Actions are compared without regard to capitals.
        any(like(action.lower(), need.action.lower()) for action in listed(statement["Action"]))
        and any(like(resource, need.resource) for resource in listed(statement["Resource"]))
        and holds(statement.get("Condition", {}), dict(need.context))
    )


def deciding(statements: Iterable[Statement], effect: str, need: Need) -> list[Statement]:
    """The statements with this effect that speak of it."""
    return [statement for statement in statements if statement["Effect"] == effect and matches(statement, need)]


def without(statements: Iterable[Statement], action: str) -> list[Statement]:
    """The same statements, none of which allows this action."""
    kept = []
    for statement in statements:
        actions = listed(statement["Action"])
        assert all("*" not in action for action in actions), f"{actions} is more than one action"
        if statement["Effect"] == "Allow":
            actions = [other for other in actions if other != action]
        if actions:
            kept.append({**statement, "Action": actions})
    return kept
