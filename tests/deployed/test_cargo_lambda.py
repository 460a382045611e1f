"""One function alone, without the template: built, deployed and invoked by cargo-lambda."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import unittest
from pathlib import Path

from product import ROOT, Product, stack
from stack_under_test import inherited

CARGO_LAMBDA = Path(sys.executable).with_name("cargo-lambda")
NAME = "chat-alone"
BINARY = "chat"
MEMORY = 256
TIMEOUT = 28
# MiniStack asks no role for its rights, and looks at none.
ROLE = "arn:aws:iam::000000000000:role/chat-alone"


class OneFunction(unittest.TestCase):
    def cargo_lambda(self, *arguments: str) -> str:
        """What it says at the end."""
        environment = {
            **inherited(os.environ),
            # It calls zig, which is beside it.
            "PATH": f"{CARGO_LAMBDA.parent}:{os.environ['PATH']}",
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_REGION": "us-east-1",
        }
        began = time.monotonic()
        done = subprocess.run(
            [CARGO_LAMBDA, "lambda", *arguments],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        print(f"cargo lambda {arguments[0]}: {time.monotonic() - began:.1f} s", flush=True)
        return done.stdout

    def test_is_built_deployed_and_invoked(self) -> None:
        product, here = Product(stack()), ("--endpoint-url", stack().aws)
        self.cargo_lambda("build", "--release", "--locked", "--bin", BINARY)
        variables = {
            "BEDROCK_ENDPOINT_URL": stack().bedrock,
            "DEFAULT_CHAT_MODEL": "us.amazon.nova-lite-v1:0",
        }
        self.addCleanup(product.functions.delete_function, FunctionName=NAME)
        self.cargo_lambda(
            "deploy",
            *here,
            *("--binary-name", BINARY, "--role", ROLE),
            *("--memory", str(MEMORY), "--timeout", str(TIMEOUT), "--tracing", "Active"),
            *(part for name, value in variables.items() for part in ("--env-var", f"{name}={value}")),
            NAME,
        )
        found = product.functions.get_function_configuration(FunctionName=NAME)
        self.assertEqual(
            {key: found[key] for key in ("Runtime", "MemorySize", "Timeout", "Role")},
            {"Runtime": "provided.al2023", "MemorySize": MEMORY, "Timeout": TIMEOUT, "Role": ROLE},
        )
        self.assertEqual(found["Environment"]["Variables"], variables)
        request = {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 64}
        said = self.cargo_lambda("invoke", *here, "--remote", "--data-ascii", json.dumps(request), NAME)
        answer = json.loads(said)
        self.assertEqual(answer["object"], "chat.completion", said)
        self.assertIn('The first user turn says "Hello"', answer["choices"][0]["message"]["content"])
        print(f"{NAME}: {found['CodeSize'] / 1e6:.1f} MB zipped", flush=True)


if __name__ == "__main__":
    unittest.main()
