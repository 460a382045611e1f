"""Writes the list of what each function's role allows, and who needs it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from iam_permission import Permission
from iam_policy import listed
from iam_reasons import reason
from iam_template import ALONE, CHOICES

HEAD = """\
# What each function may do

`make iam` writes this list, and `make test` holds that it is true. The calls to AWS that the end-to-end tests make are
recorded with the access key that signed them, which says whose they are, and are held against the roles of
`template.yaml` as IAM would: every call is allowed, and everything that is allowed was called or has a reason here. With
each action taken away, the calls that need it are refused. The policies of the bucket, the queues, the key and the VPC
endpoints are part of it; what S3 and SQS use the key for in the function's name follows from what they encrypt.

`<Name>` is a parameter or a resource of the template. A row is there with every choice of parameters, or as *if*
says.
"""
# What has another name with another choice.
SAME = {
    "<KmsKeyArn>": "<Key>",
    "arn:aws:bedrock:<Region>::foundation-model/<ImageModelId>": (
        "arn:aws:bedrock:<ImageModelRegion>::foundation-model/<ImageModelId>"
    ),
}
COLUMNS = ("actions", "resource", "condition", "if", "needed by")


def shown(resource: str) -> str:
    """Without what is the same everywhere."""
    named = resource.replace(".Arn>", ">").replace("us-east-1", "<Region>").replace("123456789012", "<Account>")
    return SAME.get(named, named)


def condition(permission: Permission) -> str:
    parts = [
        f"{operator} `{key}`: {', '.join(f'`{shown(str(value))}`' for value in listed(values))}"
        for operator, keys in permission.condition.items()
        for key, values in keys.items()
    ]
    return "; ".join(parts)


def presence(choices: set[str]) -> str:
    """With which choices it is there."""
    if choices == CHOICES.keys():
        return ""
    if "" in choices:
        return "without " + " and ".join(name for name in ALONE if name not in choices)
    return "with " + " or ".join(name for name in ALONE if name in choices)


def needed_by(permissions: list[Permission]) -> str:
    if permissions[0].is_denied:
        return "nobody: it is denied"
    used_by = {user for permission in permissions for user in permission.used_by}
    if used_by:
        return "; ".join(sorted(used_by))
    first = permissions[0]
    why = reason(first.function, first.action, first.resource)
    return why.says if why else "nobody"


def rows(permissions: Iterable[Permission]) -> Iterator[tuple[str, ...]]:
    merged: dict[tuple[bool, str, str, str], list[Permission]] = {}
    for permission in permissions:
        key = (permission.is_denied, f"`{shown(permission.resource)}`", condition(permission), permission.action)
        merged.setdefault(key, []).append(permission)
    alike: dict[tuple[bool, str, str, str, str], list[str]] = {}
    for (is_denied, resource, said, action), group in merged.items():
        choices = set().union(*(permission.choices for permission in group))
        key = (is_denied, resource, said, presence(choices), needed_by(group))
        alike.setdefault(key, []).append(f"`{action}`")
    for (_, *others), actions in sorted(alike.items(), key=lambda row: (row[0][0], sorted(row[1]), row[0])):
        yield ", ".join(sorted(actions)), *others


def written(permissions: list[Permission]) -> str:
    parts = [HEAD]
    for function in sorted({permission.function for permission in permissions}):
        own = [permission for permission in permissions if permission.function == function]
        table = [COLUMNS, tuple("---" for _ in COLUMNS), *rows(own)]
        lines = [f"| {' | '.join(row)} |" for row in table]
        parts.append(f"## {function}\n\n" + "\n".join(lines) + "\n")
    return "\n".join(parts)
