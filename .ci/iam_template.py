"""What the template lets each function do, with one choice of the parameters that decide it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from iam_calls import CODE, MODELS, Call
from iam_policy import Need, Statement, deciding
from resolve import Resolver
from variant import VPC

ACCOUNT = "123456789012"
# Parameters that name what a role may use stand for themselves.
NAMES = {
    parameter: f"<{parameter}>"
    for parameter in (
        "ChatModelId",
        "ChatFoundationModelId",
        "TextModelId",
        "TextFoundationModelId",
        "ImageModelId",
        "ImageModelRegion",
    )
}
FIFO = {"FifoQueues": "Yes"}
FURTHER = {"AllowedModelArns": "<AllowedModelArns>"}
GUARDED = {"GuardrailId": "<GuardrailId>", "GuardrailVersion": "1", "ImageModelRegion": ""}
ROLE = {"BedrockRoleArn": "<BedrockRoleArn>"}
# What each choice is called that changes what roles have, and those together that meet in a VPC endpoint's policy.
CHOICES: Mapping[str, Mapping[str, str]] = {
    "": {},
    "`FifoQueues`": FIFO,
    "`AllowedModelArns`": FURTHER,
    "`GuardrailId`": GUARDED,
    "`BedrockRoleArn`": ROLE,
    "`KmsKeyArn`": {"KmsKeyArn": "<KmsKeyArn>"},
    "`VpcId`": VPC,
    "all of these but a role": {**VPC, **FIFO, **FURTHER, **GUARDED},
    "all of these": {**VPC, **FIFO, **FURTHER, **GUARDED, **ROLE},
}
# The choices that are made alone.
ALONE = tuple(name for name in CHOICES if name.startswith("`"))
# Through which VPC endpoint a service is called.
ENDPOINTS = {"sqs": "SqsEndpoint", "s3": "S3Endpoint", "sts": "StsEndpoint"}
READING = ("s3:GetObject", "s3:GetObjectVersion")


class Choice:
    """The template with one choice."""

    def __init__(self, template: Mapping[str, Any], name: str) -> None:
        self.name = name
        resolver = Resolver(template, {**NAMES, **CHOICES[name]})
        self.parameters = resolver.parameters
        self.resources = resolver.present(template["Resources"])

    def properties(self, name: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.resources[name]["Properties"]
        return found

    def functions(self) -> list[str]:
        return sorted(name for name, resource in self.resources.items() if resource["Type"] == "AWS::Lambda::Function")

    def statements(self, function: str) -> list[Statement]:
        role = self.properties(function)["Role"].removeprefix("<").removesuffix(".Arn>")
        properties = self.properties(role)
        assert "ManagedPolicyArns" not in properties, f"{role} has policies that are not written here"
        return [
            statement
            for policy in properties["Policies"]
            for statement in policy["PolicyDocument"]["Statement"]
        ]

    def variables(self, function: str) -> Mapping[str, str]:
        found: Mapping[str, str] = self.properties(function)["Environment"]["Variables"]
        return found

    def _named(self, function: str, names: str) -> str:
        """The ARN of the one resource that these variables name here, where the function is told them."""
        variables = self.variables(function)
        found = {variables[name] for name in names.split() if name in variables}
        assert len(found) == 1, f"{function} is told {sorted(found)} as {names}"
        return found.pop().removesuffix(">") + ".Arn>"

    def seen(self, call: Call) -> list[Need]:
        """What the call needs here; nothing where this choice has no such call."""
        needs = self._placed(call)
        return [self._told(call, need) for need in needs + [key for need in needs for key in self._of_keys(need)]]

    def _placed(self, call: Call) -> list[Need]:
        need = call.need
        service = need.action.split(":")[0]
        resource: str | None
        match service:
            case "s3":
                names, _, key = need.resource.removeprefix("<").partition(">")
                resource = self._named(call.function, names) + key
            case "sqs":
                resource = self._queue(call.function, need.resource)
            case "sts":
                resource = need.resource if self.parameters["BedrockRoleArn"] else None
            case "bedrock":
                resource = self._model(call.function, need)
            case _:
                raise AssertionError(f"{call} is not known here")
        return [replace(need, resource=resource)] if resource else []

    def _queue(self, function: str, placeholder: str) -> str | None:
        name, _, kind = placeholder.removeprefix("<").removesuffix(">").partition(".")
        if not kind:
            return self._named(function, name)
        queues = self.variables(function)[name].split(",")
        is_fifo = [bool(self.properties(queue[1:-5]).get("FifoQueue")) for queue in queues]
        found = [queue for queue, fifo in zip(queues, is_fifo, strict=True) if fifo == (kind == "Fifo")]
        return found[0] if found else None

    def _model(self, function: str, need: Need) -> str | None:
        """With a role to assume, a function's own calls nothing of Bedrock."""
        if self.parameters["BedrockRoleArn"]:
            return None
        for name in ("AllowedModelArns", "GuardrailId"):
            if f"<{name}>" in str(need) + str(need.context) and not self.parameters[name]:
                return None
        if stem := MODELS.get(function):
            region = self.parameters.get(f"{stem}ModelRegion") or "us-east-1"
            return need.resource.replace(f"<{stem}Region>", region)
        return need.resource

    def _of_keys(self, need: Need) -> list[Need]:
        """S3 and SQS use the key of what is encrypted in the caller's name."""
        service, action = need.action.split(":")
        name = need.resource.partition(">")[0].removeprefix("<").removesuffix(".Arn")
        if service == "s3":
            rules = self.properties(name)["BucketEncryption"]["ServerSideEncryptionConfiguration"]
            key = rules[0]["ServerSideEncryptionByDefault"].get("KMSMasterKeyID")
            actions = ["Decrypt"] if need.action in READING else ["GenerateDataKey"] if action == "PutObject" else []
        elif service == "sqs":
            key = self.properties(name).get("KmsMasterKeyId")
            sending = ["GenerateDataKey", "Decrypt"] if action == "SendMessage" else []
            actions = ["Decrypt"] if action == "ReceiveMessage" else sending
        else:
            return []
        context = (
            (f"kms:EncryptionContext:aws:{service}:arn", f"<{name}.Arn>"),
            ("kms:ViaService", f"{service}.us-east-1.amazonaws.com"),
        )
        return [Need(f"kms:{action}", key, context) for action in actions] if key else []

    def _told(self, call: Call, need: Need) -> Need:
        """With what AWS says of every call."""
        always = {
            "aws:PrincipalArn": self.properties(call.function)["Role"],
            "aws:SecureTransport": "true",
        }
        if call.by == CODE:
            always["lambda:SourceFunctionArn"] = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{call.function}"
        return replace(need, context=tuple(sorted((dict(need.context) | always).items())))

    def refusal(self, call: Call, need: Need, statements: list[Statement]) -> str | None:
        """Why the call is not allowed, if it is not."""
        if not deciding(statements, "Allow", need):
            return "its role does not allow it"
        others = self._policies_of(need.resource)
        if denied := deciding(statements + others, "Deny", need):
            return f"{[statement.get('Sid') for statement in denied]} denies it"
        if need.action.startswith("kms:") and need.resource == "<Key.Arn>" and not deciding(others, "Allow", need):
            return "the key's own policy does not leave it to the role"
        endpoint = self._endpoint(call, need)
        if endpoint and not deciding(self.properties(endpoint)["PolicyDocument"]["Statement"], "Allow", need):
            return f"{endpoint} does not let it through"
        return None

    def _policies_of(self, resource: str) -> list[Statement]:
        """The statements that stand with a bucket, a queue or the key."""
        name = resource.partition(">")[0].removeprefix("<").removesuffix(".Arn")
        found: list[Statement] = []
        for other in self.resources.values():
            properties = other.get("Properties", {})
            match other["Type"]:
                case "AWS::S3::BucketPolicy" if properties["Bucket"] == f"<{name}>":
                    found += properties["PolicyDocument"]["Statement"]
                case "AWS::SQS::QueuePolicy" if f"<{name}>" in properties["Queues"]:
                    found += properties["PolicyDocument"]["Statement"]
        if name == "Key":
            # Only what it leaves to the account's own policies is a role's affair.
            account = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
            policy = self.properties("Key")["KeyPolicy"]["Statement"]
            found += [statement for statement in policy if statement["Principal"] == account]
        return found

    def _endpoint(self, call: Call, need: Need) -> str | None:
        """The VPC endpoint that the code of a function in a VPC calls it through."""
        service = need.action.split(":")[0]
        if "SqsEndpoint" not in self.resources or call.by != CODE or service == "kms":
            return None
        if service == "bedrock":
            # Another region has no endpoint here.
            is_here = ":us-east-1:" in need.resource or need.resource in ("*", "<AllowedModelArns>")
            models = call.function == "ModelsFunction"
            return ("BedrockEndpoint" if models else "BedrockRuntimeEndpoint") if is_here else None
        return ENDPOINTS[service]
