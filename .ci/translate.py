"""Prints what CloudFormation will see of a SAM template, without AWS: linters judge that too.

translate.py TEMPLATE [Name=Value …], the latter being values of the template's parameters.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from samtranslator.model.exceptions import InvalidDocumentException
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

# Packaging would put an address here; the translator does not look behind it.
PACKAGED = "s3://packaged/function.zip"
# Any region will do: what depends on it stays a reference.
REGION = "us-east-1"


def translate(path: Path, parameters: Mapping[str, str]) -> dict[str, Any]:
    return translated(yaml_parse(path.read_text()), parameters)


def translated(template: dict[str, Any], parameters: Mapping[str, str]) -> dict[str, Any]:
    """SAM's own translation. It resolves only some references to parameters, and no condition."""
    template["Globals"]["Function"]["CodeUri"] = PACKAGED
    os.environ.setdefault("AWS_DEFAULT_REGION", REGION)
    # It warns of a configuration of its own that it looks for.
    logging.getLogger("samtranslator").setLevel(logging.ERROR)
    managed_policies = {
        "AWSLambdaBasicExecutionRole": "arn:${AWS::Partition}:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    }
    result: dict[str, Any] = Translator(managed_policies, Parser()).translate(template, dict(parameters))
    return result


def main() -> int:
    path, *parameters = sys.argv[1:]
    try:
        template = translate(Path(path), dict(parameter.split("=", 1) for parameter in parameters))
    except InvalidDocumentException as error:
        print(error.message, file=sys.stderr)
        for cause in error.causes:
            print(cause.message, file=sys.stderr)
        return 1
    json.dump(template, sys.stdout, indent=2)
    return 0


if __name__ == "__main__":
    sys.exit(main())
