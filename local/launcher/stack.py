"""Starts the whole product on loopback: S3 and SQS, a Bedrock, the functions and their HTTP door.

`make run` calls it; docs/local.md explains it. Everything it starts ends with it.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aws
import banner
import deployment
import event_files
import probes
import weights
from deployment import Deployed
from processes import Failed, Family, Stopped, require_free
from settings import ROOT, BadSetting, Settings

FUNCTIONS = {
    "text-completion": "/v1/completions",
    "chat": "/v1/chat/completions",
    "image-generation": "/v1/images/generations",
    "models": "/v1/models",
    "playground": "/",
}
# Of each function, so that a long stream does not keep the next caller waiting. An instance
# answers one request at a time, as on Lambda.
INSTANCES = 2


def main() -> int:
    try:
        settings = Settings.read()
        with Family(settings.runs) as family:
            run(settings, family)
    except Stopped:
        print("stopped", flush=True)
        return 0
    except (BadSetting, Failed) as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return 1
    return 0


def run(settings: Settings, family: Family) -> None:
    began = time.monotonic()
    require_free(settings.ports)
    model = None
    if settings.bedrock_url is None and settings.text_backend == "embedded":
        with step("weights"):
            model = weights.fetch(settings, family)
    with step("build"):
        programs = build(settings, family)
    with step("start"):
        start_aws(settings, family)
        if settings.bedrock_url is None:
            start_bedrock(settings, family, programs["local-bedrock"], model)
    with step("deploy"):
        deployed = deployment.deploy(settings, family, programs)
        event_files.prepare(settings)
    with step("door"):
        start_functions(settings, family, programs, deployed)
    command = aws.write_command(settings)
    models = probes.models(settings) if settings.bedrock_url is None else []
    print(banner.ready(settings, deployed, command, models, time.monotonic() - began), flush=True)
    family.watch()


@contextmanager
def step(name: str) -> Iterator[None]:
    began = time.monotonic()
    print(f"{name} …", flush=True)
    yield
    print(f"{name} done in {time.monotonic() - began:.1f} s", flush=True)


def build(settings: Settings, family: Family) -> dict[str, Path]:
    """Builds what will run; the path of each program by its name."""
    command = ["cargo", "build", "--workspace", "--bins", "--locked"]
    command += ["--message-format", "json-render-diagnostics"]
    if settings.bedrock_url is None and settings.text_backend == "embedded":
        command += ["--features", "local-bedrock/embedded-model"]
    messages = family.run("the build", command, settings.whole_environment, ROOT)
    artifacts = (json.loads(line) for line in messages.splitlines())
    return {
        artifact["target"]["name"]: Path(artifact["executable"])
        for artifact in artifacts
        if artifact["reason"] == "compiler-artifact" and artifact["executable"]
    }


def start_aws(settings: Settings, family: Family) -> None:
    """MiniStack, in memory: S3, SQS, and what runs template.yaml."""
    # It leaves the code of the functions there.
    temporary = settings.runs / "tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    environment = {
        **settings.machine,
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(settings.aws_port),
        "MINISTACK_HOST": "127.0.0.1",
        "IOT_MTLS_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
        "TMPDIR": str(temporary),
        # Functions that are deployed to it inherit this, and so find S3 and SQS here.
        **settings.endpoints,
        # It checks who signed a presigned URL, so it must know whom the functions sign as.
        **settings.credentials,
        deployment.KEY_VARIABLE: settings.credentials["AWS_ACCESS_KEY_ID"],
    }
    ministack = Path(sys.executable).with_name("ministack")
    family.start("ministack", [ministack], environment, settings.runs)
    family.wait_until("MiniStack", lambda: probes.ask_aws(settings), 30)


def start_bedrock(settings: Settings, family: Family, program: Path, model: Path | None) -> None:
    command: list[str | Path] = [program, "--listen", f"127.0.0.1:{settings.bedrock_port}"]
    command += ["--text-backend", settings.text_backend]
    if model is not None:
        command += ["--model-file", model]
    if settings.text_backend == "bridge":
        command += ["--bridge-url", str(settings.bridge_url)]
        command += ["--bridge-model", str(settings.bridge_model)]
    if settings.faults:
        command.append("--faults")
    # Unpacked weights answer the first token ten times as fast and take 700 MB instead of 240.
    environment = {**settings.machine, "CANDLE_DEQUANTIZE_ALL": "1"}
    if "RUST_LOG" in settings.functions:
        environment["RUST_LOG"] = settings.functions["RUST_LOG"]
    family.start("local-bedrock", command, environment, ROOT)
    family.wait_until("local-bedrock", lambda: probes.ask_bedrock(settings), 60)


def start_functions(
    settings: Settings, family: Family, programs: dict[str, Path], deployed: Deployed
) -> None:
    """cargo-lambda is the Runtime API and the HTTP door; the functions are the built programs."""
    watch: list[str | Path] = [Path(sys.executable).with_name("cargo-lambda"), "lambda", "watch"]
    watch += ["--only-lambda-apis", "--disable-cors", "--quiet"]
    watch += ["--invoke-address", "127.0.0.1", "--invoke-port", str(settings.api_port)]
    family.start("cargo-lambda", watch, settings.machine, ROOT)
    family.wait_until("cargo-lambda", lambda: probes.ask_door(settings), 30)
    for function in FUNCTIONS:
        environment = function_environment(settings, function, deployed)
        for instance in range(1, INSTANCES + 1):
            family.start(f"{function}-{instance}", [programs[function]], environment, ROOT)
    for function, path in FUNCTIONS.items():
        family.wait_until(function, lambda path=path: probes.ask_function(settings, path), 30)


def function_environment(settings: Settings, function: str, deployed: Deployed) -> dict[str, str]:
    """What Lambda would set, the endpoints, the deployed stack's bucket and queues, and the settings
    of the function itself."""
    return {
        "AWS_LAMBDA_FUNCTION_NAME": function,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_RUNTIME_API": f"{settings.api}/.rt/{function}",
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": settings.bedrock,
        **settings.endpoints,
        **deployed.variables[function],
        **settings.control,
        **settings.credentials,
        **settings.functions,
    }


if __name__ == "__main__":
    sys.exit(main())
