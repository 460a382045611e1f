"""The public guide's three boto3 snippets against a local Bedrock.

    python seed_guide.py                            starts one, with the simulator, and stops it
    python seed_guide.py http://127.0.0.1:4600      takes one that runs, without --faults

Needs boto3 and Pillow. The snippets between the markers stand as the guide prints them; only the
client is made differently. Exits with an error on the first thing that is not as expected.
"""

import json

import local_server
from local_server import check, check_text

boto3_bedrock = local_server.client("bedrock-runtime", local_server.endpoint())

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

print("seed_guide: ok")
