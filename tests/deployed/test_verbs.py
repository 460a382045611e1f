"""What the verbs that build and deploy say to cargo-lambda and to SAM, for both architectures and every
environment. Neither is run: this machine has the tools for its own architecture alone."""

from __future__ import annotations

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

from product import ROOT  # Finds the launcher's modules, and those of .ci.
from resolve import Resolver
from stack_under_test import inherited
from translate import translate

# They say what they were told, and what cargo-lambda would find in its environment.
PROGRAM = """#!/bin/sh
echo "${0##*/}${CARGO_LAMBDA_BUILD:+ $CARGO_LAMBDA_BUILD}" "$@"
"""
FLAGS = {"arm64": "--arm64", "x86_64": "--x86-64"}
BINARIES = ("text-completion", "chat", "image-generation", "models", "authorizer", "playground")


class TheVerbs(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.programs = Path(folder.name)
        for name in ("cargo", "sam"):
            program = self.programs / name
            program.write_text(PROGRAM)
            program.chmod(0o755)

    def make(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {
            **inherited(os.environ),
            "PATH": f"{self.programs}:{os.environ['PATH']}",
            "TOOLS_DIR": os.environ.get("TOOLS_DIR", str(ROOT / ".tools")),
        }
        command = ["make", "--silent", *arguments, f"SAM={self.programs / 'sam'}"]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)

    def said(self, *arguments: str) -> list[list[str]]:
        """What each program was told, word by word."""
        done = self.make(*arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [line.split() for line in done.stdout.splitlines() if line.startswith(("cargo ", "sam "))]

    def build(self, architecture: str) -> list[str]:
        binaries = [word for name in BINARIES for word in ("--bin", name)]
        return ["cargo", "lambda", "build", "--release", "--locked", FLAGS[architecture], *binaries]

    def sam_build(self, architecture: str) -> list[str]:
        """For arm64 sam itself names the target."""
        target = ['{target=["x86_64-unknown-linux-gnu"]}'] if architecture == "x86_64" else []
        return ["sam", *target, "build", "--parameter-overrides", f"Architecture={architecture}"]

    def test_package_for_the_architecture_that_is_asked_for(self) -> None:
        for architecture in FLAGS:
            self.assertEqual(
                self.said("package", f"ARCHITECTURE={architecture}"), [self.build(architecture)]
            )

    def test_deploy_to_aws_what_was_built_for_the_same_architecture(self) -> None:
        for architecture in FLAGS:
            for place in ("deploy", "deploy-local"):
                variable = "DEPLOY_ARCHITECTURE" if place == "deploy" else "ARCHITECTURE"
                built, sam_built, deployed = self.said(place, f"{variable}={architecture}")
                self.assertEqual((built, sam_built), (self.build(architecture), self.sam_build(architecture)))
                told = [word for word in deployed if word.startswith("Architecture=")]
                self.assertEqual(told, [f"Architecture={architecture}"])

    def test_deploy_arm64_to_aws_unless_they_are_told_otherwise(self) -> None:
        self.assertEqual(self.said("deploy")[0], self.build("arm64"))

    def test_give_an_environment_its_own_parameters_and_those_of_the_caller(self) -> None:
        def deployed(environment: str) -> list[str]:
            *_, found = self.said(
                "deploy", f"DEPLOY_ENVIRONMENT={environment}", "DEPLOY_PARAMETERS=MonthlyBudget=7"
            )
            self.assertEqual(found[:5], ["sam", "deploy", "--config-env", environment, "--parameter-overrides"])
            return found[5:]

        self.assertEqual(deployed("default"), ["Architecture=arm64", "MonthlyBudget=7"])
        for environment in ("dev", "prod"):
            *own, architecture, mine = deployed(environment)
            self.assertEqual((architecture, mine), ("Architecture=arm64", "MonthlyBudget=7"))
            self.assertIn("MonthlyBudget", [word.split("=")[0] for word in own])

    def test_refuse_an_environment_that_there_is_not(self) -> None:
        done = self.make("deploy", "DEPLOY_ENVIRONMENT=nowhere")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("samconfig.toml has no environment nowhere", done.stderr)
        self.assertNotIn("sam deploy", done.stdout)


class TheTemplate(unittest.TestCase):
    def test_runs_every_function_on_the_architecture_that_it_is_told(self) -> None:
        template = translate(ROOT / "template.yaml", {})
        for architecture in FLAGS:
            resolver = Resolver(template, {"Architecture": architecture})
            found = {
                id: each["Properties"]["Architectures"]
                for id, each in resolver.present(template["Resources"]).items()
                if each["Type"] == "AWS::Lambda::Function"
            }
            self.assertEqual(len(found), len(BINARIES))
            self.assertEqual(set(map(tuple, found.values())), {(architecture,)}, found)


if __name__ == "__main__":
    unittest.main()
