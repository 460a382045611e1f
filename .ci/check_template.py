"""Holds what no linter knows of the template, for every combination of the parameters that change it.

check_template.py TEMPLATE. Each part of the template has a check_….py of its own.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import check_api
import check_bucket
import check_queues
import check_roles
import gateway_rows
from translate import translate
from variant import Variant, variants

COUNTED = check_api.COUNTED + check_roles.COUNTED + check_queues.COUNTED + check_bucket.COUNTED


def check_references(variant: Variant) -> None:
    """Nothing refers to a resource that this choice leaves out."""
    text = json.dumps([variant.resources, variant.outputs])
    for name in re.findall(r"<([A-Za-z0-9]+)(?:\.[A-Za-z.]+)?>", text):
        assert name in variant.resources, f"there is a reference to {name}, which is not there"


def check_variant(variant: Variant) -> Counter[str]:
    check_references(variant)
    parts = (check_api.Api, check_roles.Roles, check_queues.Queues, check_bucket.Bucket)
    return sum((part(variant).check() for part in parts), Counter())


def check(template: dict[str, Any]) -> Counter[str]:
    """The counts of what was looked at."""
    check_api.check_origins(template)
    check_roles.check_assumed_role(template)
    check_queues.check_bounds(template)
    counts: Counter[str] = Counter()
    for variant in variants(template):
        try:
            counts += check_variant(variant)
        except AssertionError as error:
            raise AssertionError(f"{variant}: {error}") from error
        except KeyError as error:
            raise AssertionError(f"{variant}: {error} is not there") from error
        counts["variants"] += 1
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
    print(f"template: {counts['variants']} variants: {seen}; {len(rows)} rows, {len(alone)} of API Gateway alone")
    return 0


if __name__ == "__main__":
    sys.exit(main())
