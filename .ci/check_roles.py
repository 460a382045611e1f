"""Holds what each function may do."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import gateway_rows
from check_api import ROUTES
from doors import DOORS, Door
from resolve import Resolver
from variant import Variant

COUNTED = ("exact roles",)
TAKING = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes")
LOGS_ALONE = ["arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"]


class Roles:
    """The roles of one variant."""

    def __init__(self, variant: Variant) -> None:
        self.variant = variant
        self.counts: Counter[str] = Counter()

    def check(self) -> Counter[str]:
        self.check_owners()
        for name in set(ROUTES.values()):
            role = self.variant.properties(f"{name}Role")
            assert role["ManagedPolicyArns"] == LOGS_ALONE, f"{name} may do {role['ManagedPolicyArns']}"
            for statement in self.statements(name):
                self.check_statement(name, statement)
        self.check_storage()
        return self.counts

    def check_owners(self) -> None:
        """Each function has a role and a log group of its own."""
        functions = [resource["Properties"] for resource in self.variant.of("AWS::Lambda::Function")]
        roles = {function["Role"] for function in functions}
        groups = {function["LoggingConfig"]["LogGroup"] for function in functions}
        assert len(roles) == len(groups) == len(functions), "two functions share a role or a log group"
        if self.variant.mode == gateway_rows.KEY:
            role, function = (self.variant.properties(f"AuthorizerFunction{part}") for part in ("Role", ""))
            assert "Policies" not in role, "the authorizer may do more"
            assert "Environment" not in function, "the authorizer is told more"

    def statements(self, function: str) -> list[dict[str, Any]]:
        policies = self.variant.properties(f"{function}Role").get("Policies", [])
        return [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]

    def check_statement(self, function: str, statement: dict[str, Any]) -> None:
        """`*` stands for what IAM has no resource for."""
        actions, resources = listed(statement["Action"]), listed(statement["Resource"])
        assert statement["Effect"] == "Allow" and statement.get("Sid"), f"{function} has a statement without a name"
        assert not any("*" in action for action in actions), f"{function} may do {sorted(actions)}"
        if "*" in resources:
            unbound = {"bedrock:ListFoundationModels", "bedrock:ListInferenceProfiles"}
            assert actions == unbound, f"{function} may do {sorted(actions)} to anything"
        if "bedrock:InvokeModel" in actions and function != "ImageGenerationFunction":
            assert "bedrock:InvokeModelWithResponseStream" in actions, f"{function} may not stream"

    def check_storage(self) -> None:
        """S3 and SQS: neither more nor less. Nothing is deleted but messages, of one's own queues."""
        wanted = {door.function: self.wanted(door) for door in DOORS}
        for function in set(ROUTES.values()):
            found: dict[str, set[str]] = {}
            for statement in self.statements(function):
                for action in listed(statement["Action"]):
                    if action.startswith(("s3:", "sqs:")):
                        found.setdefault(action, set()).update(listed(statement["Resource"]))
                        self.check_condition(function, action, statement)
            may = wanted.get(function, {})
            for action in sorted(found.keys() | may.keys()):
                given, needed = found.get(action, set()), may.get(action, set())
                assert given == needed, f"{function} has {action} on {sorted(given)}, needs it on {sorted(needed)}"
            self.counts["exact roles"] += 1

    def wanted(self, door: Door) -> dict[str, set[str]]:
        bucket = "<Bucket.Arn>"
        requests, results, locks = (f"{bucket}/{prefix}*" for prefix in ("requests/", "results/", door.locks))
        kept = {results, locks} | ({f"{bucket}/images/*"} if door.images else set())
        own = {f"<{queue}.Arn>" for queue in door.queues(self.variant.fifo)}
        return {
            "s3:GetObject": kept | {requests},
            "s3:GetObjectVersion": {requests},
            "s3:PutObject": kept,
            "s3:ListBucket": {bucket},
            # Batch files' lines go to any function, never to a FIFO queue.
            "sqs:SendMessage": {f"<{other.queues(fifo=False)[0]}.Arn>" for other in DOORS},
        } | {action: own for action in TAKING}

    def check_condition(self, function: str, action: str, statement: dict[str, Any]) -> None:
        if action != "s3:ListBucket":
            assert "Condition" not in statement, f"{function} has {action} only sometimes"
            return
        door = next(door for door in DOORS if door.function == function)
        prefixes = ["requests/*", "results/*", f"{door.locks}*"] + (["images/*"] if door.images else [])
        # Without IfExists a key that is not there might be 403.
        condition = {"StringLikeIfExists": {"s3:prefix": prefixes}}
        assert statement.get("Condition") == condition, f"{function} may list {statement.get('Condition')}"


def listed(node: str | list[str]) -> set[str]:
    return set(node if isinstance(node, list) else [node])


def check_assumed_role(template: dict[str, Any]) -> None:
    """With a role to assume, the functions' own roles cannot call Bedrock."""
    role = "arn:aws:iam::123456789012:role/bedrock"
    resources = Resolver(template, {"BedrockRoleArn": role}).present(template["Resources"])
    for function in sorted(set(ROUTES.values())):
        policies = json.dumps(resources[f"{function}Role"]["Properties"]["Policies"])
        assert "bedrock:" not in policies, f"{function} may call Bedrock without the role"
        assert role in policies, f"{function} may not assume the role"
