"""Why a function's role allows what no call of the tests needs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reason:
    """Who needs it, where it is not the function's code, or why no test does."""

    actions: tuple[str, ...]
    says: str
    # What the resource begins with.
    resource: str = ""


REASONS = (
    Reason(("logs:CreateLogStream", "logs:PutLogEvents"), "Lambda writes down what the function puts out"),
    Reason(
        ("xray:PutTraceSegments", "xray:PutTelemetryRecords"),
        "the daemon that Lambda runs beside the function sends on what the function told it",
    ),
    Reason(
        (
            "ec2:AssignPrivateIpAddresses",
            "ec2:CreateNetworkInterface",
            "ec2:DeleteNetworkInterface",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSubnets",
            "ec2:UnassignPrivateIpAddresses",
        ),
        "Lambda connects the function with the VPC; the code itself is denied it",
    ),
    Reason(("sqs:GetQueueAttributes",), "the event source mapping asks what the queue is like"),
    Reason(
        ("sqs:SendMessage",),
        "Lambda sends what it could not deliver in an asynchronous invocation",
        "<UndeliveredQueue.Arn>",
    ),
)
# Of one function alone.
REASONS_OF = {
    "ModelsFunction": (Reason(("kms:Decrypt",), "Lambda decrypts the function's environment"),),
}


def reason(function: str, action: str, resource: str) -> Reason | None:
    for known in (*REASONS_OF.get(function, ()), *REASONS):
        if action in known.actions and resource.startswith(known.resource):
            return known
    return None
