"""Holds what no linter knows of the API: who may call it, how it answers by itself, and in what time."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import gateway_rows
from variant import ORIGIN, Variant

ROUTES = {
    ("/v1/completions", "post"): "TextCompletionFunction",
    ("/v1/chat/completions", "post"): "ChatFunction",
    ("/v1/images/generations", "post"): "ImageGenerationFunction",
    ("/v1/models", "get"): "ModelsFunction",
    ("/v1/models/{id+}", "get"): "ModelsFunction",
}
# The one page, which asks for a key and has none in it.
PAGE = ("/", "get")
INTEGRATION = "x-amazon-apigateway-integration"
HEADER_KEY = {"type": "apiKey", "in": "header"}
# By it a mock finds its answer.
MOCKED = {"application/json": '{"statusCode": 204}'}
ANSWER_HEADER = "gatewayresponse.header."
PREFLIGHT_HEADER = "method.response.header."
# What OpenAI's clients for Python (3.54) and Node (6.49) send, beside what every browser may send.
CLIENT_HEADERS = {
    "authorization",
    "content-type",
    "idempotency-key",
    "openai-organization",
    "openai-project",
    # Firefox and Safari ask for it where a page sets it, as the client for Node does.
    "user-agent",
    "x-stainless-arch",
    "x-stainless-async",
    "x-stainless-custom-event-handler",
    "x-stainless-custom-poll-interval",
    "x-stainless-helper-method",
    "x-stainless-lang",
    "x-stainless-os",
    "x-stainless-package-version",
    "x-stainless-poll-helper",
    "x-stainless-raw-response",
    "x-stainless-read-timeout",
    "x-stainless-retry-count",
    "x-stainless-runtime",
    "x-stainless-runtime-version",
    "x-stainless-stream-helper",
    "x-stainless-timeout",
}
# What a browser that signs with SigV4 sends in its place.
SIGNED_HEADERS = {
    "authorization",
    "content-type",
    "idempotency-key",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-security-token",
}
COUNTED = (
    "secured methods",
    "open preflights",
    "streaming integrations",
    "buffered integrations",
    "open pages",
    "gateway answers",
)
# The functions expose and say the same: shared/src/doors/api_gateway/cors.rs.
EXPOSED = "'x-request-id, retry-after, openai-processing-ms, x-should-retry, idempotent-replayed, x-history-trimmed'"
# 40 letters and digits, as API Gateway makes them up.
KEY = "a1B2c3D4e5F6g7H8i9J0a1B2c3D4e5F6g7H8i9J0"
KEYS = (f"Bearer {KEY}", f"bearer {KEY}", f"BEARER  {KEY}", "Bearer " + "-._~+/=" * 3)
NO_KEYS = ("", KEY, "Bearer ", "Bearer short", f"Basic {KEY}", f"Bearer {KEY} {KEY}", "Bearer " + "a" * 129)


class Api:
    """The API of one variant."""

    def __init__(self, variant: Variant) -> None:
        self.mode, self.response, self.origin = variant.mode, variant.response, variant.origin
        self.playground = variant.playground
        self.parameters = variant.parameters
        self.resources, self.of = variant.resources, variant.of
        self.api = self.resources["Api"]["Properties"]
        self.body = self.api["Body"]
        self.counts: Counter[str] = Counter()

    def check(self) -> Counter[str]:
        self.check_access()
        self.check_keys()
        self.check_integrations()
        self.check_page()
        self.check_validation()
        self.check_preflights()
        self.check_answers()
        return self.counts

    def check_access(self) -> None:
        """Each call needs a key or a signature; a preflight needs neither."""
        assert "security" not in self.body, "T01: a default would close OPTIONS"
        found = {
            (path, method) for path, item in self.body["paths"].items() for method in item if method != "options"
        }
        wanted_routes = ROUTES.keys() | ({PAGE} if self.playground else set())
        assert found == wanted_routes, f"T01: the routes are {sorted(found)}"
        schemes = self.body["components"]["securitySchemes"]
        names = ("bearer", "api_key") if self.mode == gateway_rows.KEY else ("sigv4",)
        wanted: list[dict[str, list[str]]] = [{name: []} for name in names]
        for path, method in ROUTES:
            operation = self.body["paths"][path][method]
            assert operation.get("security") == wanted, f"T01: {path} has security {operation.get('security')}"
            assert "credentials" not in operation[INTEGRATION], f"T02: {path} runs with other credentials"
            assert "security" not in self.body["paths"][path]["options"], f"T09: OPTIONS {path} is closed"
            self.counts["secured methods"] += 1
        assert schemes.keys() == set(names), f"T01: the schemes are {sorted(schemes)}"
        assert not self.of("AWS::Lambda::Url"), "T03: a function has a way in beside the API"

    def check_keys(self) -> None:
        """In mode Key the key comes out of Authorization; in mode IAM there is no trace of keys."""
        source = "AUTHORIZER" if self.mode == gateway_rows.KEY else "HEADER"
        assert self.api["ApiKeySourceType"] == source, f"T04: keys come not from {source}"
        assert self.body["x-amazon-apigateway-api-key-source"] == source, "T04: the definition has another one"
        schemes = self.body["components"]["securitySchemes"]
        if self.mode == gateway_rows.IAM:
            signed = {**HEADER_KEY, "name": "Authorization", "x-amazon-apigateway-authtype": "awsSigv4"}
            assert schemes == {"sigv4": signed}, "T01: IAM is not asked"
            for kind in ("ApiKey", "UsagePlan", "UsagePlanKey"):
                assert not self.of(f"AWS::ApiGateway::{kind}"), f"T04: there is a {kind} with IAM"
            assert "AuthorizerFunction" not in self.resources, "T04: there is an authorizer with IAM"
            return
        assert schemes["api_key"] == {**HEADER_KEY, "name": "x-api-key"}, "T01: no key is asked for"
        bearer = dict(schemes["bearer"])
        authorizer = bearer.pop("x-amazon-apigateway-authorizer")
        custom = {**HEADER_KEY, "name": "Authorization", "x-amazon-apigateway-authtype": "custom"}
        assert bearer == custom, "T04: the key is read elsewhere"
        assert authorizer["type"] == "token", "T04: only a token's answer is remembered by the key alone"
        assert "<AuthorizerFunction.Arn>" in authorizer["authorizerUri"], "T04: another function is the authorizer"
        shape = authorizer["identityValidationExpression"]
        for text in KEYS:
            assert re.fullmatch(shape, text), f"T04: {text!r} does not pass for a key"
        for text in NO_KEYS:
            assert not re.fullmatch(shape, text), f"T04: {text!r} passes for a key"
        plan, link = (self.resources[name]["Properties"] for name in ("UsagePlan", "UsagePlanKey"))
        assert plan["ApiStages"] == [{"ApiId": "<Api>", "Stage": "<ApiliveStage>"}], "T04: the plan is of no stage"
        throttle = {"RateLimit": self.parameters["KeyRateLimit"], "BurstLimit": self.parameters["KeyBurstLimit"]}
        assert plan.get("Throttle") == throttle, f"T04: the plan's rate is {plan.get('Throttle')}"
        quota = {"Limit": self.parameters["KeyQuota"], "Period": self.parameters["KeyQuotaPeriod"]}
        wanted = quota if quota["Limit"] != "0" else None
        assert plan.get("Quota") == wanted, f"T04: the quota is {plan.get('Quota')}"
        assert self.resources["ApiKey"]["Properties"].get("Enabled") is True, "T04: the first key is off"
        assert (link["KeyId"], link["UsagePlanId"]) == ("<ApiKey>", "<UsagePlan>"), "T04: the key is not of the plan"
        assert "AuthorizerPermission" in self.resources, "T04: API Gateway may not call the authorizer"

    def check_integrations(self) -> None:
        """Streaming means another action, too; a function ends before API Gateway gives up on it."""
        streams = self.response == "stream"
        ending = "/response-streaming-invocations" if streams else "/invocations"
        for (path, method), function in ROUTES.items():
            integration = self.body["paths"][path][method][INTEGRATION]
            properties = self.resources[function]["Properties"]
            variables = properties["Environment"]["Variables"]
            assert integration["type"] == "aws_proxy", f"T10: {path} is no proxy"
            # Whatever the caller's method is: Lambda knows no other.
            assert integration["httpMethod"] == "POST", f"T10: {path} cannot call its function"
            uri, told = integration["uri"], variables["HTTP_RESPONSE"]
            assert uri.endswith(f"/functions/<{function}.Arn>{ending}"), f"T10: {path} calls {uri}"
            assert integration["responseTransferMode"] == ("STREAM" if streams else "BUFFERED"), f"T10: {path} differs"
            assert told == self.response, f"T10: {function} answers as {told}"
            assert variables["CORS_ALLOW_ORIGIN"] == self.origin, f"T09: {function} allows another origin"
            milliseconds = integration.get("timeoutInMillis", 0)
            assert properties["Timeout"] * 1000 < milliseconds, f"T10: {path} ends before its function"
            assert milliseconds <= (900_000 if streams else 29_000), f"T10: {path} waits longer than API Gateway can"
            seconds = int(variables["GATEWAY_TIMEOUT_SECONDS"])
            assert seconds * 1000 == milliseconds, f"T10: {function} is told {seconds} s and has {milliseconds} ms"
            permission = (function, self.permitted(method, path))
            assert permission in self.permissions(), f"T22: API Gateway may not call {path}"
            self.counts["streaming integrations" if streams else "buffered integrations"] += 1

    def check_page(self) -> None:
        """The page is open, and what hands it out can do nothing else."""
        if not self.playground:
            assert "PlaygroundFunction" not in self.resources, "T01: there is a page that no route leads to"
            return
        item = self.body["paths"]["/"]
        assert item.keys() == {"get"}, f"T01: the page takes {sorted(item)}"
        operation = item["get"]
        assert operation.keys() == {"responses", INTEGRATION}, f"T01: the page has {sorted(operation)}"
        integration = dict(operation[INTEGRATION])
        uri = integration.pop("uri")
        assert uri.endswith("/2015-03-31/functions/<PlaygroundFunction.Arn>/invocations"), f"T10: the page calls {uri}"
        milliseconds = integration.pop("timeoutInMillis")
        seconds = self.resources["PlaygroundFunction"]["Properties"]["Timeout"]
        assert seconds * 1000 < milliseconds <= 29_000, "T10: the page ends before its function"
        whole = {"type": "aws_proxy", "httpMethod": "POST", "responseTransferMode": "BUFFERED"}
        assert integration == whole, f"T10: the page is sent by {integration}"
        assert ("PlaygroundFunction", self.permitted("get", "/")) in self.permissions(), "T22: the page is not to be had"
        variables = self.resources["PlaygroundFunction"]["Properties"].get("Environment", {})
        assert not variables, f"T01: what hands out an open page is told {variables}"
        self.counts["open pages"] += 1

    def permitted(self, method: str, path: str) -> str:
        path = re.sub(r"\{[^}]+\}", "*", path)
        return f"arn:aws:execute-api:us-east-1:123456789012:<Api>/*/{method.upper()}{path}"

    def permissions(self) -> set[tuple[str, str]]:
        """Which function may be called from where."""
        permissions = [resource["Properties"] for resource in self.of("AWS::Lambda::Permission")]
        for found in permissions:
            function = found["FunctionName"]
            assert found["Principal"] == "apigateway.amazonaws.com", f"T22: {found['Principal']} may call {function}"
            assert found["Action"] == "lambda:InvokeFunction", f"T22: API Gateway may do {found['Action']}"
            this_api = "arn:aws:execute-api:us-east-1:123456789012:<Api>/"
            assert found.get("SourceArn", "").startswith(this_api), f"T22: any API may call {function}"
        return {(found["FunctionName"].strip("<>"), found["SourceArn"]) for found in permissions}

    def check_validation(self) -> None:
        """API Gateway refuses what is no request at all, and leaves the rest to the functions."""
        asked = {"type": "object", "anyOf": [{"required": ["prompt"]}, {"required": ["messages"]}]}
        assert self.body["components"]["schemas"] == {"Request": asked}, "T08: the model asks for more, or less"
        bodies = {"validateRequestBody": True, "validateRequestParameters": False}
        validators = self.body["x-amazon-apigateway-request-validators"]
        assert validators == {"body": bodies}, f"T08: the validators are {validators}"
        for path, method in ROUTES:
            operation = self.body["paths"][path][method]
            if method == "post":
                model = {"schema": {"$ref": "#/components/schemas/Request"}}
                wanted = {"required": True, "content": {"application/json": model}}
                assert operation.get("requestBody") == wanted, f"T08: {path} has another model"
                validator = operation.get("x-amazon-apigateway-request-validator")
                assert validator == "body", f"T08: {path} is not validated"

    def check_preflights(self) -> None:
        """Browsers are told of one origin, or of none."""
        assert not re.search(r"allow-origin\W+\*", json.dumps(self.body)), "T09: every origin is allowed"
        assert "allow-credentials" not in json.dumps(self.body), "T09: credentials are allowed"
        headers = CLIENT_HEADERS if self.mode == gateway_rows.KEY else SIGNED_HEADERS
        for path, method in ROUTES:
            operation = self.body["paths"][path]["options"]
            answer = operation[INTEGRATION]["responses"]["default"]
            assert operation[INTEGRATION]["type"] == "mock", f"T09: OPTIONS {path} calls a function"
            assert operation[INTEGRATION]["requestTemplates"] == MOCKED, f"T09: OPTIONS {path} has no answer"
            assert answer["statusCode"] == "204" and "204" in operation["responses"], f"T09: OPTIONS {path} is no 204"
            sent = {name.removeprefix(PREFLIGHT_HEADER): value for name, value in answer["responseParameters"].items()}
            declared = operation["responses"]["204"]["headers"]
            assert sent.keys() <= declared.keys(), f"T09: OPTIONS {path} sends what it does not declare"
            assert sent.pop("x-request-id") == "context.requestId", f"T09: OPTIONS {path} has no request id"
            methods = f"'{method.upper()}, OPTIONS'"
            assert sent.pop("allow") == methods, f"T09: OPTIONS {path} names other methods"
            if self.origin:
                allowed = sent.pop("access-control-allow-headers").strip("'").split(", ")
                assert set(allowed) == headers, f"T09: OPTIONS {path}: {set(allowed) ^ headers}"
                assert sent.pop("access-control-allow-methods") == methods, f"T09: OPTIONS {path} allows other methods"
                origin = sent.pop("access-control-allow-origin")
                assert origin == f"'{self.origin}'", f"T09: OPTIONS {path} allows {origin}"
                assert sent.pop("access-control-max-age") == "'600'", f"T09: OPTIONS {path} is asked for each time"
            assert not sent, f"T09: OPTIONS {path} sends {sorted(sent)}"
            self.counts["open preflights"] += 1

    def check_answers(self) -> None:
        """API Gateway's own answers are rows of the error table."""
        answers = dict(self.body["x-amazon-apigateway-gateway-responses"])
        for row in gateway_rows.ROWS:
            if self.mode in row.modes:
                assert row.case in answers, f"{row.case} ({row.cause}) is not there"
                self.check_answer(row, answers.pop(row.case))
                self.counts["gateway answers"] += 1
        assert not answers, f"{sorted(answers)} have no row"

    def check_answer(self, row: gateway_rows.Row, answer: dict[str, Any]) -> None:
        status = answer.get("statusCode")
        assert status == (None if row.status is None else str(row.status)), f"{row.case} has status {status}"
        assert answer["responseTemplates"].keys() == {"application/json"}, f"{row.case} is not JSON alone"
        text = answer["responseTemplates"]["application/json"]
        # The variable comes with its quotes.
        text = text.replace("$context.error.messageString", json.dumps('Why? "Because" \\ so.'))
        assert "$" not in text, f"{row.case} has another variable, whose value may break the JSON: {text}"
        body = json.loads(text)
        assert body.keys() == {"error"}, f"{row.case}: {body}"
        error = body["error"]
        assert error.keys() == {"message", "type", "param", "code"}, f"{row.case} has the keys {sorted(error)}"
        assert isinstance(error["message"], str) and error["message"], f"{row.case} says nothing"
        assert (error["type"], error["code"], error["param"]) == (row.type, row.code, None), f"{row.case}: {error}"
        headers = {"x-request-id": "context.requestId"}
        if row.retry_after is not None:
            headers["retry-after"] = f"'{row.retry_after}'"
        if row.final:
            headers["x-should-retry"] = "'false'"
        if self.origin:
            headers["access-control-allow-origin"] = f"'{self.origin}'"
            headers["access-control-expose-headers"] = EXPOSED
        found = {name.removeprefix(ANSWER_HEADER): value for name, value in answer["responseParameters"].items()}
        assert found == headers, f"T09: {row.case} has the headers {found}"


def check_origins(template: dict[str, Any]) -> None:
    """Only one whole origin can be given, or none."""
    shape = template["Parameters"]["CorsOrigin"].get("AllowedPattern", ".*")
    for text in ("", ORIGIN, "http://127.0.0.1:8080", "http://localhost"):
        assert re.fullmatch(shape, text), f"T09: CorsOrigin does not take {text!r}"
    for text in ("*", "https://*.example.com", "null", f"{ORIGIN}/", f"{ORIGIN}, {ORIGIN}", "chat.example.com"):
        assert not re.fullmatch(shape, text), f"T09: CorsOrigin takes {text!r}"
