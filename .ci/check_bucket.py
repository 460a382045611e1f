"""Holds what the bucket does by itself: whom it tells of which upload, what it keeps for how long, who may look."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from doors import DOORS, OUTPUTS, SUFFIXES
from variant import Variant

COUNTED = ("notifications", "buckets")
# What was uploaded or made, with what it costs to keep, and what it says of people.
FORGOTTEN = {"requests/": "RequestRetentionDays", "results/": "OutputRetentionDays", "images/": "OutputRetentionDays"}
ACCESS_LOGS = "AccessLogBucket"
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
            assert {key for key, value in blocks.items() if value is True} == every, f"T24: {name} can be opened"
            assert properties["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}, (
                f"T24: {name} has ACLs"
            )
            versions, called = properties.get("VersioningConfiguration"), properties["BucketName"]
            assert versions == {"Status": "Enabled"}, f"T30: {name} loses what is replaced"
            assert re.fullmatch(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", called), f"S3 does not take the name {called}"
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
            assert len(policies) == 1 and tls in policies[0], f"T25: {name} can be used without TLS"
            policies[0].remove(tls)
            row, wanted = ("T22", self.takes_logs()) if name == ACCESS_LOGS else ("T41", self.guards_locks())
            assert policies == [[wanted]], f"{row}: the policy of {name} is {policies}"
            self.counts["buckets"] += 1

    def takes_logs(self) -> dict[str, Any]:
        """S3 writes who read or wrote the bucket, and nobody else writes there."""
        return {
            "Sid": "TakeLogsOfTheBucket",
            "Effect": "Allow",
            "Principal": {"Service": "logging.s3.amazonaws.com"},
            "Action": "s3:PutObject",
            "Resource": f"<{ACCESS_LOGS}.Arn>/bucket/*",
            "Condition": {
                "ArnEquals": {"aws:SourceArn": f"arn:aws:s3:::{self.properties['BucketName']}"},
                "StringEquals": {"aws:SourceAccount": "123456789012"},
            },
        }

    @staticmethod
    def guards_locks() -> dict[str, Any]:
        """A lock is made where there is none, or taken from whom it was; it is never written over."""
        return {
            "Sid": "LocksOnlyOnACondition",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:PutObject",
            "Resource": "<Bucket.Arn>/locks/*",
            "Condition": {"Null": {"s3:if-match": "true", "s3:if-none-match": "true"}},
        }

    def check_notifications(self) -> None:
        """Each kind of upload is told to its function's queue, and nothing else is told to anyone."""
        configuration = self.properties["NotificationConfiguration"]
        assert configuration.keys() == {"QueueConfigurations"}, f"T21: the bucket calls {sorted(configuration)}"
        found: Counter[tuple[str, str, str]] = Counter()
        for notification in configuration["QueueConfigurations"]:
            assert notification["Event"] == "s3:ObjectCreated:*", f"the bucket tells of {notification['Event']}"
            pairs = [(rule["Name"], rule["Value"]) for rule in notification["Filter"]["S3Key"]["Rules"]]
            rules = dict(pairs)
            assert len(pairs) == 2 and rules.keys() == {"prefix", "suffix"}, f"T21: it tells of {pairs}"
            prefix = rules["prefix"]
            for output in OUTPUTS:
                overlaps = prefix.startswith(output) or output.startswith(prefix)
                assert not overlaps, f"T21: {prefix} and {output} overlap: a function would call itself"
            found[notification["Queue"], prefix, rules["suffix"]] += 1
            self.counts["notifications"] += 1
        wanted = Counter(
            (f"<{door.queues(fifo=False)[0]}.Arn>", door.uploads, suffix) for door in DOORS for suffix in SUFFIXES
        )
        assert found == wanted, f"T21: they differ in {sorted((found - wanted) + (wanted - found))}"

    def check_order(self) -> None:
        """S3 tries the queues when the bucket is made: by then they must let it in."""
        policies = {
            name
            for name, policy in self.variant.named("AWS::SQS::QueuePolicy").items()
            for door in DOORS
            if f"<{door.queues(fifo=False)[0]}>" in policy["Properties"]["Queues"]
        }
        # And who takes its logs, as well as that it may.
        policies.add("AccessLogBucketPolicy")
        assert set(self.bucket.get("DependsOn", [])) == policies, f"the bucket is made before {sorted(policies)}"

    def check_keeping(self) -> None:
        """What was paid for stays; a lock and an old version stay until nobody can ask for them any more."""
        assert self.bucket["DeletionPolicy"] == self.bucket["UpdateReplacePolicy"] == "Retain", "T39: results go"
        logging = {"DestinationBucketName": f"<{ACCESS_LOGS}>", "LogFilePrefix": "bucket/"}
        assert self.properties.get("LoggingConfiguration") == logging, "T31: nobody knows who reads the bucket"
        rules = self.properties["LifecycleConfiguration"]["Rules"]
        assert all(rule["Status"] == "Enabled" for rule in rules), "T30: a rule of the lifecycle is off"
        assert any("AbortIncompleteMultipartUpload" in rule for rule in rules), "T30: parts are kept"
        everywhere = [rule for rule in rules if "Prefix" not in rule]
        old = [rule["NoncurrentVersionExpiration"] for rule in everywhere if "NoncurrentVersionExpiration" in rule]
        assert [rule["NoncurrentDays"] for rule in old] == [30], f"T30: old versions expire by {old}"
        assert old[0]["NoncurrentDays"] > LAST_DELIVERY, "T30: a version goes while a message may still name it"
        expiring = {rule.get("Prefix"): rule for rule in rules if "ExpirationInDays" in rule}
        given = self.variant.parameters
        days = {prefix: given[parameter] for prefix, parameter in FORGOTTEN.items() if given[parameter] != "0"}
        assert expiring.keys() == {"locks/"} | days.keys(), f"T30: what expires is {sorted(map(str, expiring))}"
        for prefix, wanted in days.items():
            found = expiring[prefix]["ExpirationInDays"]
            assert found == wanted, f"T30: {prefix} expires after {found} days, not {wanted}"
            assert int(found) > LAST_DELIVERY, f"T30: {prefix} goes while a message may still come back"
        locks = expiring["locks/"]
        assert locks["ExpirationInDays"] > LAST_DELIVERY, "T30: a lock goes while a message may still come back"
        assert "NoncurrentVersionExpiration" in locks, "T30: old locks stay behind"
        of_logs = self.variant.properties(ACCESS_LOGS)["LifecycleConfiguration"]["Rules"]
        assert len(of_logs) == 1, f"T30: access logs go by {of_logs}"
        (logs,) = of_logs
        assert logs["Status"] == "Enabled", "T30: access logs are kept for good"
        assert logs["ExpirationInDays"] == given["LogRetentionDays"], f"T30: access logs go by {logs}"
        assert "NoncurrentVersionExpiration" in logs, "T30: old access logs stay behind"

    def check_variables(self) -> None:
        for door in DOORS:
            variables = self.variant.properties(door.function)["Environment"]["Variables"]
            for variable in ("RESULT_BUCKET", "REQUEST_BUCKETS") + (("IMAGE_BUCKET",) if door.images else ()):
                assert variables[variable] == "<Bucket>", f"{door.function}: {variable} is {variables[variable]}"
        assert self.variant.outputs["BucketName"]["Value"] == "<Bucket>", "BucketName is another bucket"
