// What OpenAI's SDK for Node asks and gets.

import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';

import { CHAT_MODEL, IMAGE_MODEL, TEXT_MODEL, client, written } from './product.mjs';

const openai = client();
const PROFILE = 'arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-lite-v1:0';
const FRANCE = { model: TEXT_MODEL, prompt: 'What is the capital of France?', max_tokens: 64 };
const REX = {
  model: CHAT_MODEL,
  messages: [
    { role: 'system', content: 'You are a helpful assistant.' },
    { role: 'user', content: 'My dog is called Rex. Write one sentence about my dog.' },
  ],
};
const COUNTED = { stream: true, stream_options: { include_usage: true } };
const WORD_MILLISECONDS = 15; // The simulator waits so long before each word.

after(written);

/** Width and height in the header of a PNG. */
function sizeOf(png) {
  assert.deepEqual([...png.subarray(0, 8)], [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return [png.readUInt32BE(16), png.readUInt32BE(20)];
}

describe('whole answers', () => {
  test('text is completed', async () => {
    const answer = await openai.completions.create(FRANCE);
    assert.match(answer.choices[0].text, /What is the capital of France\?/);
    assert.equal(answer.choices[0].finish_reason, 'stop');
    assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens);
    assert.match(answer._request_id, /^\S{8,}$/);
  });

  test('each prompt is completed n times', async () => {
    const answer = await openai.completions.create({ ...FRANCE, prompt: ['One fish', 'Two fish'], n: 2 });
    assert.deepEqual(answer.choices.map(({ index }) => index), [0, 1, 2, 3]);
    for (const { index, text } of answer.choices) assert.match(text, index < 2 ? /"One fish"/ : /"Two fish"/);
  });

  test('a chat knows its history', async () => {
    const [{ message }] = (await openai.chat.completions.create(REX)).choices;
    assert.match(message.content, /The system prompt says "You are a helpful assistant\."/);
    const messages = [...REX.messages, message, { role: 'user', content: 'And one about mine.' }];
    const [further] = (await openai.chat.completions.create({ ...REX, messages })).choices;
    assert.match(further.message.content, /The last user turn says "And one about mine\."/);
    assert.equal(further.finish_reason, 'stop');
  });

  test('a call of a tool and its result go to and fro', async () => {
    const parameters = { type: 'object', properties: { city: { type: 'string' } } };
    const tools = [{ type: 'function', function: { name: 'get_weather', parameters } }];
    const messages = [{ role: 'user', content: 'Ask get_weather about Oslo.' }];
    const asked = { model: CHAT_MODEL, tools };
    const [{ message, finish_reason }] = (await openai.chat.completions.create({ ...asked, messages })).choices;
    assert.equal(finish_reason, 'tool_calls');
    const [call] = message.tool_calls;
    assert.deepEqual(JSON.parse(call.function.arguments), { city: '[simulated] city' });
    messages.push(message, { role: 'tool', tool_call_id: call.id, content: '21 degrees' });
    const [further] = (await openai.chat.completions.create({ ...asked, messages })).choices;
    assert.match(further.message.content, /\[result: 21 degrees\]/);
  });

  test('a chat has n answers', async () => {
    const answer = await openai.chat.completions.create({ ...REX, n: 3 });
    assert.deepEqual(answer.choices.map(({ index }) => index), [0, 1, 2]);
  });

  test('a picture comes by its URL and in base64', async () => {
    const picture = { model: IMAGE_MODEL, prompt: 'a fox', size: '832x1216', seed: 7 };
    const [link] = (await openai.images.generate(picture)).data;
    const [bare] = (await openai.images.generate({ ...picture, response_format: 'b64_json' })).data;
    const kept = Buffer.from(await (await fetch(link.url)).arrayBuffer());
    assert.deepEqual(sizeOf(kept), [832, 1216]);
    assert.ok(kept.equals(Buffer.from(bare.b64_json, 'base64')));
  });

  test('models are listed and found', async () => {
    const ids = [];
    for await (const model of openai.models.list()) ids.push(model.id);
    assert.ok(ids.includes(CHAT_MODEL) && ids.includes(TEXT_MODEL) && ids.includes(IMAGE_MODEL));
    for (const id of [CHAT_MODEL, 'anthropic.claude-v2:1', PROFILE]) {
      const model = await openai.models.retrieve(id);
      assert.deepEqual([model.id, model.object], [id, 'model']);
    }
  });
});

describe('streams', () => {
  test('a chat streams its answer over time and then its usage', async () => {
    const whole = await openai.chat.completions.create(REX);
    const chunks = [];
    const arrivals = [];
    for await (const chunk of await openai.chat.completions.create({ ...REX, ...COUNTED })) {
      chunks.push(chunk);
      arrivals.push(performance.now());
    }
    const counted = chunks.pop();
    assert.deepEqual([counted.choices, counted.usage], [[], whole.usage]);
    assert.deepEqual(chunks[0].choices[0].delta, { role: 'assistant', content: '' });
    const text = chunks.map(({ choices: [choice] }) => choice.delta.content ?? '').join('');
    assert.equal(text, whole.choices[0].message.content);
    const reasons = chunks.map(({ choices: [choice] }) => choice.finish_reason);
    assert.equal(reasons.pop(), 'stop');
    assert.ok(reasons.every((reason) => reason === null));
    const took = arrivals.at(-1) - arrivals[0];
    assert.ok(took > (WORD_MILLISECONDS * chunks.length) / 2, `${chunks.length} chunks in ${took} ms`);
  });

  test('text streams', async () => {
    const whole = await openai.completions.create(FRANCE);
    const chunks = [];
    for await (const chunk of await openai.completions.create({ ...FRANCE, ...COUNTED })) chunks.push(chunk);
    assert.deepEqual(chunks.pop().usage, whole.usage);
    assert.equal(chunks.map(({ choices: [choice] }) => choice.text).join(''), whole.choices[0].text);
    assert.equal(chunks.at(-1).choices[0].finish_reason, 'stop');
  });

  test("the SDK's own collector makes a whole answer of a stream", async () => {
    const whole = await openai.chat.completions.create(REX);
    const stream = openai.chat.completions.stream({ ...REX, stream_options: { include_usage: true } });
    const collected = await stream.finalChatCompletion();
    assert.equal(collected.choices[0].message.content, whole.choices[0].message.content);
    assert.deepEqual(collected.usage, whole.usage);
  });
});
