"""How a template is broken in one place, said in a line: where, and what becomes of what is there."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

# What a change gets where there is nothing, and what it answers for nothing to be there.
ABSENT = object()
# Of more places than these every second, third, … is broken: they are all found in the same way.
ENOUGH = 13
Change = Callable[[Any], Any]
Place = tuple[str | int, ...]


@dataclass(frozen=True)
class Mutation:
    """One way to break a property of the checklist, at places where the path leads.

    A path is keys with slashes between. A key may be a pattern; {Type} is every resource of that type, Name=Pattern
    every item of a list that has it, and ** any way down. Without ** the last key need not be there.
    """

    property: str
    path: str
    change: Change
    what: str

    def mutants(self, template: dict[str, Any]) -> list[Mutant]:
        path = self.path.split("/")
        found = dict.fromkeys(places(template, path, absent="**" not in path))
        mutants = [mutant for place in found if (mutant := Mutant(self, place)).differs(template)]
        return mutants[:: math.ceil(len(mutants) / ENOUGH)] if mutants else []


@dataclass(frozen=True)
class Mutant:
    """A template that is broken in one place."""

    mutation: Mutation
    place: Place

    @property
    def property(self) -> str:
        return self.mutation.property

    def __str__(self) -> str:
        return f"{self.property} {'/'.join(map(str, self.place))}: {self.mutation.what}"

    def differs(self, template: dict[str, Any]) -> bool:
        before = self.at(self.parent(template))
        return bool(self.mutation.change(copy.deepcopy(before)) != before)

    def of(self, template: dict[str, Any]) -> dict[str, Any]:
        mutated = copy.deepcopy(template)
        node = self.parent(mutated)
        after = self.mutation.change(self.at(node))
        if after is not ABSENT:
            node[self.place[-1]] = after
        elif isinstance(node, dict):
            del node[self.place[-1]]
        else:
            # Fn::If wants to have all its items.
            node[self.place[-1]] = {"Ref": "AWS::NoValue"}
        return mutated

    def parent(self, template: dict[str, Any]) -> Any:
        node: Any = template
        for key in self.place[:-1]:
            node = node[key]
        return node

    def at(self, node: Any) -> Any:
        key = self.place[-1]
        return node.get(key, ABSENT) if isinstance(node, dict) else node[key]


def places(node: Any, path: list[str], absent: bool) -> Iterator[Place]:
    if not path:
        yield ()
        return
    key, *rest = path
    if key == "**":
        yield from places(node, rest, absent)
        ways: Iterator[tuple[str | int, list[str]]] = ((found, path) for found, _ in items(node))
    else:
        ways = ((found, rest) for found, item in items(node) if matches(found, item, key))
    for found, onward in ways:
        for place in places(node[found], onward, absent):
            yield (found, *place)
    if absent and not rest and isinstance(node, dict) and key.isidentifier() and key not in node:
        yield (key,)


def items(node: Any) -> list[tuple[str | int, Any]]:
    if isinstance(node, dict):
        return list(node.items())
    return list(enumerate(node)) if isinstance(node, list) else []


def matches(found: str | int, item: Any, key: str) -> bool:
    if key.startswith("{"):
        return isinstance(item, dict) and item.get("Type") == key[1:-1]
    name, equals, value = key.partition("=")
    if equals:
        return isinstance(found, int) and isinstance(item, dict) and fnmatchcase(str(item.get(name)), value)
    return fnmatchcase(str(found), key)


def drop(_: Any) -> Any:
    """It is left out."""
    return ABSENT


def put(value: Any) -> Change:
    """It has another value, or one at all."""
    return lambda _: value


def swap(old: str, new: str) -> Change:
    """A text in it is another."""
    return lambda node: ABSENT if node is ABSENT else json.loads(json.dumps(node).replace(old, new))


def more(*added: Any) -> Change:
    """A list, or its only item, is followed by others."""
    return lambda node: ABSENT if node is ABSENT else [*(node if isinstance(node, list) else [node]), *added]
