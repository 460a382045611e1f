"""What of template.yaml is not deployed here, and by which of its conditions.

It is one template: whatever MiniStack lacks, the parameters turn off, by a condition of the template.
"""

from __future__ import annotations

import json
import re
import unittest
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError
from samtranslator.yaml_helper import yaml_parse

from product import ROOT, stack  # Finds the launcher's modules, and those of .ci.
import aws
import deployment
from resolve import Resolver
from settings import Settings
from translate import translate

TEMPLATE = ROOT / "template.yaml"
FIFO = ("Age", "DeadLetterQueue", "DeadLetters", "Mapping", "Queue")
# By the condition that leaves them out.
NOT_HERE = {
    "HasAlarmEmail": {"AlarmSubscription"},
    "HasFifoQueues": {
        "FifoQueuePolicy",
        *(f"{name}Fifo{part}" for name in ("Chat", "Completion", "Image") for part in FIFO),
    },
    "HasMonthlyBudget": {"Budget"},
    "HasWaf": {"WebAcl", "WebAclAssociation"},
    "InVpc": {"FunctionSecurityGroup"},
    "MakesEndpoints": {
        "BedrockEndpoint",
        "BedrockRuntimeEndpoint",
        "EndpointSecurityGroup",
        "LogsEndpoint",
        "S3Endpoint",
        "SqsEndpoint",
    },
    "MakesStsEndpoint": {"StsEndpoint"},
}
# The kinds among them that MiniStack does not know.
UNKNOWN = {"AWS::Budgets::Budget", "AWS::WAFv2::WebACLAssociation"}


def without_hash(id: str) -> str:
    """SAM puts a hash of the definition behind the id of the API's deployment."""
    return re.sub(r"^(ApiDeployment)[0-9a-f]{10}$", r"\1", id)


def parameters_in(part: Any, template: dict[str, Any]) -> Iterator[str]:
    """The parameters that a condition looks at, by itself or through others."""
    if isinstance(part, dict):
        for key, value in part.items():
            if key == "Ref":
                yield value
            elif key == "Condition":
                yield from parameters_in(template["Conditions"][value], template)
            else:
                yield from parameters_in(value, template)
    elif isinstance(part, list):
        for each in part:
            yield from parameters_in(each, template)


class TheTemplate(unittest.TestCase):
    def setUp(self) -> None:
        self.settings = Settings.read({"AWS_PORT": stack().aws.rsplit(":", 1)[1]})
        self.cloudformation = aws.client(self.settings, "cloudformation", 30.0)
        self.template = translate(TEMPLATE, {})
        self.resources = {without_hash(id): each for id, each in self.template["Resources"].items()}

    def created(self) -> set[str]:
        pages = self.cloudformation.get_paginator("list_stack_resources").paginate(StackName=deployment.STACK)
        return {
            without_hash(each["LogicalResourceId"])
            for page in pages
            for each in page["StackResourceSummaries"]
        }

    def is_known(self, kind: str) -> bool:
        """Whether MiniStack takes resources of this kind."""
        alone = {"Resources": {"Alone": {"Type": kind, "Properties": {}}}}
        try:
            self.cloudformation.validate_template(TemplateBody=json.dumps(alone))
        except ClientError as error:
            self.assertIn("Unrecognized resource types", str(error))
            return False
        return True

    def present(self, parameters: dict[str, str]) -> set[str]:
        found = Resolver(self.template, parameters).present(self.template["Resources"])
        return {without_hash(id) for id in found}

    def test_leaves_out_here_what_is_listed_and_by_conditions_alone(self) -> None:
        created = self.created()
        self.assertLessEqual(created, self.resources.keys())
        told = deployment.parameters_of(self.settings)
        values = {name: parameter["Default"] for name, parameter in self.template["Parameters"].items()}
        values.update(told)
        absent: defaultdict[str, set[str]] = defaultdict(set)
        for id in sorted(self.resources.keys() - created):
            condition = self.resources[id].get("Condition")
            self.assertIsNotNone(condition, f"{id} is left out without a condition")
            absent[condition].add(id)
        print(f"template: {len(created)} of {len(self.resources)} resources are deployed here", flush=True)
        for condition, ids in sorted(absent.items()):
            looked_at = sorted(set(parameters_in(self.template["Conditions"][condition], self.template)))
            because = ", ".join(f"{name}={values[name]!r}" for name in looked_at)
            print(f"  not {condition} ({because}): {', '.join(sorted(ids))}", flush=True)
        self.assertEqual(dict(absent), NOT_HERE)
        kinds = {self.resources[id]["Type"] for ids in absent.values() for id in ids}
        self.assertEqual({kind for kind in kinds if not self.is_known(kind)}, UNKNOWN)

    def test_is_told_here_to_leave_out_no_more_than_ministack_lacks(self) -> None:
        off = self.present({}) - self.present(deployment.parameters_of(self.settings))
        needless = {id for id in off if self.is_known(self.resources[id]["Type"])}
        self.assertEqual(needless, set())

    def test_has_every_parameter_that_it_is_told_here(self) -> None:
        told = yaml_parse(deployment.PARAMETERS.read_text())
        self.assertLessEqual(told.keys(), self.template["Parameters"].keys())


if __name__ == "__main__":
    unittest.main()
