"""Holds what the bucket does by itself: whom it tells of which upload, what it keeps for how long, who may look."""

from __future__ import annotations

import re
from collections import Counter

from doors import DOORS, OUTPUTS, SUFFIXES
from variant import Variant

COUNTED = ("notifications", "buckets")
# SQS keeps a message for 14 days at most, and after a redrive for 14 more.
LAST_DELIVERY = 28


class Bucket:
    """The bucket of one variant."""

    def __init__(self, variant: Variant) -> None:
        self.variant = variant
        self.bucket = variant.resources["Bucket"]
        self.properties = variant.properties("Bucket")
        self.counts: Counter[str] = Counter()

    def check(self) -> Counter[str]:
        self.check_access()
        self.check_name()
        self.check_notifications()
        self.check_order()
        self.check_keeping()
        self.check_variables()
        return self.counts

    def check_access(self) -> None:
        """Every bucket is closed to the public and to what comes without TLS."""
        for name, bucket in self.variant.named("AWS::S3::Bucket").items():
            properties = bucket["Properties"]
            blocks = properties["PublicAccessBlockConfiguration"]
            every = {"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"}
            assert {key for key, value in blocks.items() if value is True} == every, f"{name} can be opened"
            assert properties["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}, (
                f"{name} has ACLs"
            )
            assert "BucketEncryption" in properties, f"{name} is not encrypted"
            policies = [
                found["Properties"]["PolicyDocument"]["Statement"]
                for found in self.variant.of("AWS::S3::BucketPolicy")
                if found["Properties"]["Bucket"] == f"<{name}>"
            ]
            tls = {
                "Sid": "OnlyOverTls",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [f"<{name}.Arn>", f"<{name}.Arn>/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
            assert policies == [[tls]], f"{name} can be used without TLS, or its policy allows something"
            self.counts["buckets"] += 1

    def check_name(self) -> None:
        """It is one for any stack's name."""
        name = self.properties["BucketName"]
        assert re.fullmatch(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", name), f"S3 does not take the name {name}"

    def check_notifications(self) -> None:
        """Each kind of upload is told to its function's queue, and nothing else is told to anyone."""
        configuration = self.properties["NotificationConfiguration"]
        assert configuration.keys() == {"QueueConfigurations"}, f"the bucket calls {sorted(configuration)}"
        found: Counter[tuple[str, str, str]] = Counter()
        for notification in configuration["QueueConfigurations"]:
            assert notification["Event"] == "s3:ObjectCreated:*", f"the bucket tells of {notification['Event']}"
            pairs = [(rule["Name"], rule["Value"]) for rule in notification["Filter"]["S3Key"]["Rules"]]
            rules = dict(pairs)
            assert len(pairs) == 2 and rules.keys() == {"prefix", "suffix"}, f"a notification is filtered by {pairs}"
            prefix = rules["prefix"]
            for output in OUTPUTS:
                overlaps = prefix.startswith(output) or output.startswith(prefix)
                assert not overlaps, f"{prefix} and {output} overlap: a function would call itself"
            found[notification["Queue"], prefix, rules["suffix"]] += 1
            self.counts["notifications"] += 1
        wanted = Counter(
            (f"<{door.queues(fifo=False)[0]}.Arn>", door.uploads, suffix) for door in DOORS for suffix in SUFFIXES
        )
        assert found == wanted, f"notifications: {sorted((found - wanted) + (wanted - found))}"

    def check_order(self) -> None:
        """S3 tries the queues when the bucket is made: by then they must let it in."""
        policies = {
            name
            for name, policy in self.variant.named("AWS::SQS::QueuePolicy").items()
            for door in DOORS
            if f"<{door.queues(fifo=False)[0]}>" in policy["Properties"]["Queues"]
        }
        assert set(self.bucket.get("DependsOn", [])) == policies, f"the bucket is made before {sorted(policies)}"

    def check_keeping(self) -> None:
        """What was paid for stays; a lock and an old version stay until nobody can ask for them any more."""
        assert self.bucket["DeletionPolicy"] == self.bucket["UpdateReplacePolicy"] == "Retain", "results can be lost"
        assert self.properties["VersioningConfiguration"] == {"Status": "Enabled"}, "an upload replaces another"
        rules = self.properties["LifecycleConfiguration"]["Rules"]
        assert all(rule["Status"] == "Enabled" for rule in rules), "a rule of the lifecycle is off"
        assert any("AbortIncompleteMultipartUpload" in rule for rule in rules), "parts are kept for good"
        everywhere = [rule for rule in rules if "Prefix" not in rule]
        old = [rule["NoncurrentVersionExpiration"] for rule in everywhere if "NoncurrentVersionExpiration" in rule]
        assert [rule["NoncurrentDays"] for rule in old] == [30], f"old versions expire by {old}"
        assert old[0]["NoncurrentDays"] > LAST_DELIVERY, "a version goes while a message may still name it"
        expiring = {rule.get("Prefix"): rule for rule in rules if "ExpirationInDays" in rule}
        assert expiring.keys() == {"locks/"}, f"what expires is {sorted(map(str, expiring))}"
        locks = expiring["locks/"]
        assert locks["ExpirationInDays"] > LAST_DELIVERY, "a lock goes while a message may still come back"
        assert "NoncurrentVersionExpiration" in locks, "old locks stay behind"

    def check_variables(self) -> None:
        for door in DOORS:
            variables = self.variant.properties(door.function)["Environment"]["Variables"]
            for variable in ("RESULT_BUCKET", "REQUEST_BUCKETS") + (("IMAGE_BUCKET",) if door.images else ()):
                assert variables[variable] == "<Bucket>", f"{door.function}: {variable} is {variables[variable]}"
        assert self.variant.outputs["BucketName"]["Value"] == "<Bucket>", "BucketName is another bucket"
