"""Holds where connections of the functions go, and whence the API is reached."""

from __future__ import annotations

from collections import Counter
from typing import Any

from check_models import DESCRIBE, INVOKE, LIST
from check_roles import listed
from doors import DOORS
from variant import ACCOUNT, Variant

COUNTED = ("functions in a VPC", "VPC endpoints", "private APIs")
HTTPS = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
CALLERS = {f"<{name}FunctionRole.Arn>" for name in ("Chat", "ImageGeneration", "Models", "TextCompletion")}
LOGS = {f"<{name}Logs.Arn>" for name in ("Chat", "ImageGeneration", "Models", "TextCompletion")}

OBJECTS = {"s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket", "s3:PutObject"}


class Network:
    """The network of one variant."""

    def __init__(self, variant: Variant) -> None:
        self.variant = variant
        self.given = variant.parameters
        self.counts: Counter[str] = Counter()

    def check(self) -> Counter[str]:
        self.check_functions()
        self.check_groups()
        self.check_endpoints()
        self.check_api()
        return self.counts

    def check_functions(self) -> None:
        """All of them, or none."""
        place = {"SecurityGroupIds": ["<FunctionSecurityGroup>"], "SubnetIds": self.given["VpcSubnetIds"].split(",")}
        for name, function in self.variant.named("AWS::Lambda::Function").items():
            found = function["Properties"].get("VpcConfig")
            assert found == (place if self.variant.in_vpc else None), f"T37: {name} is in {found}"
            self.counts["functions in a VPC"] += self.variant.in_vpc

    def check_groups(self) -> None:
        groups = {name: found["Properties"] for name, found in self.variant.named("AWS::EC2::SecurityGroup").items()}
        wanted = {"FunctionSecurityGroup": self.variant.in_vpc, "EndpointSecurityGroup": self.variant.makes_endpoints}
        assert groups.keys() == {name for name, there in wanted.items() if there}, f"T37: {sorted(groups)}"
        for name, group in groups.items():
            assert group["VpcId"] == self.given["VpcId"], f"T37: {name} is of another VPC"
            for rule in group["SecurityGroupEgress"] + group.get("SecurityGroupIngress", []):
                rule.pop("Description", None)
        if self.variant.in_vpc:
            functions = groups["FunctionSecurityGroup"]
            assert "SecurityGroupIngress" not in functions, "T37: the functions are called from the network"
            leaving = functions["SecurityGroupEgress"]
            assert leaving == [{**HTTPS, "CidrIp": "0.0.0.0/0"}], f"T37: the functions open {leaving}"
        if self.variant.makes_endpoints:
            endpoints = groups["EndpointSecurityGroup"]
            entering = endpoints["SecurityGroupIngress"]
            by_functions = {**HTTPS, "SourceSecurityGroupId": "<FunctionSecurityGroup>"}
            assert entering == [by_functions], f"T37: the endpoints are open for {entering}"
            nowhere = [rule["CidrIp"] for rule in endpoints["SecurityGroupEgress"]]
            assert nowhere == ["127.0.0.1/32"], f"T37: the endpoints open connections to {nowhere}"

    def check_endpoints(self) -> None:
        found: dict[str, dict[str, Any]] = {}
        for resource in self.variant.of("AWS::EC2::VPCEndpoint"):
            properties = resource["Properties"]
            found[properties["ServiceName"].removeprefix("com.amazonaws.us-east-1.")] = properties
        wanted = self.wanted() if self.variant.makes_endpoints else {}
        assert found.keys() == wanted.keys(), f"T37: the endpoints are {sorted(found)}, not {sorted(wanted)}"
        for service, properties in found.items():
            self.check_place(service, properties)
            self.check_policy(service, properties, *wanted[service])
            self.counts["VPC endpoints"] += 1

    def check_place(self, service: str, properties: dict[str, Any]) -> None:
        place: dict[str, Any] = {"VpcId": self.given["VpcId"]}
        if service == "s3":
            place |= {"VpcEndpointType": "Gateway", "RouteTableIds": self.given["VpcRouteTableIds"].split(",")}
        else:
            place |= {
                "VpcEndpointType": "Interface",
                "SubnetIds": self.given["VpcSubnetIds"].split(","),
                "SecurityGroupIds": ["<EndpointSecurityGroup>"],
                "PrivateDnsEnabled": True,
            }
        found = {key: value for key, value in properties.items() if key not in ("PolicyDocument", "ServiceName")}
        assert found == place, f"T37: the endpoint of {service} is {found}"

    def wanted(self) -> dict[str, tuple[set[str], set[str], set[str]]]:
        """What goes through each endpoint: actions, resources, and who does it.

        The messages that a function is called with are taken by Lambda, which does not come from the VPC.
        """
        queues = {f"<{queue}.Arn>" for door in DOORS for queue in door.queues(self.variant.fifo)}
        bedrock = {self.variant.bedrock_role} if self.variant.bedrock_role else CALLERS
        wanted = {
            "bedrock-runtime": ({*INVOKE, "bedrock:ApplyGuardrail", "bedrock:CountTokens"}, {"*"}, bedrock),
            "bedrock": ({*LIST, *DESCRIBE}, {"*"}, bedrock),
            "s3": (OBJECTS, {"<Bucket.Arn>", "<Bucket.Arn>/*"}, CALLERS),
            "sqs": ({"sqs:ChangeMessageVisibility", "sqs:SendMessage"}, queues, CALLERS),
            "logs": ({"logs:CreateLogStream", "logs:PutLogEvents"}, LOGS, CALLERS),
        }
        if self.variant.bedrock_role:
            wanted["sts"] = ({"sts:AssumeRole"}, {self.variant.bedrock_role}, CALLERS)
        return wanted

    @staticmethod
    def check_policy(
        service: str, properties: dict[str, Any], actions: set[str], resources: set[str], callers: set[str]
    ) -> None:
        statements = properties.get("PolicyDocument", {}).get("Statement", [])
        assert len(statements) == 1, f"T37: the endpoint of {service} has {len(statements)} statements"
        (statement,) = statements
        assert statement["Effect"] == "Allow", f"T37: the endpoint of {service} has the effect {statement['Effect']}"
        condition = statement.get("Condition", {})
        assert condition.keys() == {"ArnEquals"}, f"T37: the endpoint of {service} is bound by {condition}"
        principals = condition["ArnEquals"]
        assert principals.keys() == {"aws:PrincipalArn"}, f"T37: {service} is bound by {sorted(principals)}"
        for name, given, needed in (
            ("does", listed(statement["Action"]), actions),
            ("does it to", listed(statement["Resource"]), resources),
            ("does it for", listed(principals["aws:PrincipalArn"]), callers),
        ):
            assert given == needed, f"T37: {service} {name} {sorted(given)}, not {sorted(needed)}"

    def check_api(self) -> None:
        """A private API is there for the endpoints that were named, whoever calls; another one is regional."""
        api = self.variant.properties("Api")
        kind, policy = self.given["EndpointType"], api["Body"].get("x-amazon-apigateway-policy")
        endpoints = self.given["ApiVpcEndpointIds"].split(",")
        wanted: dict[str, Any] = {"Types": [kind], **({"VpcEndpointIds": endpoints} if self.variant.private else {})}
        found = api["EndpointConfiguration"]
        assert found == wanted, f"T37: the API is reached through {found}"
        if not self.variant.private:
            assert policy is None, "T37: the API has a policy of a private one"
            return
        assert policy is not None, "T37: the private API lets any endpoint in"
        everything = {"Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/*"}
        # By IAM, whoever is signed for needs a permission of his own; who has a key is nobody to IAM.
        caller = "*" if self.variant.mode == "Key" else {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
        elsewhere = {"StringNotEquals": {"aws:SourceVpce": endpoints}}
        statements = [
            {"Effect": "Deny", **everything, "Condition": elsewhere},
            {"Effect": "Allow", **everything, "Principal": caller},
            {"Effect": "Allow", **everything, "Resource": "execute-api:/live/OPTIONS/*"},
        ]
        given = [{key: value for key, value in found.items() if key != "Sid"} for found in policy["Statement"]]
        assert given == statements, f"T37: the API's policy is {given}"
        self.counts["private APIs"] += 1
