"""What a translated template comes to with given parameters, in the functions that this one uses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

PSEUDO = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/A-Stack/0c8fd5b0-c94e-11f0-9f5b-0a58a9feac02",
    # With capitals, which not every name may have.
    "AWS::StackName": "A-Stack",
    "AWS::URLSuffix": "amazonaws.com",
}
NOTHING = object()


class Resolver:
    """References to resources become `<Name>` and `<Name.Attribute>`."""

    def __init__(self, template: Mapping[str, Any], parameters: Mapping[str, str]) -> None:
        unknown = parameters.keys() - template["Parameters"].keys()
        assert not unknown, f"the template has no parameters {sorted(unknown)}"
        defaults = {name: str(parameter["Default"]) for name, parameter in template["Parameters"].items()}
        self.parameters: dict[str, str] = {**defaults, **parameters}
        self._lists = {
            name for name, parameter in template["Parameters"].items() if parameter["Type"] == "CommaDelimitedList"
        }
        self._values = {**PSEUDO, **self.parameters}
        self._conditions = template["Conditions"]

    def present(self, section: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """The resources or outputs that there are, by name."""
        return {
            name: self.value(item)
            for name, item in section.items()
            if "Condition" not in item or self._holds(item["Condition"])
        }

    def _holds(self, condition: str) -> bool:
        return bool(self.value(self._conditions[condition]))

    def value(self, node: Any) -> Any:
        if isinstance(node, list):
            return [found for item in node if (found := self.value(item)) is not NOTHING]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            (name, argument), *_ = node.items()
            if name == "Ref":
                return NOTHING if argument == "AWS::NoValue" else self._reference(argument)
            if name == "Condition" and isinstance(argument, str):
                return self._holds(argument)
            if name.startswith("Fn::"):
                return self._function(name, argument)
        return {key: found for key, item in node.items() if (found := self.value(item)) is not NOTHING}

    def _reference(self, name: str) -> Any:
        value = self._values.get(name, f"<{name}>")
        return value.split(",") if name in self._lists else value

    def _function(self, name: str, argument: Any) -> Any:
        match name:
            case "Fn::If":
                condition, yes, no = argument
                return self.value(yes if self._holds(condition) else no)
            case "Fn::Equals":
                first, second = self.value(argument)
                return str(first) == str(second)
            case "Fn::Not":
                return not self.value(argument[0])
            case "Fn::And":
                return all(self.value(item) for item in argument)
            case "Fn::Or":
                return any(self.value(item) for item in argument)
            case "Fn::Join":
                separator, items = argument
                return separator.join(self.value(items))
            case "Fn::Select":
                index, items = argument
                return self.value(items)[int(index)]
            case "Fn::Split":
                separator, text = argument
                return self.value(text).split(separator)
            case "Fn::GetAtt":
                return f"<{'.'.join(argument)}>"
            case "Fn::Sub":
                text, own = argument if isinstance(argument, list) else (argument, {})
                values = {**self._values, **self.value(own)}
                return re.sub(r"\$\{([^}]+)\}", lambda match: values.get(match[1], f"<{match[1]}>"), text)
            case _:
                raise AssertionError(f"{name} is not known here")
