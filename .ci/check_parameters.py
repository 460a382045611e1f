"""Holds what parameters the template takes together, and what the environments of samconfig.toml give it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import tomlkit

from check_bucket import FORGOTTEN, LAST_DELIVERY
from resolve import Resolver
from variant import CHOICES, KEY, VPC, Variant, variants

CONFIGURATION = Path(__file__).resolve().parents[1] / "samconfig.toml"
# What each environment is for, and what it cannot do without.
ENVIRONMENTS: Mapping[str, frozenset[str]] = {
    "dev": frozenset({"KeyQuota", "LogRetentionDays", "MaxTokensLimit", "MonthlyBudget"}),
    "prod": frozenset({"ImageReservedConcurrency", "MonthlyBudget", "TextReservedConcurrency", "WafRateLimit"}),
}
GUARDRAIL = next(choice for choice in CHOICES if "GuardrailId" in choice)
PRIVATE = next(choice for choice in CHOICES if "ApiVpcEndpointIds" in choice)
# What would fail late, or do something else than was meant.
REFUSED: tuple[tuple[str, Mapping[str, str]], ...] = (
    ("T37", {**PRIVATE, "ApiVpcEndpointIds": ""}),
    ("T37", {**VPC, "VpcSubnetIds": ""}),
    ("T37", {**VPC, "VpcId": ""}),
    ("T37", {**VPC, "VpcRouteTableIds": ""}),
    ("T36", {**GUARDRAIL, "GuardrailVersion": ""}),
    ("T36", {**GUARDRAIL, "GuardrailId": ""}),
    ("T36", {**GUARDRAIL, "ImageModelRegion": "us-west-2"}),
)
TAKEN: tuple[Mapping[str, str], ...] = (
    {**VPC, "VpcRouteTableIds": "", "VpcEndpoints": "No"},
    {"KmsKeyArn": KEY.replace("arn:aws:", "arn:aws-us-gov:")},
)

# The least that each takes.
LEAST = {
    "T05": {"ApiRateLimit": 1, "ApiBurstLimit": 1, "ImageRateLimit": 1, "ImageBurstLimit": 1},
    "T23": {
        "TextReservedConcurrency": 0,
        "ImageReservedConcurrency": 0,
        "ModelsReservedConcurrency": 0,
        "AuthorizerReservedConcurrency": 0,
        "PlaygroundReservedConcurrency": 0,
    },
    "T35": {"WafRateLimit": 0},
    "T38": {"InvocationsPerHourAlarm": 1, "TokensPerHourAlarm": 1, "MonthlyBudget": 0},
}


def check_bounds(template: Mapping[str, Any]) -> None:
    for row, bounds in LEAST.items():
        for name, least in bounds.items():
            found = template["Parameters"][name].get("MinValue")
            assert found == least, f"{row}: {name} begins with {found}, not {least}"
    for name in set(FORGOTTEN.values()):
        days = template["Parameters"][name].get("AllowedValues", [])
        assert days and all(day == 0 or day > LAST_DELIVERY for day in days), f"T30: {name} takes {days}"


def broken(template: Mapping[str, Any], given: Mapping[str, str]) -> list[str]:
    """The rules of the template that refuse these parameters."""
    resolver = Resolver(template, given)
    return [
        name
        for name, rule in template.get("Rules", {}).items()
        if resolver.value(rule["RuleCondition"])
        and not all(resolver.value(assertion["Assert"]) for assertion in rule["Assertions"])
    ]


def check_rules(template: Mapping[str, Any]) -> None:
    for variant in variants(template):
        rules = broken(template, variant.chosen)
        assert not rules, f"{variant}: refused by {rules}"
    for given in TAKEN:
        assert not broken(template, given), f"{given} is refused by {broken(template, given)}"
    for row, given in REFUSED:
        assert broken(template, given), f"{row}: nothing refuses {given}"


def environments(template: Mapping[str, Any]) -> Iterator[tuple[str, Variant]]:
    """What `sam deploy --config-env` comes to."""
    configuration = tomlkit.parse(CONFIGURATION.read_text()).unwrap()
    for name, needed in ENVIRONMENTS.items():
        options = configuration[name]["deploy"]["parameters"]
        given = dict(entry.split("=", 1) for entry in options["parameter_overrides"])
        assert given.keys() >= needed, f"{name} does not say {sorted(needed - given.keys())}"
        assert options["confirm_changeset"] is (name == "prod"), f"{name} asks, or does not"
        for parameter, value in given.items():
            check_value(template, parameter, value)
        rules = broken(template, given)
        assert not rules, f"{name} is refused by {rules}"
        yield name, Variant(template, given)


def check_value(template: Mapping[str, Any], name: str, value: str) -> None:
    assert name in template["Parameters"], f"there is no parameter {name}"
    parameter = template["Parameters"][name]
    if "AllowedValues" in parameter:
        assert value in map(str, parameter["AllowedValues"]), f"{name} does not take {value}"
    if "MinValue" in parameter:
        assert int(value) >= parameter["MinValue"], f"{name} does not take {value}"
    if "MaxValue" in parameter:
        assert int(value) <= parameter["MaxValue"], f"{name} does not take {value}"
