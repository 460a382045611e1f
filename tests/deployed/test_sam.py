"""The way to AWS, into MiniStack: the SAM CLI checks, builds, deploys and deletes the stack, and OpenAI's
SDK talks to the stage that it made."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import unittest
import urllib.request
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from product import ROOT, Product, stack  # Finds the launcher's modules.
import aws
import deployment
from settings import Settings
from stack_under_test import inherited
from test_resources import NOT_HERE

HERE = Path(__file__).resolve().parent
TOOLS = Path(os.environ.get("TOOLS_DIR", ROOT / ".tools"))
SAM = TOOLS / "lint-venv" / "bin" / "sam"
PYTHON = TOOLS / "test-venv" / "bin" / "python"
STACK = "bedrock-lambda-by-sam"
# What the template has besides and MiniStack takes.
OPTIONS = {
    "AlarmEmail": "operations@example.com",
    "FifoQueues": "Yes",
    "VpcId": "vpc-0a1b2c3d",
    "VpcRouteTableIds": "rtb-0a1b2c3d",
    "VpcSubnetIds": "subnet-0a1b2c3d,subnet-1a2b3c4d",
}
# Without these conditions: MiniStack lacks a web ACL's association and budgets, and the functions would
# look for a role on AWS.
STILL_OFF = {"HasMonthlyBudget", "HasWaf", "MakesStsEndpoint"}
# The template's default ones, and no other.
MODELS = ["stability.stable-image-core-v1:1", "us.amazon.nova-lite-v1:0", "us.amazon.nova-micro-v1:0"]
SECONDS = 30.0
# Zipped. A cold start reads it all: what grows past this has got a dependency that it should not have.
LARGEST_PACKAGE = 8_000_000


class Sam(unittest.TestCase):
    def setUp(self) -> None:
        self.settings = Settings.read({"AWS_PORT": stack().aws.rsplit(":", 1)[1]})
        self.cloudformation = aws.client(self.settings, "cloudformation", SECONDS)
        self.environment = {
            **inherited(os.environ),
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": stack().aws,
            "SAM_CLI_TELEMETRY": "0",
            "TOOLS_DIR": str(TOOLS),
            "no_proxy": "127.0.0.1",
        }

    def run_here(self, what: str, *command: str | Path, **variables: str) -> str:
        """What a program prints."""
        began = time.monotonic()
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**self.environment, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        self.assertEqual(done.returncode, 0, f"{what}\n{done.stdout}{done.stderr}")
        print(f"{what}: {time.monotonic() - began:.1f} s", flush=True)
        return done.stdout

    def resources(self, name: str) -> dict[str, str]:
        """The resources of a stack, by their ids in the template; the API's deployments by none."""
        pages = self.cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
        return {
            each["LogicalResourceId"]: each["PhysicalResourceId"]
            for page in pages
            for each in page["StackResourceSummaries"]
            if each["ResourceType"] != "AWS::ApiGateway::Deployment"
        }

    def test_checks_builds_deploys_and_deletes_what_openais_sdk_can_call(self) -> None:
        self.run_here("sam validate --lint", SAM, "validate", "--lint")
        ports = [f"{name}={url.rsplit(':', 1)[1]}" for name, url in self.addresses().items()]
        self.addCleanup(self.cloudformation.delete_stack, StackName=STACK)
        options = "DEPLOY_PARAMETERS=" + " ".join(f"{name}={value}" for name, value in OPTIONS.items())
        stack_name = f"STACK_NAME={STACK}"
        said = self.run_here("make deploy-local", "make", "deploy-local", *ports, stack_name, options)
        print(said[said.index("CloudFormation outputs") :], flush=True)

        # Not another template than `make run` deploys.
        more = set().union(*(ids for condition, ids in NOT_HERE.items() if condition not in STILL_OFF))
        print(f"template: {len(more)} of the resources that `make run` leaves out are here", flush=True)
        self.assertEqual(self.resources(STACK).keys(), self.resources(deployment.STACK).keys() | more)
        product = Product(stack(), STACK)
        self.check_packages(product)
        self.check_calls(product)
        self.check_page(product)
        result = self.check_upload(product)
        self.check_order(product)

        self.run_here("sam delete", SAM, "delete", "--stack-name", STACK, "--no-prompts", "--region", "us-east-1")
        with self.assertRaisesRegex(ClientError, "does not exist"):
            self.cloudformation.describe_stacks(StackName=STACK)
        # It was paid for: the bucket stays.
        self.assertEqual(product.document(f"results/chat/{result['id']}.json"), result)

    def check_upload(self, product: Product) -> dict[str, Any]:
        upload = product.upload("requests/chat/hello.txt", b"Hello")
        return self.result(product, "chat", upload)

    def check_order(self, product: Product) -> None:
        """Messages of one group: the second one waits for the first, which takes longer."""
        ids = [
            product.sqs.send_message(
                QueueUrl=product.queue("completion", "Fifo"),
                MessageBody=json.dumps({"prompt": prompt, "max_tokens": 64}),
                MessageGroupId="a group",
                MessageDeduplicationId=str(number),
            )["MessageId"]
            for number, prompt in enumerate(("first [[fault:slow:3000]]", "second"))
        ]
        for id in ids:
            self.result(product, "completion", id)
        written = [
            product.s3.head_object(Bucket=product.bucket, Key=f"results/completion/{id}.json")["LastModified"]
            for id in ids
        ]
        self.assertEqual(written, sorted(written))

    def result(self, product: Product, name: str, id: str) -> dict[str, Any]:
        key = f"results/{name}/{id}.json"
        result: dict[str, Any] = product.wait(key, lambda: product.document(key), SECONDS)
        self.assertEqual(result["response"]["status_code"], 200, result)
        return result

    def addresses(self) -> dict[str, str]:
        return {"AWS_PORT": stack().aws, "BEDROCK_PORT": stack().bedrock}

    def check_packages(self, product: Product) -> None:
        physical = self.resources(STACK)
        pages = product.functions.get_paginator("list_functions").paginate()
        sizes = {each["FunctionName"]: each["CodeSize"] for page in pages for each in page["Functions"]}
        for id, name in sorted(physical.items()):
            if name in sizes:
                print(f"{id}: {sizes[name] / 1e6:.1f} MB zipped", flush=True)
                self.assertLess(sizes[name], LARGEST_PACKAGE, id)

    def check_page(self, product: Product) -> None:
        """The playground is to be had without a key, and has none."""
        url = f"{stack().aws}/restapis/{product.outputs['ApiId']}/live/_user_request_/"
        with urllib.request.urlopen(url, timeout=SECONDS) as answer:
            page = answer.read().decode()
            self.assertIn("default-src 'none'", answer.headers["content-security-policy"])
        self.assertIn("<title>Playground", page)

    def check_calls(self, product: Product) -> None:
        gateway = aws.client(self.settings, "apigateway", SECONDS)
        key = gateway.get_api_key(apiKey=product.outputs["ApiKeyId"], includeValue=True)["value"]
        url = f"{stack().aws}/restapis/{product.outputs['ApiId']}/live/_user_request_/v1"
        said = self.run_here(
            "OpenAI's SDK", PYTHON, HERE / "openai_calls.py", API_URL=url, API_KEY=key
        )
        found: dict[str, Any] = json.loads(said)
        answers, refused = found["answers"], found["refused"]
        for kind in ("chat", "completion"):
            self.assertIn('The first user turn says "Hello"', answers[kind])
        self.assertGreater(answers["image"], 1000)
        self.assertEqual(answers["models"], sorted(MODELS))
        self.assertEqual(
            refused,
            {
                "no header": 401,
                "the bearer key alone": 403,
                "another key": 403,
                "what is no key, beside one": 401,
            },
        )


if __name__ == "__main__":
    unittest.main()
