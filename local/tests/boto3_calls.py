"""boto3's calls beyond the guide, against a local Bedrock: a masked picture, the control plane,
Converse, streams and errors.

    python boto3_calls.py                           starts one, with the simulator, and stops it
    python boto3_calls.py http://127.0.0.1:4600     takes one that runs, without --faults

Needs boto3 and Pillow. Exits with an error on the first thing that is not as expected.
"""

import base64
import io
import json

from botocore.exceptions import ClientError
from PIL import Image

import local_server
from local_server import check, check_text, fail

endpoint = local_server.endpoint()
runtime = local_server.client("bedrock-runtime", endpoint)
bedrock = local_server.client("bedrock", endpoint)

# A picture to start from, as Pillow writes it, and a mask: what the mask leaves out stays.
start = Image.new("RGB", (128, 96), (200, 30, 30))
mask = Image.new("L", (128, 96), 0)
mask.paste(255, (64, 0, 128, 96))


def png(picture):
    file = io.BytesIO()
    picture.save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


masked = runtime.invoke_model(
    modelId="stability.stable-diffusion-xl-v1",
    body=json.dumps({
        "text_prompts": [{"text": "a lake"}],
        "init_image": png(start),
        "mask_source": "MASK_IMAGE_WHITE",
        "mask_image": png(mask),
        "seed": 7,
    }),
)
masked = json.loads(masked["body"].read())["artifacts"][0]["base64"]
masked = Image.open(io.BytesIO(base64.b64decode(masked))).convert("RGB")
check(masked.size == start.size, "the start picture's size is not kept")
check(masked.getpixel((10, 10)) == (200, 30, 30), "the mask does not protect")
check(masked.getpixel((100, 10)) != (200, 30, 30), "the mask protects everything")

# The control plane.
summaries = bedrock.list_foundation_models()["modelSummaries"]
listed = {summary["modelId"]: summary for summary in summaries}
for model in ("amazon.titan-tg1-large", "anthropic.claude-v2", "stability.stable-diffusion-xl"):
    check(model in listed, f"{model} is not listed")
check(listed["anthropic.claude-v2"]["modelLifecycle"]["endOfLifeTime"].year == 2025, "end of life")
images = bedrock.list_foundation_models(byOutputModality="IMAGE")["modelSummaries"]
check({summary["providerName"] for summary in images} == {"Amazon", "Stability AI"}, "the filter fails")
details = bedrock.get_foundation_model(modelIdentifier="anthropic.claude-v2:1")["modelDetails"]
check(details["modelId"] == "anthropic.claude-v2:1", "another model's details")
sonnet = listed["anthropic.claude-sonnet-4-5-20250929-v1:0"]["modelLifecycle"]
check(sonnet["startOfLifeTime"].year == 2025, "start of life")
profile = bedrock.get_inference_profile(inferenceProfileIdentifier="us.amazon.nova-micro-v1:0")
check(profile["createdAt"].year == 2025, "the profile's creation")
check(profile["models"][0]["modelArn"].endswith("amazon.nova-micro-v1:0"), "the profile's model")
pages = bedrock.get_paginator("list_inference_profiles").paginate(PaginationConfig={"PageSize": 5})
profiles = [row for page in pages for row in page["inferenceProfileSummaries"]]
check(len(profiles) > 5, "the second page is lost")
check(len({row["inferenceProfileArn"] for row in profiles}) == len(profiles), "a page came twice")

# Converse and ConverseStream.
conversation = {
    "modelId": profile["inferenceProfileArn"],
    "system": [{"text": "Answer in one line."}],
    "messages": [
        {"role": "user", "content": [{"text": "My name is Ada."}]},
        {"role": "assistant", "content": [{"text": "Good day, Ada."}]},
        {"role": "user", "content": [{"text": "What is my name?"}]},
    ],
    "inferenceConfig": {"maxTokens": 60, "temperature": 0.0},
}
answer = runtime.converse(**conversation)
check(answer["output"]["message"]["role"] == "assistant", "another role")
check_text(answer["output"]["message"]["content"][0]["text"])
check(answer["stopReason"] in ("end_turn", "max_tokens"), answer["stopReason"])
usage = answer["usage"]
check(usage["inputTokens"] + usage["outputTokens"] == usage["totalTokens"], "the sum is wrong")

events = list(runtime.converse_stream(**conversation)["stream"])
names = [next(iter(event)) for event in events]
check(names[0] == "messageStart" and names[-2:] == ["messageStop", "metadata"], f"order: {names}")
deltas = [event["contentBlockDelta"] for event in events if "contentBlockDelta" in event]
check(len(deltas) > 1, "the stream came in one piece")
check_text("".join(delta["delta"]["text"] for delta in deltas))
check(events[-1]["metadata"]["usage"]["outputTokens"] > 0, "the stream counts nothing")

# InvokeModelWithResponseStream, for each family.
for model, request, read in (
    ("amazon.titan-text-express-v1", {"inputText": "Hello"}, lambda chunk: chunk["outputText"]),
    (
        "anthropic.claude-v2:1",
        {"prompt": "\n\nHuman: Hello\n\nAssistant:", "max_tokens_to_sample": 40},
        lambda chunk: chunk["completion"],
    ),
    (
        "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        {
            "anthropic_version": "bedrock-2023-05-31",
            "max_tokens": 40,
            "messages": [{"role": "user", "content": "Hello"}],
        },
        lambda chunk: chunk.get("delta", {}).get("text", ""),
    ),
    (
        "amazon.nova-lite-v1:0",
        {"messages": [{"role": "user", "content": [{"text": "Hello"}]}]},
        lambda chunk: chunk.get("contentBlockDelta", {}).get("delta", {}).get("text", ""),
    ),
):
    response = runtime.invoke_model_with_response_stream(
        modelId=model, body=json.dumps(request)
    )
    chunks = [json.loads(event["chunk"]["bytes"]) for event in response["body"]]
    check(len(chunks) > 2, f"{model}: the stream came in one piece")
    check_text("".join(read(chunk) for chunk in chunks))
    metrics = chunks[-1]["amazon-bedrock-invocationMetrics"]
    check(metrics["inputTokenCount"] > 0 < metrics["outputTokenCount"], f"{model}: {metrics}")

# Errors, as boto3 reads them.
for call, exception, part in (
    (
        lambda: runtime.invoke_model(modelId="amazon.titan-none", body="{}"),
        runtime.exceptions.ValidationException,
        "The provided model identifier is invalid.",
    ),
    (
        lambda: runtime.invoke_model(
            modelId="amazon.titan-tg1-large", body=json.dumps({"inputText": "a", "top_k": 1})
        ),
        runtime.exceptions.ValidationException,
        "extraneous key [top_k] is not permitted",
    ),
    (
        lambda: runtime.converse(
            modelId="amazon.titan-tg1-large",
            messages=[{"role": "user", "content": [{"text": "a"}]}],
        ),
        runtime.exceptions.ValidationException,
        "This action doesn't support the model that you provided.",
    ),
):
    try:
        call()
    except ClientError as error:
        check(isinstance(error, exception), f"another exception: {error}")
        check(part in error.response["Error"]["Message"], f"another message: {error}")
    else:
        fail(f"no {exception.__name__}")

print("boto3_calls: ok")
