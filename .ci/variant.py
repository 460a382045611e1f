"""The template with one choice of the parameters that change what it comes to."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from resolve import Resolver

ORIGIN = "https://chat.example.com"
ACCOUNT = "123456789012"
BEDROCK_ROLE = f"arn:aws:iam::{ACCOUNT}:role/bedrock"
MODEL_ARNS = (
    "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-sonnet-4-5-20250929-v1:0",
    f"arn:aws:bedrock:us-east-1:{ACCOUNT}:application-inference-profile/abc123def456",
)
ENDPOINTS = ("vpce-0123456789abcdef0", "vpce-0fedcba9876543210")
SUBNETS = ("subnet-0123456789abcdef0", "subnet-0fedcba9876543210")
ROUTES = ("rtb-0123456789abcdef0",)
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/0c8fd5b0-c94e-11f0-9f5b-0a58a9feac02"

VPC = {
    "VpcId": "vpc-0123456789abcdef0",
    "VpcSubnetIds": ",".join(SUBNETS),
    "VpcRouteTableIds": ",".join(ROUTES),
}
# What can be chosen other than the template's default.
CHOICES: tuple[Mapping[str, str], ...] = (
    {"AuthMode": "IAM"},
    {"HttpResponse": "buffered"},
    {"CorsOrigin": ORIGIN},
    {"FifoQueues": "Yes"},
    {"Playground": "No"},
    {"EndpointType": "PRIVATE", "ApiVpcEndpointIds": ",".join(ENDPOINTS)},
    {"WafRateLimit": "2000"},
    {"KmsKeyArn": KEY},
    VPC,
    {"VpcEndpoints": "No"},
    {"BedrockRoleArn": BEDROCK_ROLE},
    {"GuardrailId": "abc123def456", "GuardrailVersion": "3", "ImageModelRegion": ""},
    {"AllowedModelArns": ",".join(MODEL_ARNS)},
    {
        "TextReservedConcurrency": "50",
        "ImageReservedConcurrency": "40",
        "ModelsReservedConcurrency": "30",
        "AuthorizerReservedConcurrency": "20",
        "PlaygroundReservedConcurrency": "10",
    },
    {"RequestRetentionDays": "0", "OutputRetentionDays": "0"},
    {"ApiLogRole": "Account"},
    {"KeyQuota": "0"},
    {"BedrockControlEndpointUrl": "https://bedrock.example.com"},
    {"QueueConcurrency": "3"},
    {"MetricsByKey": "Yes"},
    {"AlarmEmail": "operators@example.com"},
    {"MonthlyBudget": "0"},
)
VARIANTS = 8


class Variant:
    """What the checks look at."""

    def __init__(self, template: Mapping[str, Any], chosen: Mapping[str, str]) -> None:
        self.chosen = chosen
        resolver = Resolver(template, chosen)
        self.parameters = resolver.parameters
        self.resources = resolver.present(template["Resources"])
        self.outputs = resolver.present(template["Outputs"])

    def __str__(self) -> str:
        return " ".join(f"{name}={value}" for name, value in self.chosen.items()) or "the defaults"

    @property
    def mode(self) -> str:
        return self.parameters["AuthMode"]

    @property
    def response(self) -> str:
        return self.parameters["HttpResponse"]

    @property
    def origin(self) -> str:
        return self.parameters["CorsOrigin"]

    @property
    def fifo(self) -> bool:
        return self.parameters["FifoQueues"] == "Yes"

    @property
    def playground(self) -> bool:
        """Whether there is a page. It cannot sign."""
        return self.parameters["Playground"] == "Yes" and self.mode == "Key"

    @property
    def private(self) -> bool:
        return self.parameters["EndpointType"] == "PRIVATE"

    @property
    def in_vpc(self) -> bool:
        return self.parameters["VpcId"] != ""

    @property
    def makes_endpoints(self) -> bool:
        return self.in_vpc and self.parameters["VpcEndpoints"] == "Yes"

    @property
    def bedrock_role(self) -> str:
        return self.parameters["BedrockRoleArn"]

    @property
    def key(self) -> str:
        """The ARN of the key that encrypts what is kept."""
        return self.parameters["KmsKeyArn"] or "<Key.Arn>"

    @property
    def metrics_by_key(self) -> bool:
        return self.parameters["MetricsByKey"] == "Yes"

    @property
    def alarm_email(self) -> str:
        return self.parameters["AlarmEmail"]

    @property
    def monthly_budget(self) -> int:
        return int(self.parameters["MonthlyBudget"])

    def of(self, kind: str) -> list[dict[str, Any]]:
        return list(self.named(kind).values())

    def named(self, kind: str) -> dict[str, dict[str, Any]]:
        return {name: resource for name, resource in self.resources.items() if resource["Type"] == kind}

    def properties(self, name: str) -> dict[str, Any]:
        assert name in self.resources, f"{name} is not there"
        found: dict[str, Any] = self.resources[name]["Properties"]
        return found

    def variables(self, function: str) -> dict[str, str]:
        """What a function is told."""
        found: dict[str, str] = self.properties(function).get("Environment", {}).get("Variables", {})
        return found


def variants(template: Mapping[str, Any]) -> Iterator[Variant]:
    """The defaults, and enough others that any two choices are met together, alone, and not at all.

    Each choice is made in four of the seven others. No two are made in the same four, and four and four
    of seven overlap (Kleitman and Spencer, Families of k-independent sets, 1973).
    """
    rows = list(itertools.combinations(range(1, VARIANTS), VARIANTS // 2))
    assert len(CHOICES) <= len(rows), "two choices would always be made together"
    for number in range(VARIANTS):
        made = (choice for choice, row in zip(CHOICES, rows, strict=False) if number in row)
        yield Variant(template, {name: value for choice in made for name, value in choice.items()})
    # Three choices decide which VPC endpoints there are, and for whom.
    yield Variant(template, {**VPC, "FifoQueues": "Yes"})
