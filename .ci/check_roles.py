"""Holds what each function may do but call models, neither more nor less."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from doors import DOORS, Door
from variant import Variant

COUNTED = ("exact roles",)
TAKING = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
INTERFACES = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
)
# IAM has no resource for these, or Lambda does not know it beforehand.
WITHOUT_RESOURCE = {"xray:PutTraceSegments", "xray:PutTelemetryRecords", *INTERFACES}
# Calls of the function's code, which Lambda marks.
OF_ITS_CODE = {
    "ArnLike": {"lambda:SourceFunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:*"},
}


class Roles:
    """The roles of one variant."""

    def __init__(self, variant: Variant) -> None:
        self.variant = variant
        self.counts: Counter[str] = Counter()

    def check(self) -> Counter[str]:
        self.check_owners()
        doors = {door.function: door for door in DOORS}
        for function in self.variant.named("AWS::Lambda::Function"):
            self.check_role(function, doors.get(function))
            self.counts["exact roles"] += 1
        return self.counts

    def check_owners(self) -> None:
        """Each function has a role and a log group of its own."""
        functions = [resource["Properties"] for resource in self.variant.of("AWS::Lambda::Function")]
        roles = {function["Role"] for function in functions}
        groups = {function["LoggingConfig"]["LogGroup"] for function in functions}
        assert len(roles) == len(functions), "T14: two functions share a role"
        assert len(groups) == len(functions), "T14: two functions share a log group"
        assert roles == {f"<{name}Role.Arn>" for name in self.variant.named("AWS::Lambda::Function")}, (
            f"T14: the roles are {sorted(roles)}"
        )
        for role in roles:
            trusted = self.variant.properties(role[1:-5])["AssumeRolePolicyDocument"]["Statement"]
            lambda_alone = {
                "Effect": "Allow",
                "Principal": {"Service": "lambda.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
            assert trusted == [lambda_alone], f"T14: {role} is assumed by {trusted}"

    def check_role(self, function: str, door: Door | None) -> None:
        role = self.variant.properties(f"{function}Role")
        assert "ManagedPolicyArns" not in role, f"T12: {function} may do {role['ManagedPolicyArns']}"
        allowed: dict[str, set[str]] = {}
        denied: dict[str, set[str]] = {}
        for statement in statements_of(self.variant, function):
            assert statement.get("Sid"), f"T13: {function} has a statement without a name"
            assert statement["Effect"] in ("Allow", "Deny"), f"T13: {function} has the effect {statement['Effect']}"
            for action in listed(statement["Action"]):
                if not action.startswith("bedrock:"):
                    side = allowed if statement["Effect"] == "Allow" else denied
                    side.setdefault(action, set()).update(listed(statement["Resource"]))
                    self.check_condition(function, door, action, statement)
        self.compare(function, allowed, self.wanted(function, door))
        in_vpc = dict.fromkeys(INTERFACES, {"*"}) if self.variant.in_vpc else {}
        assert denied == in_vpc, f"T13: {function} is denied {sorted(denied)}, not {sorted(in_vpc)}"

    @staticmethod
    def compare(function: str, found: dict[str, set[str]], wanted: dict[str, set[str]]) -> None:
        for action in sorted(found.keys() | wanted.keys()):
            given, needed = found.get(action, set()), wanted.get(action, set())
            assert given == needed, f"T13: {function} has {action} on {sorted(given)}, needs it on {sorted(needed)}"
            assert "*" not in given or action in WITHOUT_RESOURCE, f"T13: {function} may do {action} to anything"

    def wanted(self, function: str, door: Door | None) -> dict[str, set[str]]:
        """What is not for models, for every function."""
        group = self.variant.properties(function)["LoggingConfig"]["LogGroup"]
        wanted = {
            "logs:CreateLogStream": {f"{group[:-1]}.Arn>"},
            "logs:PutLogEvents": {f"{group[:-1]}.Arn>"},
            "xray:PutTraceSegments": {"*"},
            "xray:PutTelemetryRecords": {"*"},
        }
        if self.variant.in_vpc:
            wanted |= dict.fromkeys(INTERFACES, {"*"})
        if self.variant.variables(function):
            wanted["kms:Decrypt"] = {self.variant.key}
            if self.variant.bedrock_role:
                wanted["sts:AssumeRole"] = {self.variant.bedrock_role}
        return wanted | (self.wanted_of(door) if door else {})

    def wanted_of(self, door: Door) -> dict[str, set[str]]:
        """Nothing is deleted but messages, of one's own queues."""
        bucket = "<Bucket.Arn>"
        requests, results, locks = (f"{bucket}/{prefix}*" for prefix in ("requests/", "results/", door.locks))
        kept = {results, locks} | ({f"{bucket}/images/*"} if door.images else set())
        own = {f"<{queue}.Arn>" for queue in door.queues(self.variant.fifo)}
        # Batch files' lines go to any function, never to a FIFO queue.
        lines = {f"<{other.queues(fifo=False)[0]}.Arn>" for other in DOORS}
        return {
            "kms:GenerateDataKey": {self.variant.key},
            "s3:GetObject": kept | {requests},
            "s3:GetObjectVersion": {requests},
            "s3:PutObject": kept,
            "s3:ListBucket": {bucket},
            "sqs:SendMessage": lines | {"<UndeliveredQueue.Arn>"},
            "sqs:ChangeMessageVisibility": {f"<{door.queues(fifo=False)[0]}.Arn>"},
        } | {action: own for action in TAKING}

    @staticmethod
    def check_condition(function: str, door: Door | None, action: str, statement: dict[str, Any]) -> None:
        condition: dict[str, Any] | None = None
        if statement["Effect"] == "Deny":
            condition = OF_ITS_CODE
        elif action == "s3:ListBucket" and door:
            prefixes = ["requests/*", "results/*", f"{door.locks}*"] + (["images/*"] if door.images else [])
            # Without IfExists a key that is not there might be 403.
            condition = {"StringLikeIfExists": {"s3:prefix": prefixes}}
        found = statement.get("Condition")
        assert found == condition, f"T13: {function} has {action} if {json.dumps(found)}"


def statements_of(variant: Variant, function: str) -> list[dict[str, Any]]:
    policies = variant.properties(f"{function}Role").get("Policies", [])
    return [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]


def listed(node: str | list[str]) -> set[str]:
    return set(node if isinstance(node, list) else [node])
