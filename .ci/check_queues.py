"""Holds what becomes of a message: how long it is kept, how often it is tried, where it goes then, who may send it."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from doors import DOORS, Door, dead_letters
from resolve import Resolver
from variant import Variant

QUEUE, POLICY, MAPPING = "AWS::SQS::Queue", "AWS::SQS::QueuePolicy", "AWS::Lambda::EventSourceMapping"
DAY = 86_400
# SQS keeps nothing longer.
LONGEST = 14 * DAY
# What each parameter is about.
ROWS = {"QueueConcurrency": "T18", "QueueMaxReceives": "T16", "BatchConcurrency": "T19", "BatchExpiryHours": "T30"}
UNDELIVERED = "UndeliveredQueue"
COUNTED = ("queues", "queue policies", "event source mappings", "functions with queues")


class Queues:
    """The queues of one variant, and what calls the functions with their messages."""

    def __init__(self, variant: Variant) -> None:
        self.variant = variant
        self.queues = {name: variant.properties(name) for name in variant.named(QUEUE)}
        self.counts: Counter[str] = Counter()

    def check(self) -> Counter[str]:
        wanted = {queue for door in DOORS for queue in door.queues(self.variant.fifo)}
        found = self.queues.keys()
        wanted_all = wanted | {dead_letters(queue) for queue in wanted} | {UNDELIVERED}
        assert found == wanted_all, f"T16: the queues are {sorted(found)}"
        for name, properties in self.queues.items():
            self.check_queue(name, properties)
            self.check_policy(name)
        for door in DOORS:
            for queue in door.queues(self.variant.fifo):
                self.check_redrive(queue)
                self.check_mapping(door, queue)
            self.check_concurrency(door)
            self.check_variables(door)
        assert len(self.variant.of(MAPPING)) == len(wanted), "a queue calls two functions, or one function twice"
        self.check_undelivered()
        self.check_outputs()
        return self.counts

    def check_queue(self, name: str, properties: dict[str, Any]) -> None:
        fifo = "Fifo" in name
        assert properties.get("FifoQueue", False) is fifo, f"T16: {name} is of the other type"
        if fifo:
            # Two equal questions are two: only the sender can know that one is a repetition.
            assert not properties.get("ContentBasedDeduplication"), f"{name} drops messages with equal bodies"
        if chosen := properties.get("QueueName"):
            shape = r"[A-Za-z0-9_-]{1,75}\.fifo" if fifo else r"[A-Za-z0-9_-]{1,80}"
            assert re.fullmatch(shape, chosen), f"{name} cannot be called {chosen}"
        self.counts["queues"] += 1

    def check_redrive(self, name: str) -> None:
        """What fails is kept for people, longer than it was kept for the function."""
        properties, dead = self.queues[name], self.queues[dead_letters(name)]
        redrive, allowed = properties.get("RedrivePolicy", {}), dead.get("RedriveAllowPolicy")
        target = f"<{dead_letters(name)}.Arn>"
        assert redrive.get("deadLetterTargetArn") == target, f"T16: {name} leaves its messages to {redrive}"
        assert int(redrive["maxReceiveCount"]) >= 5, f"T16: {name} gives up after {redrive['maxReceiveCount']}"
        source = f"arn:aws:sqs:us-east-1:123456789012:{properties['QueueName']}"
        by_this = {"redrivePermission": "byQueue", "sourceQueueArns": [source]}
        assert allowed == by_this, f"T16: {dead_letters(name)} takes from {allowed}, not {source}"
        kept = properties["MessageRetentionPeriod"]
        assert kept < dead["MessageRetentionPeriod"] == LONGEST, f"T16: {dead_letters(name)} forgets early"
        assert "RedrivePolicy" not in dead, f"T16: {dead_letters(name)} passes its messages on"

    def check_undelivered(self) -> None:
        """Events that no function could be told are kept as long, and are nobody's dead letters."""
        properties = self.queues[UNDELIVERED]
        assert properties["MessageRetentionPeriod"] == LONGEST, f"T20: {UNDELIVERED} forgets too early"
        assert properties["RedriveAllowPolicy"] == {"redrivePermission": "denyAll"}, f"T20: {properties}"
        assert "RedrivePolicy" not in properties, f"T20: {UNDELIVERED} passes its messages on"

    def check_policy(self, name: str) -> None:
        """Nothing without TLS; from S3 only what the bucket has to say."""
        policies = [
            found["Properties"]["PolicyDocument"]["Statement"]
            for found in self.variant.of(POLICY)
            if f"<{name}>" in found["Properties"]["Queues"]
        ]
        # A second one would replace the first.
        assert len(policies) == 1, f"T26: {name} has {len(policies)} policies"
        tls, notifications = [], []
        for statement in policies[0]:
            (tls if statement["Effect"] == "Deny" else notifications).append(statement)
        assert len(tls) == 1, f"T26: {name} has {len(tls)} denials"
        denial = {key: tls[0][key] for key in ("Principal", "Action", "Resource", "Condition")}
        insecure = {"Bool": {"aws:SecureTransport": "false"}}
        everything = {"Principal": "*", "Action": "sqs:*", "Resource": "*", "Condition": insecure}
        assert denial == everything, f"T26: {name} can be used without TLS: {denial}"
        has_uploads = name in {door.queues(fifo=False)[0] for door in DOORS}
        assert len(notifications) == has_uploads, f"T22: {name} lets {notifications} in"
        for statement in notifications:
            self.check_sender(name, statement)
        self.counts["queue policies"] += 1

    def check_sender(self, name: str, statement: dict[str, Any]) -> None:
        bucket = self.variant.properties("Bucket")["BucketName"]
        principal = statement["Principal"]
        assert principal == {"Service": "s3.amazonaws.com"}, f"T22: {name} lets {principal} in"
        assert statement["Action"] == "sqs:SendMessage", f"T22: {name} lets S3 do {statement['Action']}"
        assert statement["Resource"] == f"<{name}.Arn>", f"T22: {name} speaks for {statement['Resource']}"
        condition = {
            "ArnEquals": {"aws:SourceArn": f"arn:aws:s3:::{bucket}"},
            "StringEquals": {"aws:SourceAccount": "123456789012"},
        }
        assert statement.get("Condition") == condition, f"T22: {name} takes from other buckets"

    def check_mapping(self, door: Door, queue: str) -> None:
        mappings = [
            found["Properties"]
            for found in self.variant.of(MAPPING)
            if found["Properties"]["EventSourceArn"] == f"<{queue}.Arn>"
        ]
        assert len(mappings) == 1, f"{queue} has {len(mappings)} mappings"
        mapping, properties = mappings[0], self.queues[queue]
        assert mapping["FunctionName"] == f"<{door.function}>", f"{queue} calls {mapping['FunctionName']}"
        reports = mapping.get("FunctionResponseTypes")
        assert reports == ["ReportBatchItemFailures"], f"T17: {queue}: one failure is the failure of all"
        self.check_batch(door, queue, mapping["BatchSize"])
        assert "StartingPosition" not in mapping, f"T19: {queue} is no stream"
        window = mapping.get("MaximumBatchingWindowInSeconds", 0)
        if properties.get("FifoQueue"):
            assert "MaximumBatchingWindowInSeconds" not in mapping, f"T19: {queue} cannot wait"
        timeout, hidden = self.variant.properties(door.function)["Timeout"], properties["VisibilityTimeout"]
        assert hidden >= 6 * timeout + window, f"T15: {queue} hides messages {hidden} s, its function has {timeout} s"
        self.counts["event source mappings"] += 1

    def check_concurrency(self, door: Door) -> None:
        """The queues leave something of the function's concurrency to those who wait for an answer."""
        concurrencies = [
            int(found["Properties"].get("ScalingConfig", {}).get("MaximumConcurrency", 0))
            for found in self.variant.of(MAPPING)
            if found["Properties"]["FunctionName"] == f"<{door.function}>"
        ]
        assert min(concurrencies) >= 2, f"T18: a queue calls {door.function} without a bound"
        reserve = int(self.variant.properties(door.function).get("ReservedConcurrentExecutions", 0))
        taken = sum(concurrencies)
        assert not reserve or taken < reserve, f"T18: the queues of {door.function} take {taken} of {reserve}"

    def check_batch(self, door: Door, queue: str, size: int) -> None:
        """No message is counted as received without being begun."""
        if self.queues[queue].get("FifoQueue"):
            assert size == 1, f"T19: {queue} hands {size} over: those behind a failed one are counted with it"
            return
        at_once = int(self.variant.properties(door.function)["Environment"]["Variables"]["BATCH_CONCURRENCY"])
        assert 1 <= size <= at_once, f"T19: {queue} hands {size} over, and {door.function} begins {at_once}"
        assert size <= 10, f"T19: {queue} hands {size} over: more would have to wait"

    def check_variables(self, door: Door) -> None:
        """Each function knows all queues for the lines of batch files, and takes messages of its own alone."""
        variables = self.variant.properties(door.function)["Environment"]["Variables"]
        for other in DOORS:
            url = f"<{other.queues(fifo=False)[0]}>"
            given = variables[other.variable]
            assert given == url, f"{door.function}: {other.variable} is {given}"
        own = ",".join(f"<{queue}.Arn>" for queue in door.queues(self.variant.fifo))
        assert variables["QUEUE_ARNS"] == own, f"{door.function} takes messages of {variables['QUEUE_ARNS']}"
        for variable in ("BATCH_CONCURRENCY", "BATCH_EXPIRY_HOURS"):
            assert int(variables[variable]) >= 1, f"{door.function}: {variable} is {variables[variable]}"
        self.counts["functions with queues"] += 1

    def check_outputs(self) -> None:
        for name in self.queues:
            assert self.variant.outputs[f"{name}Url"]["Value"] == f"<{name}>", f"{name}Url is another queue"


def check_bounds(template: dict[str, Any]) -> None:
    """No value that a parameter takes is one that AWS or the functions refuse, or that gives up early."""
    wanted = {
        "QueueConcurrency": (2, 1000),
        "QueueMaxReceives": (5, 1000),
        # The mappings hand over ten at most: more would change nothing.
        "BatchConcurrency": (1, 10),
        "BatchExpiryHours": (1, 336),
    }
    for name, (least, most) in wanted.items():
        parameter = template["Parameters"][name]
        bounds = (parameter["Type"], parameter["MinValue"], parameter["MaxValue"])
        assert bounds == ("Number", least, most), f"{ROWS[name]}: {name} takes {bounds}"
        for value in (least, parameter["Default"], most):
            check_value(template, name, str(value))


def check_value(template: dict[str, Any], name: str, value: str) -> None:
    """The value arrives where it belongs."""
    resources = Resolver(template, {name: value, "FifoQueues": "Yes"}).present(template["Resources"])
    found: set[str | None] = set()
    for resource in resources.values():
        properties = resource["Properties"]
        match name, resource["Type"]:
            case "QueueConcurrency", "AWS::Lambda::EventSourceMapping":
                found.add(str(properties.get("ScalingConfig", {}).get("MaximumConcurrency")))
            case "QueueMaxReceives", "AWS::SQS::Queue" if "RedrivePolicy" in properties:
                found.add(str(properties["RedrivePolicy"]["maxReceiveCount"]))
    for door in DOORS:
        variables = resources[door.function]["Properties"]["Environment"]["Variables"]
        match name:
            # The image function has a number of its own.
            case "BatchConcurrency" if not door.images:
                found.add(variables.get("BATCH_CONCURRENCY"))
            case "BatchExpiryHours":
                found.add(variables.get("BATCH_EXPIRY_HOURS"))
    assert found == {value}, f"{ROWS[name]}: {name}={value} comes to {sorted(map(str, found))}"
