"""The files of events/ for `cargo lambda invoke --data-file`, and what they name.

The bucket tells nobody of its objects: only such a file does.
"""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError

import aws
from processes import Failed
from settings import ROOT, Settings

BUCKET = "bedrock-requests"
EVENTS = ROOT / "events"
OBJECTS = EVENTS / "objects"
# The version that the files give every object.
VERSION = "s4mpleV3rsion.OfOneObject.0000001"
QUEUES = [
    f"arn:aws:sqs:us-east-1:123456789012:{name}-requests{kind}"
    for name in ("chat", "completion", "image")
    for kind in ("", ".fifo")
]
# What the functions must be allowed besides, by the variable that allows it.
ALLOWED = {"QUEUE_ARNS": QUEUES, "REQUEST_BUCKETS": [BUCKET]}


def prepare(settings: Settings) -> None:
    """Uploads each object under its path, and copies the events with the versions that S3 gave them."""
    s3 = aws.client(settings, "s3", 5.0)
    versions = {}
    try:
        aws.create_bucket(s3, BUCKET)
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        for file in (path for path in OBJECTS.rglob("*") if path.is_file()):
            key = file.relative_to(OBJECTS).as_posix()
            versions[key] = s3.put_object(Bucket=BUCKET, Key=key, Body=file.read_bytes())["VersionId"]
    except (BotoCoreError, ClientError) as error:
        raise Failed(f"the bucket {BUCKET}: {' '.join(str(error).split())}") from error

    settings.events.mkdir(exist_ok=True)
    for event in EVENTS.glob("*.json"):
        (settings.events / event.name).write_text(with_versions(event.read_text(), versions))


def with_versions(event: str, versions: dict[str, str]) -> str:
    """An event as text, whatever is wrapped in what: it tells of one object."""
    for key, version in versions.items():
        if key in event:
            return event.replace(VERSION, version)
    return event
