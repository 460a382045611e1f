"""Tools and JSON answers, as OpenAI's SDK for Python and LangChain ask for them and read them. Nobody
calls a tool here: the simulator calls those that the last user turn names, and makes up what they
are given."""

from __future__ import annotations

import json
import unittest
from typing import Any

from langchain_core.messages import AIMessageChunk, BaseMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel, ConfigDict

from product import API, CHAT_MODEL, client, http_client

# Bedrock holds this one to a schema; the other is made to call a tool.
CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Tells the weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
OSLO: list[Any] = [{"role": "user", "content": "Ask get_weather about Oslo."}]
GIVEN = {"city": "[simulated] city"}
FOX: list[Any] = [{"role": "user", "content": "Describe a fox."}]


class Fox(BaseModel):
    """What an answer has to be."""

    model_config = ConfigDict(extra="forbid")

    name: str
    age: int
    friends: list[str]


class Tools(unittest.TestCase):
    def setUp(self) -> None:
        self.client = client()
        self.addCleanup(self.client.close)

    def test_a_call_and_its_result_go_to_and_fro(self) -> None:
        asked: dict[str, Any] = {"model": CHAT_MODEL, "tools": [WEATHER]}
        answer = self.client.chat.completions.create(**asked, messages=OSLO)
        [choice] = answer.choices
        self.assertEqual(choice.finish_reason, "tool_calls")
        assert choice.message.tool_calls is not None
        [call] = choice.message.tool_calls
        assert call.type == "function"
        self.assertEqual(call.function.name, "get_weather")
        self.assertEqual(json.loads(call.function.arguments), GIVEN)

        result = {"role": "tool", "tool_call_id": call.id, "content": "21 degrees"}
        messages = [*OSLO, choice.message.model_dump(exclude_none=True), result]
        answer = self.client.chat.completions.create(**asked, messages=messages)
        self.assertEqual(answer.choices[0].finish_reason, "stop")
        self.assertIn("[result: 21 degrees]", answer.choices[0].message.content or "")

    def test_a_call_is_streamed(self) -> None:
        # The SDK puts together the calls of strict tools alone.
        strict = {**WEATHER["function"], "strict": True}
        tools = [{"type": "function", "function": strict}]
        asked: dict[str, Any] = {"model": CLAUDE, "tools": tools, "messages": OSLO}
        whole = self.client.chat.completions.create(**asked)
        with self.client.chat.completions.stream(**asked) as stream:
            streamed = stream.get_final_completion()
        [one], [other] = whole.choices, streamed.choices
        assert one.message.tool_calls is not None and other.message.tool_calls is not None
        [one_call], [other_call] = one.message.tool_calls, other.message.tool_calls
        assert one_call.type == "function" and other_call.type == "function"
        self.assertEqual(other_call.id, one_call.id)
        self.assertEqual(other_call.function.name, one_call.function.name)
        self.assertEqual(json.loads(other_call.function.arguments), GIVEN)
        self.assertEqual(other.finish_reason, "tool_calls")

    def test_a_model_of_pydantics_is_the_answer(self) -> None:
        for model in (CHAT_MODEL, CLAUDE):
            with self.subTest(model=model):
                answer = self.client.chat.completions.parse(model=model, messages=FOX, response_format=Fox)
                fox = answer.choices[0].message.parsed
                self.assertEqual(
                    fox, Fox(name="[simulated] name", age=1, friends=["[simulated] friends"])
                )
                with self.client.chat.completions.stream(
                    model=model, messages=FOX, response_format=Fox
                ) as stream:
                    streamed = stream.get_final_completion()
                self.assertEqual(streamed.choices[0].message.parsed, fox)
                self.assertEqual(streamed.choices[0].finish_reason, "stop")


@tool
def get_weather(city: str) -> str:
    """Tells the weather of a city."""
    return f"21 degrees in {city}"


class LangChain(unittest.TestCase):
    def setUp(self) -> None:
        http = http_client()
        self.addCleanup(http.close)
        own: dict[str, Any] = {"api_key": "local", "http_client": http, "http_socket_options": ()}
        self.model = ChatOpenAI(model=CHAT_MODEL, base_url=API, **own)

    def test_calls_a_bound_tool(self) -> None:
        chat = self.model.bind_tools([get_weather])
        history: list[BaseMessage] = [HumanMessage("Ask get_weather about Oslo.")]
        answer = chat.invoke(history)
        [call] = answer.tool_calls
        self.assertEqual((call["name"], call["args"]), ("get_weather", GIVEN))
        result = ToolMessage(get_weather.invoke(call["args"]), tool_call_id=call["id"])
        answer = chat.invoke([*history, answer, result])
        self.assertIn("[result: 21 degrees in [simulated] city]", answer.text)

    def test_streams_a_call(self) -> None:
        total = AIMessageChunk(content="")
        for chunk in self.model.bind_tools([get_weather]).stream("Ask get_weather about Oslo."):
            total += chunk
        [call] = total.tool_calls
        self.assertEqual((call["name"], call["args"]), ("get_weather", GIVEN))
