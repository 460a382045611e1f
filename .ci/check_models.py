"""Holds which models each function may call, and by which guardrail."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

from check_roles import listed, statements_of
from variant import ACCOUNT, Variant

COUNTED = ("functions with models",)
INVOKE = ("bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream")
COUNT = ("bedrock:CountTokens",)
LIST = ("bedrock:ListFoundationModels", "bedrock:ListInferenceProfiles")
DESCRIBE = ("bedrock:GetFoundationModel", "bedrock:GetInferenceProfile")
# The parameters of a function's model.
TEXT = {
    "TextCompletionFunction": ("TextModelId", "TextFoundationModelId"),
    "ChatFunction": ("ChatModelId", "ChatFoundationModelId"),
}
IMAGE = "ImageGenerationFunction"
# The function that counts the tokens of a history.
COUNTS = "ChatFunction"
MODELS = "ModelsFunction"

# Actions, resources, and the condition as JSON.
Allowed = tuple[frozenset[str], frozenset[str], str]


def allowed(actions: Iterable[str], resources: Iterable[str], condition: Any = None) -> Allowed:
    return frozenset(actions), frozenset(resources), json.dumps(condition, sort_keys=True)


def foundation(model: str, region: str = "us-east-1") -> str:
    return f"arn:aws:bedrock:{region}::foundation-model/{model}"


def own(kind: str, name: str) -> str:
    """Something of this account's and region's."""
    return f"arn:aws:bedrock:us-east-1:{ACCOUNT}:{kind}/{name}"


def through(profiles: str | list[str]) -> dict[str, Any]:
    return {"StringEquals": {"bedrock:InferenceProfileArn": profiles}}


class Models:
    """The models of one variant."""

    def __init__(self, variant: Variant) -> None:
        self.variant = variant
        self.given = variant.parameters
        self.further = [arn for arn in self.given["AllowedModelArns"].split(",") if arn]
        self.counts: Counter[str] = Counter()

    def check(self) -> Counter[str]:
        for function in self.variant.named("AWS::Lambda::Function"):
            found = Counter(
                allowed(listed(statement["Action"]), listed(statement["Resource"]), statement.get("Condition"))
                for statement in statements_of(self.variant, function)
                if any(action.startswith("bedrock:") for action in listed(statement["Action"]))
            )
            wanted = Counter(() if self.variant.bedrock_role else self.wanted(function))
            for (actions, resources, condition), times in ((found - wanted) + (wanted - found)).items():
                way = "may" if (actions, resources, condition) in found else "cannot"
                what = f"{sorted(actions)} on {sorted(resources)} if {condition}"
                raise AssertionError(f"{self.row(actions)}: {function} {way} do {what} ({times})")
            self.check_variables(function)
            self.counts["functions with models"] += bool(wanted)
        return self.counts

    @staticmethod
    def row(actions: Iterable[str]) -> str:
        return "T36" if "bedrock:ApplyGuardrail" in actions else "T11"

    def wanted(self, function: str) -> Iterable[Allowed]:
        """Exact models, and models behind exact profiles, in whatever region those choose."""
        if function in TEXT:
            model, base = (self.given[parameter] for parameter in TEXT[function])
            profile = own("inference-profile", model)
            yield allowed(INVOKE, [foundation(model), profile])
            yield allowed(INVOKE, [foundation(base, "*")], through(profile))
            if function == COUNTS:
                yield allowed(COUNT, [foundation(base)])
                if self.further:
                    yield allowed(COUNT, self.further)
        if function == IMAGE:
            yield allowed(INVOKE[:1], [foundation(self.given["ImageModelId"], self.image_region())])
        if function in TEXT or function == IMAGE:
            invoke = INVOKE if function in TEXT else INVOKE[:1]
            if self.further:
                yield allowed(invoke, self.further)
                yield allowed(invoke, [foundation("*", "*")], through(self.further))
            if guardrail := self.given["GuardrailId"]:
                yield allowed(["bedrock:ApplyGuardrail"], [own("guardrail", guardrail)])
        if function == MODELS:
            # IAM knows no resource for listing.
            yield allowed(LIST, ["*"])
            kinds = ("inference-profile", "application-inference-profile")
            yield allowed(DESCRIBE[:1], [foundation("*")])
            yield allowed(DESCRIBE[1:], [own(kind, "*") for kind in kinds])

    def image_region(self) -> str:
        return self.given["ImageModelRegion"] or "us-east-1"

    def check_variables(self, function: str) -> None:
        """A function offers what its role may call, and asks the guardrail that it may apply."""
        variables = self.variant.variables(function)
        models = {name: self.given[parameter] for name, (parameter, _) in TEXT.items()}
        models[IMAGE] = self.given["ImageModelId"]
        own_models = list(models.values()) if function == MODELS else [models[function]] if function in models else []
        offered = variables.get("ALLOWED_MODELS", "")
        wanted = ",".join([*own_models, *self.further]) if own_models else ""
        assert offered == wanted, f"T11: {function} offers {offered}, not {wanted}"
        asked = [variables.get(name, "") for name in ("GUARDRAIL_ID", "GUARDRAIL_VERSION")]
        guardrail = [self.given["GuardrailId"], self.given["GuardrailVersion"]] if function in models else ["", ""]
        assert asked == guardrail, f"T36: {function} asks the guardrail {asked}, not {guardrail}"
