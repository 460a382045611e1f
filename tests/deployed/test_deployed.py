"""Uploads to and messages for the stack that `make run` deploys from template.yaml.

The simulator is the model. What docs/events.md promises is held against what
is in the bucket, in the queues, and in the local Bedrock's counters.
"""

from __future__ import annotations

import json
import time
import unittest
from typing import Any

from product import Product, stack

# An invocation is begun in a tenth of it, and MiniStack looks for messages that waited every second.
SECONDS = 30.0
LINES = 1000
BATCH_SECONDS = 300.0
# How long the model takes for a line of the batch file.
SLOW_MILLISECONDS = 100

product: Product


def setUpModule() -> None:
    global product
    product = Product(stack())
    # S3 tries each notification when it is set up; what it sends asks for nothing.
    for name in ("chat", "completion", "image"):
        product.wait_until_empty(name, SECONDS)


def chat(text: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}], "max_tokens": 64}


def completion(text: str) -> dict[str, Any]:
    return {"prompt": text, "max_tokens": 64}


def picture(text: str) -> dict[str, Any]:
    return {"prompt": text}


class Deployed(unittest.TestCase):
    def result(self, name: str, id: str, seconds: float = SECONDS) -> Any:
        key = f"results/{name}/{id}.json"
        found = product.wait(key, lambda: product.document(key), seconds)
        self.assertEqual(set(found), {"id", "custom_id", "response", "error"})
        self.assertEqual(found["id"], id)
        return found

    def answer(self, name: str, id: str, custom_id: str, seconds: float = SECONDS) -> Any:
        """The body of a result that is an answer."""
        result = self.result(name, id, seconds)
        self.assertEqual((result["custom_id"], result["error"]), (custom_id, None))
        self.assertEqual(result["response"]["status_code"], 200, result)
        return result["response"]["body"]

    def assert_nothing_left(self, *names: str) -> None:
        for name in names:
            product.wait_until_empty(name, SECONDS)
            self.assertEqual(product.dead(name), [], name)


class AnUpload(Deployed):
    def test_is_answered_once(self) -> None:
        # A key as nobody would wish for: notifications have it form-encoded.
        key = "requests/chat/Käse + 100%/a b.json"
        with product.counted() as count:
            id = product.upload(key, json.dumps(chat("Hello")).encode())
            body = self.answer("chat", id, key)
            self.assertEqual(body["object"], "chat.completion")
            self.assertIn('The first user turn says "Hello"', body["choices"][0]["message"]["content"])
            self.assert_nothing_left("chat")
            self.assertEqual(count.generated, 1)

    def test_over_another_one_is_another_request(self) -> None:
        key, texts = "requests/completion/again.json", ("one", "two")
        ids = [product.upload(key, json.dumps(completion(text)).encode()) for text in texts]
        for id, text in zip(ids, texts, strict=True):
            body = self.answer("completion", id, key)
            self.assertIn(f'The first user turn says "{text}"', body["choices"][0]["text"])

    def test_of_text_is_a_prompt_for_the_default_model(self) -> None:
        for name, key in (("chat", "a.txt"), ("completion", "b.md")):
            with self.subTest(key):
                key = f"requests/{name}/{key}"
                body = self.answer(name, product.upload(key, "Grüße!".encode()), key)
                [choice] = body["choices"]
                text = choice["text"] if "text" in choice else choice["message"]["content"]
                self.assertIn('The first user turn says "Grüße!"', text)

    def test_becomes_a_picture_in_the_bucket(self) -> None:
        key = "requests/image/lighthouse.txt"
        [image] = self.answer("image", product.upload(key, b"a lighthouse at night"), key)["data"]
        prefix = f"s3://{product.bucket}/"
        self.assertTrue(image["s3_uri"].startswith(prefix + "images/"), image)
        png = product.object(image["s3_uri"].removeprefix(prefix))
        assert png is not None
        self.assertEqual(png[:8], b"\x89PNG\r\n\x1a\n")

    def test_that_is_invalid_has_its_error_for_a_result(self) -> None:
        with product.counted() as count:
            id = product.upload("requests/chat/bad.json", b'{"mesages": []}')
            result = self.result("chat", id)
            self.assertEqual(result["response"]["status_code"], 400, result)
            self.assertEqual(result["response"]["body"]["error"]["type"], "invalid_request_error")
            self.assert_nothing_left("chat")
            self.assertEqual(count.received, 0)

    def test_of_another_kind_is_passed_over(self) -> None:
        before = product.keys("results/")
        for key in ("requests/chat/folder/", "requests/chat/picture.png", "elsewhere/a.json"):
            product.upload(key, b"{}")
        # What comes later is done first.
        key = "requests/chat/later.txt"
        self.answer("chat", product.upload(key, b"Hello"), key)
        self.assertEqual(len(product.keys("results/")), len(before) + 1)


class AMessage(Deployed):
    def test_is_answered_under_its_own_id(self) -> None:
        with product.counted() as count:
            ids = product.send("completion", [json.dumps(completion(f"number {n}")) for n in range(10)])
            for n, id in enumerate(ids):
                text = self.answer("completion", id, f"my-{n}")["choices"][0]["text"]
                self.assertIn(f'"number {n}"', text)
            self.assert_nothing_left("completion")
            self.assertEqual(count.generated, 10)

    def test_that_is_throttled_comes_back_and_is_answered(self) -> None:
        # A call is tried three times in one invocation: five refusals take two.
        with product.counted() as count:
            [id] = product.send("chat", [json.dumps(chat("Hello [[fault:throttle:5]]"))])
            self.answer("chat", id, "my-0", 90)
            self.assert_nothing_left("chat")
            self.assertEqual((count.received, count.generated), (6, 1))


class APoisonedMessage(Deployed):
    # Six times the function's timeout, times the number of receives: a quarter of an hour otherwise. So
    # long the message would also wait on AWS.
    VISIBILITY_SECONDS = 10
    RECEIVES = 2

    def setUp(self) -> None:
        name, url = "image", product.queue("image")
        before = product.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        redrive = json.loads(before["RedrivePolicy"])
        product.set_queue(
            name,
            VisibilityTimeout=str(self.VISIBILITY_SECONDS),
            RedrivePolicy=json.dumps({**redrive, "maxReceiveCount": self.RECEIVES}),
        )
        self.addCleanup(
            product.set_queue,
            name,
            VisibilityTimeout=before["VisibilityTimeout"],
            RedrivePolicy=before["RedrivePolicy"],
        )

    def test_ends_with_the_dead_while_its_neighbours_are_answered(self) -> None:
        poison = "this is no JSON"
        good = [json.dumps(picture(f"a lake, number {n}")) for n in range(9)]
        with product.counted() as count:
            poisoned, *ids = product.send("image", [poison, *good])
            for n, id in enumerate(ids, start=1):
                self.answer("image", id, f"my-{n}", self.VISIBILITY_SECONDS)
            # Nothing could be received a second time so far: this is the first receive's work.
            product.wait("poison alone in its queue", lambda: product.in_queue("image") == (0, 1), 5)
            dead = product.wait("dead letter", lambda: product.dead("image"), 60)
            self.assertEqual(dead, [poison])
            self.assertEqual((count.received, count.generated), (9, 9))
        self.assertIsNone(product.document(f"results/image/{poisoned}.json"))


class ACrash(Deployed):
    # A lock holds as long as the invocation could have taken, and SQS gives a message back when its
    # visibility has ended: 28 s and 168 s here, 300 s and 1800 s on AWS.
    TIMEOUT_SECONDS = 8
    VISIBILITY_SECONDS = 10

    def setUp(self) -> None:
        url = product.queue("completion")
        before = product.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])
        self.addCleanup(product.set_queue, "completion", **before["Attributes"])
        self.addCleanup(product.set_timeout, "completion", product.timeout("completion"))
        product.set_timeout("completion", self.TIMEOUT_SECONDS)
        product.set_queue("completion", VisibilityTimeout=str(self.VISIBILITY_SECONDS))

    def test_in_the_middle_of_a_batch_loses_nothing(self) -> None:
        prompts = [f"number {n} [[fault:slow:2000]]" for n in range(10)]
        with product.counted() as count:
            ids = product.send("completion", [json.dumps(completion(prompt)) for prompt in prompts])
            lost = product.wait("call under way", lambda: product.calls()["under_way"], SECONDS)
            self.assertEqual(product.kill("completion"), 1)
            lost = max(lost, count.generated)
            for n, id in enumerate(ids):
                self.answer("completion", id, f"my-{n}", 60)
            self.assert_nothing_left("completion")
            self.assertGreaterEqual(count.generated, 10)
            self.assertLessEqual(count.generated, 10 + lost)


class ABatchFile(Deployed):
    def line(self, number: int) -> tuple[str, bool]:
        """A line, and whether it can be answered."""
        if number % 100 == 7:
            return '{"custom_id": "no JSON', False
        prompt = f"number {number} [[fault:slow:{SLOW_MILLISECONDS}]]"
        if number % 200 == 11:
            url, body = "/v1/images/generations", picture(prompt)
        elif number % 3 == 0:
            url, body = "/v1/completions", completion(prompt)
        else:
            url, body = "/v1/chat/completions", chat(prompt)
        valid = number % 100 != 13
        if not valid:
            body["max_tokns"] = 16
        return json.dumps({"custom_id": f"my-{number}", "method": "POST", "url": url, "body": body}), valid

    def test_is_answered_line_by_line(self) -> None:
        lines = [self.line(number) for number in range(1, LINES + 1)]
        failed = [number for number, (_, valid) in enumerate(lines, start=1) if not valid]
        completed = LINES - len(failed)
        key = "requests/chat/batch.jsonl"
        with product.counted() as count:
            began = time.monotonic()
            id = product.upload(key, "\n".join(line for line, _ in lines).encode())
            folder = f"results/chat/{id}/"
            counted: list[int] = []

            def all_there() -> bool:
                counted.append(len(product.keys(f"{folder}done/")) + len(product.keys(f"{folder}failed/")))
                return counted[-1] == LINES

            product.wait(f"{LINES} results", all_there, BATCH_SECONDS)
            seconds = time.monotonic() - began
            summary = product.wait(
                "summary", lambda: product.document(f"{folder}summary.json"), BATCH_SECONDS
            )
            self.assert_nothing_left("chat", "completion", "image")
            self.assertEqual(count.generated, completed)
            print(
                f"batch file: {LINES} lines in {seconds:.1f} s, {LINES / seconds:.0f} lines/s; at most "
                f"{count.peak} calls under way, which with {SLOW_MILLISECONDS} ms a call would make "
                f"{count.peak * 1000 / SLOW_MILLISECONDS:.0f} lines/s; "
                f"the summary came after {time.monotonic() - began:.1f} s",
                flush=True,
            )
        self.assertEqual(
            {key: summary[key] for key in ("object", "id", "status", "input")},
            {"object": "batch", "id": id, "status": "completed", "input": f"s3://{product.bucket}/{key}"},
        )
        self.assertEqual(
            summary["request_counts"], {"total": LINES, "completed": completed, "failed": len(failed)}
        )
        self.assertEqual((summary["failed_lines"], summary["missing_lines"]), (failed, []))
        for number in (1, 3, 11, 13, LINES):
            kind = "failed" if number in failed else "done"
            result = product.document(f"{folder}{kind}/{number:08}.json")
            self.assertEqual(result["custom_id"], f"my-{number}")
            self.assertEqual(result["response"]["status_code"] == 200, number not in failed, result)


if __name__ == "__main__":
    unittest.main()
