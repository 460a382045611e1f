"""What is deployed to MiniStack, and what differs there from the template."""

from __future__ import annotations

import http.server
import json
import subprocess
import tempfile
import threading
import time
import unittest
import zipfile
from pathlib import Path

from samtranslator.yaml_helper import yaml_parse

import deployment
import event_files
from settings import ROOT, Settings
from stack_under_test import Stack

SECONDS = 30.0


class TheTemplate(unittest.TestCase):
    def setUp(self) -> None:
        self.template = deployment.with_names(yaml_parse((ROOT / "template.yaml").read_text()))
        self.functions = deployment.functions_of(self.template)

    def test_names_its_bucket_and_queues_by_the_stack(self) -> None:
        self.assertNotIn("AWS::StackId", json.dumps(self.template))

    def test_has_a_function_for_each_program(self) -> None:
        self.assertEqual(
            set(self.functions.values()),
            {"authorizer", "chat", "image-generation", "models", "playground", "text-completion"},
        )

    def test_is_told_where_the_code_is_and_what_the_run_was_told(self) -> None:
        given = {"RUST_LOG": "debug", "HTTP_RESPONSE": "stream", "GATEWAY_TIMEOUT_SECONDS": "3"}
        deployment.configure(self.template, self.functions, given)
        for id, name in self.functions.items():
            properties = self.template["Resources"][id]["Properties"]
            self.assertEqual(properties["CodeUri"], f"s3://local-code/{name}.zip")
            variables = properties.get("Environment", {}).get("Variables", {})
            if name in ("authorizer", "playground"):
                self.assertEqual(variables, {})
            else:
                self.assertEqual(
                    variables.get("REQUEST_BUCKETS"),
                    None
                    if name == "models"
                    else {"Fn::Join": [",", [{"Ref": "Bucket"}, "bedrock-requests"]]},
                )
                self.assertEqual((variables["RUST_LOG"], variables["ALLOWED_MODELS"]), ("debug", ""))
                self.assertNotIn("HTTP_RESPONSE", variables)


class TheParameters(unittest.TestCase):
    def told(self, **environment: str) -> dict[str, str]:
        return deployment.parameters_of(Settings.read(environment))

    def test_are_those_of_the_file_and_of_the_run(self) -> None:
        told = self.told(BEDROCK_PORT="4700")
        self.assertEqual((told["HttpResponse"], told["MonthlyBudget"]), ("buffered", "0"))
        address = "http://127.0.0.1:4700"
        self.assertEqual((told["BedrockEndpointUrl"], told["BedrockControlEndpointUrl"]), (address, address))
        self.assertNotIn("ImageModelRegion", told)

    def test_have_one_region_for_another_bedrock(self) -> None:
        told = self.told(BEDROCK_URL="https://bedrock.example", BEDROCK_REGION="eu-west-1")
        self.assertEqual(told["BedrockEndpointUrl"], "https://bedrock.example")
        self.assertEqual((told["BedrockControlEndpointUrl"], told["ImageModelRegion"]), ("", "eu-west-1"))


class APackage(unittest.TestCase):
    def test_has_a_program_that_runs(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            program = Path(folder) / "program"
            program.write_text('#!/bin/sh\necho "$AWS_ACCESS_KEY_ID"\n')
            program.chmod(0o755)
            for real_key, said in ((False, "account\n"), (True, "own\n")):
                unpacked = Path(folder) / str(real_key)
                unpacked.mkdir()
                package = deployment.pack(program, unpacked, real_key=real_key)
                with zipfile.ZipFile(package) as archive:
                    for entry in archive.infolist():
                        mode = entry.external_attr >> 16
                        Path(archive.extract(entry, unpacked)).chmod(mode & 0o777)
                environment = {
                    "AWS_ACCESS_KEY_ID": "account",
                    deployment.KEY_VARIABLE: "own",
                    "LAMBDA_TASK_ROOT": str(unpacked),
                }
                run = subprocess.run(
                    [unpacked / "bootstrap"], env=environment, capture_output=True, text=True, check=True
                )
                self.assertEqual(run.stdout, said)


class TheEventFiles(unittest.TestCase):
    def test_name_the_version_that_their_object_has_got(self) -> None:
        keys = [
            file.relative_to(event_files.OBJECTS).as_posix()
            for file in event_files.OBJECTS.rglob("*")
            if file.is_file()
        ]
        versions = {key: f"version of {key}" for key in keys}
        told: set[str] = set()
        for file in event_files.EVENTS.glob("*.json"):
            event = file.read_text()
            copy = event_files.with_versions(event, versions)
            self.assertNotIn(event_files.VERSION, copy, file.name)
            told.update(key for key in keys if versions[key] in copy)
        self.assertEqual(told, set(keys))


class AnotherBedrock(unittest.TestCase):
    """One that notes who signs, and refuses."""

    def test_is_called_with_the_persons_own_key(self) -> None:
        signed: list[str] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                signed.append(self.headers["authorization"])
                self.rfile.read(int(self.headers.get("content-length", 0)))
                self.send_response(403)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as bedrock:
            threading.Thread(target=bedrock.serve_forever, daemon=True).start()
            self.addCleanup(bedrock.shutdown)
            stack = Stack(
                None,
                BEDROCK_URL=f"http://127.0.0.1:{bedrock.server_port}",
                AWS_ACCESS_KEY_ID="OWNKEY",
                AWS_SECRET_ACCESS_KEY="secret",
                AWS_REGION="eu-west-1",
            )
            self.addCleanup(stack.close)
            stack.wait_until_ready()
            [upload] = [line for line in stack.said().splitlines() if line.startswith("echo ")]
            subprocess.run(upload, shell=True, check=True, capture_output=True)
            deadline = time.monotonic() + SECONDS
            while not signed and time.monotonic() < deadline:
                time.sleep(0.1)
            self.assertTrue(signed, stack.said())
            self.assertRegex(signed[0], r"Credential=OWNKEY/\d{8}/eu-west-1/bedrock/")


if __name__ == "__main__":
    unittest.main()
