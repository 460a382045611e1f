"""Deploys the repository's template.yaml to MiniStack, the built programs being its code.

It is what `sam package` and `sam deploy` do, in seconds: nothing is built a second time.
"""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import tempfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from samtranslator.yaml_helper import yaml_parse

import aws
import event_files
from processes import Failed, Family, NotYet
from settings import ROOT, Settings

PARAMETERS = ROOT / "local" / "parameters.yaml"
STACK = "local"
CODE_BUCKET = "local-code"
TEMPLATE_KEY = "template.json"
# What the template takes for the names of the bucket and the queues, so that no two stacks meet. Here
# there is one: its names are the same in every run, and can be copied from a page.
ID = {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]}
QUEUES = ("CHAT_QUEUE_URL", "COMPLETION_QUEUE_URL", "IMAGE_QUEUE_URL")
# What docs/events.md lists, the images' bucket, and whose metrics they are: the same for every door of
# the product.
VARIABLES = (
    "BATCH_CONCURRENCY",
    "BATCH_EXPIRY_HOURS",
    "IMAGE_BUCKET",
    "METRICS_NAMESPACE",
    "QUEUE_ARNS",
    "REQUEST_BUCKETS",
    "REQUEST_PREFIX",
    "RESULT_BUCKET",
    *QUEUES,
)
# MiniStack buffers answers and waits for them in its own way: the template knows what suits that.
TEMPLATE_DECIDES = ("GATEWAY_TIMEOUT_SECONDS", "HTTP_RESPONSE")
SECONDS = 30.0
# MiniStack gives a function the number of its account for a key, which it knows itself; another
# Bedrock wants the real one.
KEY_VARIABLE = "LOCAL_ACCESS_KEY_ID"
WITH_THE_REAL_KEY = f"""#!/bin/sh
export AWS_ACCESS_KEY_ID="${KEY_VARIABLE}"
exec "$LAMBDA_TASK_ROOT/function"
"""

Template = dict[str, Any]


@dataclass(frozen=True)
class Deployed:
    """What the functions that run elsewhere, and a person, have to know of the stack."""

    bucket: str
    # The URLs, in the order of QUEUES.
    queues: list[str]
    # Of each function, by its name.
    variables: dict[str, dict[str, str]]


def deploy(settings: Settings, family: Family, programs: dict[str, Path]) -> Deployed:
    template: Template = with_names(yaml_parse((ROOT / "template.yaml").read_text()))
    functions = functions_of(template)
    configure(template, functions, settings.functions)
    try:
        upload(settings, template, [programs[name] for name in functions.values()])
        create(settings)
        family.wait_until("the stack", lambda: ask_stack(settings), SECONDS)
        variables = {name: variables_of(settings, id) for id, name in functions.items()}
    except (BotoCoreError, ClientError) as error:
        raise Failed(f"template.yaml on MiniStack: {error}") from error
    chat = variables["chat"]
    return Deployed(chat["RESULT_BUCKET"], [chat[name] for name in QUEUES], variables)


def functions_of(template: Template) -> dict[str, str]:
    """The programs of the template's functions, by the functions' ids in it."""
    return {
        id: resource["Metadata"]["BuildProperties"]["Binary"]
        for id, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    }


def with_names(part: Any) -> Any:
    """The same part of a template, the stack's id replaced by its name."""
    if part == ID:
        return STACK
    if isinstance(part, dict):
        return {key: with_names(value) for key, value in part.items()}
    return [with_names(each) for each in part] if isinstance(part, list) else part


def configure(template: Template, functions: dict[str, str], given: dict[str, str]) -> None:
    """Tells each function where its code is, what this run was told, and what events/ needs; its log
    group gets its name."""
    resources = template["Resources"]
    # The models that the template allows are those that its roles may call. There are no roles here.
    variables = {"ALLOWED_MODELS": "", **given}
    for name in TEMPLATE_DECIDES:
        variables.pop(name, None)
    for id, name in functions.items():
        properties = resources[id]["Properties"]
        properties["CodeUri"] = f"s3://{CODE_BUCKET}/{name}.zip"
        group = properties["LoggingConfig"]["LogGroup"]["Ref"]
        resources[group]["Properties"]["LogGroupName"] = name
        # One that has none reads none.
        if "Environment" in properties:
            own = properties["Environment"]["Variables"]
            own.update(variables)
            for variable, more in event_files.ALLOWED.items():
                if variable in own:
                    own[variable] = {"Fn::Join": [",", [own[variable], *more]]}


def upload(settings: Settings, template: Template, programs: list[Path]) -> None:
    s3 = aws.client(settings, "s3", SECONDS)
    aws.create_bucket(s3, CODE_BUCKET)
    s3.put_object(Bucket=CODE_BUCKET, Key=TEMPLATE_KEY, Body=json.dumps(template).encode())
    with tempfile.TemporaryDirectory(dir=settings.runs) as folder, ThreadPoolExecutor() as pool:

        def put(program: Path) -> None:
            package = pack(program, Path(folder), real_key=settings.bedrock_url is not None)
            s3.put_object(Bucket=CODE_BUCKET, Key=package.name, Body=package.read_bytes())

        list(pool.map(put, programs))


def pack(program: Path, folder: Path, *, real_key: bool) -> Path:
    """The program as Lambda takes it. Without its debug information it is a tenth of the size."""
    binary, package = folder / program.name, folder / f"{program.name}.zip"
    strip = shutil.which("strip")
    command: list[str | Path] = [strip or "", "-o", binary, program]
    # A program that it does not know is taken as it is.
    if not strip or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        shutil.copy(program, binary)
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.write(binary, "function" if real_key else "bootstrap")
        if real_key:
            script = zipfile.ZipInfo("bootstrap")
            script.external_attr = 0o755 << 16
            archive.writestr(script, WITH_THE_REAL_KEY)
    return package


def parameters_of(settings: Settings) -> dict[str, str]:
    """What the template is told, by the file and by this run."""
    parameters = {
        **{name: str(value) for name, value in yaml_parse(PARAMETERS.read_text()).items()},
        "Architecture": "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64",
        "BedrockControlEndpointUrl": settings.control.get("AWS_ENDPOINT_URL_BEDROCK", ""),
        "BedrockEndpointUrl": settings.bedrock,
    }
    if settings.bedrock_url is not None:
        # One endpoint has one region.
        parameters["ImageModelRegion"] = settings.functions.get("BEDROCK_REGION", "")
    return parameters


def create(settings: Settings) -> None:
    parameters = parameters_of(settings)
    aws.client(settings, "cloudformation", SECONDS).create_stack(
        StackName=STACK,
        TemplateURL=f"{settings.aws}/{CODE_BUCKET}/{TEMPLATE_KEY}",
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        DisableRollback=True,
    )


def ask_stack(settings: Settings) -> None:
    """Fails for good, in CloudFormation's own words, when a resource could not be made."""
    cloudformation = aws.client(settings, "cloudformation", SECONDS)
    [stack] = cloudformation.describe_stacks(StackName=STACK)["Stacks"]
    if stack["StackStatus"] == "CREATE_IN_PROGRESS":
        raise NotYet("CREATE_IN_PROGRESS")
    if stack["StackStatus"] != "CREATE_COMPLETE":
        events = cloudformation.describe_stack_events(StackName=STACK)["StackEvents"]
        reasons = [
            f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason')}"
            for event in reversed(events)
            if event["ResourceStatus"] == "CREATE_FAILED"
        ]
        raise Failed(f"template.yaml on MiniStack: {stack['StackStatus']}; " + "; ".join(reasons))


def variables_of(settings: Settings, function: str) -> dict[str, str]:
    """What the template tells this function, of what any instance of it must be told."""
    cloudformation = aws.client(settings, "cloudformation", SECONDS)
    resource = cloudformation.describe_stack_resource(StackName=STACK, LogicalResourceId=function)
    physical = resource["StackResourceDetail"]["PhysicalResourceId"]
    found = aws.client(settings, "lambda", SECONDS).get_function_configuration(FunctionName=physical)
    variables: dict[str, str] = found.get("Environment", {}).get("Variables", {})
    return {name: variables[name] for name in VARIABLES if name in variables}
