"""Prints what CloudFormation will see of a SAM template, without AWS: linters judge that too."""

from __future__ import annotations

import json
import os
import sys
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


def translate(template: dict[str, Any]) -> dict[str, Any]:
    template["Globals"]["Function"]["CodeUri"] = PACKAGED
    os.environ.setdefault("AWS_DEFAULT_REGION", REGION)
    managed_policies = {
        "AWSLambdaBasicExecutionRole": "arn:${AWS::Partition}:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    }
    translated: dict[str, Any] = Translator(managed_policies, Parser()).translate(template, {})
    return translated


def main() -> int:
    try:
        translated = translate(yaml_parse(Path(sys.argv[1]).read_text()))
    except InvalidDocumentException as error:
        print(error.message, file=sys.stderr)
        for cause in error.causes:
            print(cause.message, file=sys.stderr)
        return 1
    json.dump(translated, sys.stdout, indent=2)
    return 0


if __name__ == "__main__":
    sys.exit(main())
