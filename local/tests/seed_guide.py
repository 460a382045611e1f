"""The public guide's three boto3 snippets, and boto3's other calls, against a local Bedrock.

    python seed_guide.py                            starts one, with the simulator, and stops it
    python seed_guide.py http://127.0.0.1:4600      takes one that runs, without --faults

Needs boto3 and Pillow. The snippets between the markers stand as the guide prints them; only the
client is made differently. Exits with an error on the first thing that is not as expected.
"""

import atexit
import base64 as b64
import io as streams
import json
import os
import pathlib
import subprocess
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError


def client(service, endpoint):
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(retries={"total_max_attempts": 1}),
    )


def start():
    """Builds and starts a server on a free port, which its log names; it ends with this script."""
    root = pathlib.Path(__file__).resolve().parents[2]
    command = ["cargo", "run", "--quiet", "--locked", "--package", "local-bedrock", "--"]
    server = subprocess.Popen(
        [*command, "--listen", "127.0.0.1:0", "--text-backend", "simulator"],
        cwd=root,
        env={**os.environ, "RUST_LOG": "info", "LOCAL_FAULTS": ""},
        stderr=subprocess.PIPE,
        text=True,
    )
    atexit.register(server.wait)
    atexit.register(server.terminate)
    for line in server.stderr:
        if "listening" in line:
            address = next(word for word in line.split() if word.startswith("address="))
            return "http://" + address.removeprefix("address=")
    sys.exit("seed_guide: the server does not start")


endpoint = sys.argv[1] if len(sys.argv) > 1 else start()
boto3_bedrock = client("bedrock-runtime", endpoint)
bedrock = client("bedrock", endpoint)


def check(fact, message):
    if not fact:
        sys.exit(f"seed_guide: {message}")


def check_text(text):
    check(isinstance(text, str) and text.strip(), f"no text: {text!r}")


# --- An example of using the Amazon Titan Large model in Bedrock ----------------------------------
# If you'd like to try your own prompt, edit this parameter!
prompt_data = """Command: Write me a blog about making strong business decisions as a leader.

Blog:
"""

body = json.dumps({"inputText": prompt_data})
modelId = "amazon.titan-tg1-large"
accept = "application/json"
contentType = "application/json"

response = boto3_bedrock.invoke_model(
    body=body, modelId=modelId, accept=accept, contentType=contentType
)
response_body = json.loads(response.get("body").read())

print(response_body.get("results")[0].get("outputText"))
# --- end ------------------------------------------------------------------------------------------

check_text(response_body["results"][0]["outputText"])
check(response_body["inputTextTokenCount"] > 0, "Titan counts no input")
headers = response["ResponseMetadata"]["HTTPHeaders"]
check(
    int(headers["x-amzn-bedrock-output-token-count"]) == response_body["results"][0]["tokenCount"],
    "header and body count differently",
)
check(headers["x-local-backend"], "the backend is not named")

# --- An example of using the Anthropic Claude v2 model in Bedrock ---------------------------------
# If you'd like to try your own prompt, edit this parameter!
prompt_data = """Human: Write me a blog about making strong business decisions as a leader.

Assistant:
"""

body = json.dumps({"prompt": prompt_data, "max_tokens_to_sample": 500})
# modelId = "anthropic.claude-instant-v1"  # change this to use a different version from the model provider
modelId = "anthropic.claude-v2"
accept = "application/json"
contentType = "application/json"

response = boto3_bedrock.invoke_model(
    body=body, modelId=modelId, accept=accept, contentType=contentType
)
response_body = json.loads(response.get("body").read())

print(response_body.get("completion"))
# --- end ------------------------------------------------------------------------------------------

check_text(response_body["completion"])
check(response_body["stop_reason"] in ("stop_sequence", "max_tokens"), "Claude does not say why")

# --- An example of using the Stability Stable Diffusion XL model in Bedrock -----------------------
prompt_data = "a fine image of an astronaut riding a horse on Mars"
body = json.dumps({
    "text_prompts": [{"text": prompt_data}],
    "cfg_scale": 10,
    "seed": 20,
    "steps": 50
})
modelId = "stability.stable-diffusion-xl"
accept = "application/json"
contentType = "application/json"

response = boto3_bedrock.invoke_model(
    body=body, modelId=modelId, accept=accept, contentType=contentType
)
response_body = json.loads(response.get("body").read())

print(response_body["result"])
print(f'{response_body.get("artifacts")[0].get("base64")[0:80]}...')

import base64
import io
from PIL import Image

base_64_img_str = response_body.get("artifacts")[0].get("base64")
image = Image.open(io.BytesIO(base64.decodebytes(bytes(base_64_img_str, "utf-8"))))
image
# --- end ------------------------------------------------------------------------------------------

check(response_body["result"] == "success", "the picture failed")
check(response_body["artifacts"][0]["seed"] == 20, "another seed")
check(response_body["artifacts"][0]["finishReason"] == "SUCCESS", "the picture is not finished")
check(image.size == (512, 512), f"SDXL 0.8 paints {image.size}")
image.load()
check("SIMULATED" in image.text["Comment"], "the picture's metadata does not say what it is")

# A picture to start from, as Pillow writes it, and a mask: what the mask leaves out stays.
start = Image.new("RGB", (128, 96), (200, 30, 30))
mask = Image.new("L", (128, 96), 0)
mask.paste(255, (64, 0, 128, 96))


def png(picture):
    file = streams.BytesIO()
    picture.save(file, "PNG")
    return b64.b64encode(file.getvalue()).decode()


masked = boto3_bedrock.invoke_model(
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
masked = Image.open(streams.BytesIO(b64.b64decode(masked))).convert("RGB")
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
check({summary["providerName"] for summary in images} == {"Stability AI"}, "the filter fails")
details = bedrock.get_foundation_model(modelIdentifier="anthropic.claude-v2:1")["modelDetails"]
check(details["modelId"] == "anthropic.claude-v2:1", "another model's details")
profile = bedrock.get_inference_profile(inferenceProfileIdentifier="us.amazon.nova-micro-v1:0")
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
answer = boto3_bedrock.converse(**conversation)
check(answer["output"]["message"]["role"] == "assistant", "another role")
check_text(answer["output"]["message"]["content"][0]["text"])
check(answer["stopReason"] in ("end_turn", "max_tokens"), answer["stopReason"])
usage = answer["usage"]
check(usage["inputTokens"] + usage["outputTokens"] == usage["totalTokens"], "the sum is wrong")

events = list(boto3_bedrock.converse_stream(**conversation)["stream"])
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
    response = boto3_bedrock.invoke_model_with_response_stream(
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
        lambda: boto3_bedrock.invoke_model(modelId="amazon.titan-none", body="{}"),
        boto3_bedrock.exceptions.ValidationException,
        "The provided model identifier is invalid.",
    ),
    (
        lambda: boto3_bedrock.invoke_model(
            modelId="amazon.titan-tg1-large", body=json.dumps({"inputText": "a", "top_k": 1})
        ),
        boto3_bedrock.exceptions.ValidationException,
        "extraneous key [top_k] is not permitted",
    ),
    (
        lambda: boto3_bedrock.converse(
            modelId="amazon.titan-tg1-large",
            messages=[{"role": "user", "content": [{"text": "a"}]}],
        ),
        boto3_bedrock.exceptions.ValidationException,
        "This action doesn't support the model that you provided.",
    ),
):
    try:
        call()
    except ClientError as error:
        check(isinstance(error, exception), f"another exception: {error}")
        check(part in error.response["Error"]["Message"], f"another message: {error}")
    else:
        sys.exit(f"seed_guide: no {exception.__name__}")

print("seed_guide: ok")
