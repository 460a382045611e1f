"""An action that a role allows or denies on a resource."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from iam_policy import Need, Statement, matches


@dataclass
class Permission:
    """The action, the resource, and who was seen to need it."""

    function: str
    statement: Statement
    action: str
    resource: str
    # The choices of parameters with which it is there.
    choices: set[str] = field(default_factory=set)
    used_by: set[str] = field(default_factory=set)

    @property
    def is_denied(self) -> bool:
        return bool(self.statement["Effect"] == "Deny")

    @property
    def condition(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.statement.get("Condition", {})
        return found

    def covers(self, need: Need) -> bool:
        return matches({**self.statement, "Action": self.action, "Resource": self.resource}, need)
