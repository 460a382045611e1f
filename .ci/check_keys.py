"""Holds who may use the stack's key, without whom nothing is sent, logged or told."""

from __future__ import annotations

from collections import Counter

from variant import ACCOUNT, Variant

COUNTED = ("keys",)
# What is sent on, or told, is encrypted for that by the service.
SENDING = ["kms:Decrypt", "kms:GenerateDataKey"]
THIS_ACCOUNT = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
LOGGING = [
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    "kms:GenerateDataKey",
    "kms:DescribeKey",
]
LOG_GROUPS = {
    "ArnLike": {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:A-Stack-*"}
}
# Principal, actions and condition.
WANTED = (
    # Without it nobody could change the key any more; who may use it is said by the account's own policies.
    ({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "kms:*", None),
    ({"Service": "logs.us-east-1.amazonaws.com"}, LOGGING, LOG_GROUPS),
    ({"Service": "s3.amazonaws.com"}, SENDING, THIS_ACCOUNT),
    ({"Service": ["budgets.amazonaws.com", "cloudwatch.amazonaws.com"]}, SENDING, THIS_ACCOUNT),
)


class Keys:
    """The key of one variant."""

    def __init__(self, variant: Variant) -> None:
        self.variant = variant
        self.counts: Counter[str] = Counter()

    def check(self) -> Counter[str]:
        keys = self.variant.of("AWS::KMS::Key")
        given = self.variant.parameters["KmsKeyArn"]
        assert len(keys) == (not given), f"T27: there are {len(keys)} keys beside {given or 'none'}"
        for key in keys:
            statements = key["Properties"]["KeyPolicy"]["Statement"]
            assert all(statement.get("Effect") == "Allow" for statement in statements), "T28: the key denies something"
            assert all(statement.get("Resource") == "*" for statement in statements), "T28: * is this key"
            found = [
                tuple(statement.get(part) for part in ("Principal", "Action", "Condition")) for statement in statements
            ]
            assert found == list(WANTED), f"T28: the key's policy is {found}"
            self.counts["keys"] += 1
        return self.counts
