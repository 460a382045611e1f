"""Holds what wakes somebody up: an alarm for each thing that can fail, whom they all tell, and the budget."""

from __future__ import annotations

from collections import Counter
from typing import Any

from measured import NAMESPACE, known
from variant import Variant

ALARM, FUNCTION, QUEUE = "AWS::CloudWatch::Alarm", "AWS::Lambda::Function", "AWS::SQS::Queue"
BUDGET, SUBSCRIPTION = "AWS::Budgets::Budget", "AWS::SNS::Subscription"
COUNTED = ("alarms",)
# More than these an alarm does not look at.
LONGEST_RANGE = 86_400
THIS_ACCOUNT = {"aws:SourceAccount": "123456789012"}
PUBLISHERS = {
    "cloudwatch.amazonaws.com": "arn:aws:cloudwatch:us-east-1:123456789012:alarm:*",
    "budgets.amazonaws.com": "arn:aws:budgets::123456789012:*",
}
# What should never be.
FIRST = ("ApproximateNumberOfMessagesVisible", "Errors", "Throttles")
# What happens now and then, and what of it in five minutes is too much.
NOW_AND_THEN = {"5XXError": 5, "InvocationServerErrors": 3, "InvocationThrottles": 10, "RecordsFailed": 10}
# The parameter that says how much is too much.
BY_THE_HOUR = {
    "Invocations": "InvocationsPerHourAlarm",
    "InputTokenCount": "TokensPerHourAlarm",
    "OutputTokenCount": "TokensPerHourAlarm",
}
# What a function without a reserve may have at once unheard.
UNRESERVED = 100
NOTIFIED = {("ACTUAL", 50), ("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100)}

# What is watched: namespace, name and dimensions.
Watched = tuple[str, str, frozenset[tuple[str, str]]]


class Alarms:
    """The alarms of one variant."""

    def __init__(self, variant: Variant) -> None:
        self.variant = variant
        self.alarms = {name: variant.properties(name) for name in variant.named(ALARM)}
        self.counts: Counter[str] = Counter()

    def check(self) -> Counter[str]:
        for name, properties in self.alarms.items():
            self.check_alarm(name, properties)
        self.check_watched()
        self.check_topic()
        self.check_subscription()
        self.check_budget()
        return self.counts

    def check_alarm(self, name: str, properties: dict[str, Any]) -> None:
        assert properties.get("AlarmActions") == ["<AlarmTopic>"], f"T38: {name} tells nobody"
        assert properties.get("OKActions", ["<AlarmTopic>"]) == ["<AlarmTopic>"], f"T38: {name} ends unheard"
        assert properties.get("ActionsEnabled", True) is True, f"T38: {name} is switched off"
        assert properties["AlarmDescription"], f"T38: {name} does not say what it means"
        # Most of what is watched is not measured while nothing happens.
        assert properties["TreatMissingData"] == "notBreaching", f"T38: {name} goes off when nothing happens"
        period, periods = properties["Period"], properties["EvaluationPeriods"]
        assert period % 60 == 0 and period * periods <= LONGEST_RANGE, f"T38: {name} looks at {periods} x {period} s"
        assert ("Statistic" in properties) != ("ExtendedStatistic" in properties), f"T38: {name} has no statistic"
        namespace, metric, dimensions = watched(properties)
        names = frozenset(dimension for dimension, _ in dimensions)
        assert names in known(namespace, metric).dimensions, f"T38: {name}: nobody writes {metric} by {sorted(names)}"
        self.counts["alarms"] += 1

    def wanted(self) -> set[Watched]:
        """What has to be watched, as the resources have it."""
        wanted: set[Watched] = set()
        for name in self.variant.named(FUNCTION):
            by_function = frozenset({("FunctionName", f"<{name}>")})
            wanted |= {("AWS/Lambda", metric, by_function) for metric in ("Errors", "Throttles")}
        for name, queue in self.variant.named(QUEUE).items():
            by_queue = frozenset({("QueueName", f"<{name}.QueueName>")})
            # What no function takes from is for people.
            served = "RedrivePolicy" in queue["Properties"]
            metric = "ApproximateAgeOfOldestMessage" if served else "ApproximateNumberOfMessagesVisible"
            wanted.add(("AWS/SQS", metric, by_queue))
            if served:
                function = self.function_of(name)
                wanted.add(("AWS/Lambda", "ConcurrentExecutions", frozenset({("FunctionName", f"<{function}>")})))
        api = frozenset({("ApiName", "A-Stack"), ("Stage", "<ApiliveStage>")})
        wanted.add(("AWS/ApiGateway", "5XXError", api))
        own = (
            "Invocations",
            "InputTokenCount",
            "OutputTokenCount",
            "InvocationThrottles",
            "InvocationServerErrors",
            "InvocationLatency",
            "RecordsFailed",
        )
        return wanted | {(NAMESPACE, metric, frozenset()) for metric in own}

    def function_of(self, queue: str) -> str:
        [mapping] = [
            mapping["Properties"]
            for mapping in self.variant.of("AWS::Lambda::EventSourceMapping")
            if mapping["Properties"]["EventSourceArn"] == f"<{queue}.Arn>"
        ]
        function: str = mapping["FunctionName"]
        return function.strip("<>")

    def check_watched(self) -> None:
        found = Counter(watched(properties) for properties in self.alarms.values())
        wanted = self.wanted()
        unwatched = [f"{metric} of {dict(of) or 'all'}" for _, metric, of in sorted(wanted - found.keys(), key=str)]
        assert not unwatched, f"T38: no alarm watches {', '.join(unwatched)}"
        more = [name for name, properties in self.alarms.items() if watched(properties) not in wanted]
        assert not more, f"T38: nobody asked for {', '.join(more)}"
        twice = [metric for (_, metric, _), count in found.items() if count > 1]
        assert not twice, f"T38: two alarms watch the same {', '.join(twice)}"
        for name, properties in self.alarms.items():
            self.check_threshold(name, properties)

    def check_threshold(self, name: str, properties: dict[str, Any]) -> None:
        """It goes off where an operator said, or at the first of what should never be."""
        metric, threshold = properties["MetricName"], int(properties["Threshold"])
        assert properties["ComparisonOperator"].startswith("GreaterThan"), f"T38: {name} goes off when all is well"
        if metric in FIRST:
            first = (properties["ComparisonOperator"], threshold)
            assert first == ("GreaterThanOrEqualToThreshold", 1), f"T38: {name} bears more than the first"
        if metric in NOW_AND_THEN:
            bound = (threshold <= NOW_AND_THEN[metric], properties["Statistic"], properties["Period"])
            assert bound == (True, "Sum", 300), f"T38: {name} bears {threshold}"
        if metric == "InvocationLatency":
            milliseconds = self.variant.properties("ChatFunction")["Timeout"] * 1000
            assert threshold < milliseconds, f"T38: {name} goes off when nothing can be that late"
        if metric in BY_THE_HOUR:
            said = int(self.variant.parameters[BY_THE_HOUR[metric]])
            hourly = (threshold, properties["Statistic"], properties["Period"], properties["EvaluationPeriods"])
            assert hourly == (said, "Sum", 3600, 1), f"T38: {name} is not what {BY_THE_HOUR[metric]} says"
        if metric == "ConcurrentExecutions":
            function = properties["Dimensions"][0]["Value"].strip("<>")
            reserved = self.variant.properties(function).get("ReservedConcurrentExecutions", UNRESERVED)
            assert threshold == int(reserved), f"T38: {name} goes off at {threshold}, not at {reserved}"
        if metric == "ApproximateAgeOfOldestMessage":
            queue = properties["Dimensions"][0]["Value"].strip("<>").split(".")[0]
            kept = self.variant.properties(queue)["MessageRetentionPeriod"]
            assert threshold * 24 <= kept, f"T38: {name} leaves no time before {queue} forgets"

    def check_topic(self) -> None:
        topic = self.variant.properties("AlarmTopic")
        assert topic.get("KmsMasterKeyId"), "T27: the topic of the alarms is not encrypted"
        policies = [
            found["Properties"]["PolicyDocument"]["Statement"]
            for found in self.variant.of("AWS::SNS::TopicPolicy")
            if found["Properties"]["Topics"] == ["<AlarmTopic>"]
        ]
        assert len(policies) == 1, f"T38: the topic of the alarms has {len(policies)} policies"
        allowed = [statement for statement in policies[0] if statement["Effect"] == "Allow"]
        denied = [statement for statement in policies[0] if statement["Effect"] == "Deny"]
        for statement in policies[0]:
            assert statement["Action"] == "sns:Publish", f"T38: who may do {statement['Action']} with the topic?"
            assert statement["Resource"] == "<AlarmTopic>", f"T38: the policy speaks for {statement['Resource']}"
        publishers = {
            statement["Principal"]["Service"]: statement["Condition"]["ArnLike"]["aws:SourceArn"]
            for statement in allowed
        }
        assert publishers == PUBLISHERS, f"T38: the topic takes what {publishers} publish"
        for statement in allowed:
            assert statement["Condition"]["StringEquals"] == THIS_ACCOUNT, "T38: the topic hears other accounts"
        insecure = [("*", {"Bool": {"aws:SecureTransport": "false"}})]
        denials = [(statement["Principal"], statement["Condition"]) for statement in denied]
        assert denials == insecure, f"T38: the topic can be used without TLS: {denials}"

    def check_subscription(self) -> None:
        """An address hears of them where one is given."""
        address = self.variant.alarm_email
        wanted = [("email", address, "<AlarmTopic>")] if address else []
        subscriptions = [found["Properties"] for found in self.variant.of(SUBSCRIPTION)]
        found = [(each["Protocol"], each["Endpoint"], each["TopicArn"]) for each in subscriptions]
        assert found == wanted, f"T38: {found} hear of alarms"

    def check_budget(self) -> None:
        dollars = self.variant.monthly_budget
        budgets = self.variant.of(BUDGET)
        assert len(budgets) == (dollars > 0), f"T38: for {dollars} dollars a month there are {len(budgets)} budgets"
        for budget in budgets:
            assert "AlarmTopicPolicy" in budget["DependsOn"], "T38: the budget comes before the topic's policy"
            properties = budget["Properties"]
            data = properties["Budget"]
            limit = data["BudgetLimit"]
            assert limit == {"Amount": str(dollars), "Unit": "USD"}, f"T38: the budget is {limit}"
            assert (data["BudgetType"], data["TimeUnit"]) == ("COST", "MONTHLY"), f"T38: the budget is {data}"
            assert data["FilterExpression"]["Or"] == [
                {"Dimensions": {"Key": "SERVICE", "Values": ["Amazon Bedrock"]}},
                {"Dimensions": {"Key": "BILLING_ENTITY", "Values": ["AWS Marketplace"]}},
            ], "T38: the budget misses models of other makers, or Amazon's own"
            assert data.get("Metrics") == ["UnblendedCost"], "T38: the budget's filter counts nothing"
            notified = set()
            for each in properties["NotificationsWithSubscribers"]:
                assert each["Subscribers"] == [{"SubscriptionType": "SNS", "Address": "<AlarmTopic>"}], f"T38: {each}"
                notified.add((each["Notification"]["NotificationType"], each["Notification"]["Threshold"]))
            assert notified == NOTIFIED, f"T38: the budget tells at {sorted(notified)}"


def watched(properties: dict[str, Any]) -> Watched:
    dimensions = frozenset((each["Name"], each["Value"]) for each in properties.get("Dimensions", ()))
    return properties["Namespace"], properties["MetricName"], dimensions
