"""Holds what surrounds the API: how fast it may be called, what is written of each call, what is kept off."""

from __future__ import annotations

from collections import Counter
from typing import Any

from variant import ORIGIN, Variant

COUNTED = ("stages", "web ACLs")
IMAGES = "/~1v1~1images~1generations"
PUSHES_LOGS = "arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
BY_API_GATEWAY = {
    "Effect": "Allow",
    "Principal": {"Service": "apigateway.amazonaws.com"},
    "Action": "sts:AssumeRole",
}
RATE, COMMON = "requests-of-one-address", "common-attacks"
# What looks at bodies, where a prompt looks like an attack sooner or later.
OF_BODIES = {
    "CrossSiteScripting_BODY",
    "EC2MetaDataSSRF_BODY",
    "GenericLFI_BODY",
    "GenericRFI_BODY",
    "SizeRestrictions_BODY",
}


class Stage:
    """The stage of one variant."""

    def __init__(self, variant: Variant) -> None:
        self.variant = variant
        self.counts: Counter[str] = Counter()

    def check(self) -> Counter[str]:
        (stage,), (deployment,) = (
            self.variant.of(f"AWS::ApiGateway::{kind}") for kind in ("Stage", "Deployment")
        )
        self.stage = stage["Properties"]
        assert "StageName" not in deployment["Properties"], "SAM adds a second stage"
        assert self.stage["StageName"] == "live", "the outputs name another stage"
        self.check_rates()
        self.check_log()
        self.check_web_acl()
        self.counts["stages"] += 1
        return self.counts

    def check_rates(self) -> None:
        """All callers together have a rate, and a lower one for what costs more."""
        given = self.variant.parameters
        rates = {
            (setting["HttpMethod"], setting["ResourcePath"]): (
                setting.get("ThrottlingRateLimit"),
                setting.get("ThrottlingBurstLimit"),
            )
            for setting in self.stage.get("MethodSettings", [])
        }
        wanted = {
            ("*", "/*"): (given["ApiRateLimit"], given["ApiBurstLimit"]),
            ("POST", IMAGES): (given["ImageRateLimit"], given["ImageBurstLimit"]),
        }
        assert rates == wanted, f"T05: the rates are {rates}"
        for (_, path), (rate, burst) in rates.items():
            assert float(rate) > 0 and int(burst) > 0, f"T05: nobody may call {path}"
        assert float(given["ImageRateLimit"]) <= float(given["ApiRateLimit"]), "T05: images have a higher rate"
        assert self.stage.get("TracingEnabled") is True, "T33: traces begin behind the API"

    def check_log(self) -> None:
        """It goes to a group of the stack's own, by a role that somebody sets."""
        destination = self.stage["AccessLogSetting"]["DestinationArn"]
        assert destination == "<ApiLogs.Arn>", f"T06: the access log goes to {destination}"
        accounts = self.variant.named("AWS::ApiGateway::Account")
        makes = self.variant.parameters["ApiLogRole"] == "Stack"
        assert len(accounts) == makes, f"T06: the account's role is set by {sorted(accounts)}"
        for name, account in accounts.items():
            assert account["Properties"] == {"CloudWatchRoleArn": "<ApiAccountRole.Arn>"}, f"T06: {account}"
            role = self.variant.properties("ApiAccountRole")
            assert role.get("ManagedPolicyArns") == [PUSHES_LOGS], "T06: API Gateway may not write logs, or do more"
            assert role["AssumeRolePolicyDocument"]["Statement"] == [BY_API_GATEWAY], "T06: it is another's role"
            # Without it the next stage in the account would be refused, and the others fall silent.
            for resource in (name, "ApiAccountRole"):
                kept = self.variant.resources[resource]
                policies = kept.get("DeletionPolicy"), kept.get("UpdateReplacePolicy")
                assert policies == ("Retain", "Retain"), f"T39: {resource} goes with the stack"

    def check_web_acl(self) -> None:
        limit = self.variant.parameters["WafRateLimit"]
        associations = self.variant.of("AWS::WAFv2::WebACLAssociation")
        assert len(associations) == len(self.variant.of("AWS::WAFv2::WebACL")), "T35: a web ACL protects nothing"
        assert len(associations) == (limit != "0"), f"T35: with a limit of {limit} there are {len(associations)}"
        for association in associations:
            stage = "arn:aws:apigateway:us-east-1::/restapis/<Api>/stages/<ApiliveStage>"
            wanted = {"ResourceArn": stage, "WebACLArn": "<WebAcl.Arn>"}
            assert association["Properties"] == wanted, f"T35: {association['Properties']}"
            self.check_rules(self.variant.properties("WebAcl"), limit)
            self.counts["web ACLs"] += 1

    def check_rules(self, acl: dict[str, Any], limit: str) -> None:
        assert acl["Scope"] == "REGIONAL" and acl["DefaultAction"] == {"Allow": {}}, "T35: the web ACL is another one"
        rules = {rule["Name"]: rule for rule in acl["Rules"]}
        assert rules.keys() == {RATE, COMMON}, f"T35: the rules are {sorted(rules)}"
        rate, common = rules[RATE], rules[COMMON]
        assert int(rate["Priority"]) < int(common["Priority"]), "T35: all requests are looked through first"
        by_address = rate["Statement"]["RateBasedStatement"]
        assert (by_address["AggregateKeyType"], by_address["Limit"]) == ("IP", limit), f"T35: {by_address}"
        assert rate.get("Action", {}).keys() == {"Block"}, f"T35: too many requests: {rate.get('Action')}"
        assert "OverrideAction" not in rate and "Action" not in common, "T35: a rule does two things"
        answer = rate["Action"]["Block"]["CustomResponse"]
        assert answer["CustomResponseBodyKey"] in acl["CustomResponseBodies"], "T35: there is no such answer"
        assert answer["ResponseCode"] == 429, "T35: too many requests are not told so"
        headers = {header["Name"]: header["Value"] for header in answer["ResponseHeaders"]}
        origin = {"access-control-allow-origin": ORIGIN} if self.variant.origin else {}
        assert headers == {"retry-after": "60", **origin}, f"T35: the headers are {headers}"
        group = common["Statement"]["ManagedRuleGroupStatement"]
        assert (group["VendorName"], group["Name"]) == ("AWS", "AWSManagedRulesCommonRuleSet"), f"T35: {group}"
        assert common.get("OverrideAction") == {"None": {}}, "T35: known attacks are only counted"
        counted = {override["Name"]: override["ActionToUse"] for override in group["RuleActionOverrides"]}
        assert counted == dict.fromkeys(OF_BODIES, {"Count": {}}), f"T35: the exceptions are {sorted(counted)}"
        for part in (acl, rate, common):
            assert part["VisibilityConfig"]["SampledRequestsEnabled"] is False, "T35: samples have keys in them"


def check_order(template: dict[str, Any]) -> None:
    """The stage is made when the account has its role: it refers to it, and takes nothing of it."""
    setting = template["Resources"]["ApiliveStage"]["Properties"]["AccessLogSetting"]["DestinationArn"]
    group = {"Fn::GetAtt": ["ApiLogs", "Arn"]}
    after = {"Fn::Select": [0, [group, {"Ref": "ApiAccount"}]]}
    assert setting == {"Fn::If": ["MakesApiLogRole", after, group]}, "T06: the stage may come before the role"
