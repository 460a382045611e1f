"""Holds what no linter knows of the template, for variants that have any two choices of its parameters.

check_template.py TEMPLATE. Each part of the template has a check_….py of its own, whose messages begin with
the row of the security checklist that they hold, where they hold one.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import check_alarms
import check_api
import check_bucket
import check_dashboard
import check_functions
import check_keys
import check_models
import check_network
import check_parameters
import check_queues
import check_roles
import check_stage
import gateway_rows
from translate import translate
from variant import Variant, variants

PARTS = (
    check_api.Api,
    check_stage.Stage,
    check_functions.Functions,
    check_roles.Roles,
    check_keys.Keys,
    check_models.Models,
    check_queues.Queues,
    check_bucket.Bucket,
    check_network.Network,
    check_alarms.Alarms,
    check_dashboard.Dashboard,
)
COUNTED = (
    check_api.COUNTED
    + check_stage.COUNTED
    + check_functions.COUNTED
    + check_roles.COUNTED
    + check_keys.COUNTED
    + check_models.COUNTED
    + check_queues.COUNTED
    + check_bucket.COUNTED
    + check_network.COUNTED
    + check_alarms.COUNTED
    + check_dashboard.COUNTED
)
# What would tie the template to one place.
PLACES = (
    ("partition", r"\barn:aws[a-z-]*:"),
    ("region", r"\b(af|ap|ca|cn|eu|il|me|mx|sa|us)(-gov|-iso[a-z]*)?-[a-z]+-[0-9]\b"),
    ("account", r"\b[0-9]{12}\b"),
    ("domain", r"\bhttps?:[^ ]*amazonaws\.com"),
)


def strings(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from strings(key)
            yield from strings(value)
    elif isinstance(node, list):
        for value in node:
            yield from strings(value)


def check_places(template: Mapping[str, Any]) -> None:
    """Only parameters name a region, and nothing a partition or an account."""
    for section in ("Conditions", "Resources", "Outputs"):
        for name, item in template[section].items():
            # SAM's own, for the partition that it translates for.
            if name.endswith("Permissionlive"):
                continue
            for text in strings(item):
                for place, pattern in PLACES:
                    found = re.search(pattern, text)
                    assert not found, f"T40: {name} names a {place}: {found[0] if found else ''}"


def check_references(variant: Variant) -> None:
    """Nothing refers to a resource that this choice leaves out."""
    text = json.dumps([variant.resources, variant.outputs])
    for name in re.findall(r"<([A-Za-z0-9]+)(?:\.[A-Za-z.]+)?>", text):
        assert name in variant.resources, f"there is a reference to {name}, which is not there"


@contextmanager
def told(where: str) -> Iterator[None]:
    """Says where a check failed, and that something which a check looks for is not there."""
    try:
        yield
    except AssertionError as error:
        raise AssertionError(f"{error} ({where})") from error
    except (KeyError, ValueError) as error:
        raise AssertionError(f"{error!r} is not there, or more than once ({where})") from error


def check_variant(variant: Variant) -> Counter[str]:
    check_references(variant)
    return sum((part(variant).check() for part in PARTS), Counter())


def check(template: dict[str, Any]) -> Counter[str]:
    """The counts of what was looked at."""
    counts: Counter[str] = Counter()
    seen: set[str] = set()
    for variant in variants(template):
        with told(str(variant)):
            counts += check_variant(variant)
        seen |= variant.resources.keys()
        counts["variants"] += 1
    with told("the whole template"):
        missing = template["Resources"].keys() - seen
        assert not missing, f"no variant has {sorted(missing)}"
        check_places(template)
        check_api.check_origins(template)
        check_stage.check_order(template)
        check_queues.check_bounds(template)
        check_parameters.check_bounds(template)
        check_parameters.check_rules(template)
    for name, environment in check_parameters.environments(template):
        with told(name):
            check_variant(environment)
            counts["environments"] += 1
    return counts


def main() -> int:
    try:
        counts = check(translate(Path(sys.argv[1]), {}))
    except AssertionError as error:
        print(f"template: {error}", file=sys.stderr)
        return 1
    rows = gateway_rows.ROWS
    alone = [row for row in rows if row.producer == gateway_rows.ALONE]
    seen = ", ".join(f"{counts[name]} {name}" for name in COUNTED)
    looked = f"{counts['variants']} variants and {counts['environments']} environments"
    print(f"template: {looked}: {seen}; {len(rows)} rows, {len(alone)} of API Gateway alone")
    return 0


if __name__ == "__main__":
    sys.exit(main())
