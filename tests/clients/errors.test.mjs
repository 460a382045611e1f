// What OpenAI's SDK for Node throws for each row of errors.json, and what it asks for again.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';

import { CHAT_MODEL, FAULTY_API, client, errors, written } from './product.mjs';

const { rows } = JSON.parse(readFileSync(new URL('errors.json', import.meta.url), 'utf8'));

after(written);

/** Sends a row's request with the method that a program would call. */
function ask(openai, row) {
  const { call, headers } = row;
  const [method, path] = call.split(' ');
  if (path) return openai[method.toLowerCase()](path, row.body === null ? {} : { body: row.body });
  const body = row.padding ? { ...row.body, ...padding(...row.padding) } : row.body;
  switch (call) {
    case 'completions':
      return openai.completions.create(body, { headers });
    case 'chat':
      return openai.chat.completions.create(body, { headers });
    case 'images':
      return openai.images.generate(body, { headers });
    case 'model':
      return openai.models.retrieve(body);
    default:
      throw new Error(`no call ${call}`);
  }
}

/** A prompt, or a history, of so many characters. A turn alone would break the limit of a prompt. */
function padding(field, characters) {
  if (field === 'prompt') return { prompt: 'a'.repeat(characters) };
  const half = { role: 'user', content: 'a'.repeat(Math.ceil(characters / 2)) };
  return { messages: [half, half] };
}

/** The class's name in Python's SDK: what has no class of its own is an `APIError` here. */
const nameOf = (error) => (error.constructor === errors.APIError ? 'APIStatusError' : error.constructor.name);

describe('every error is thrown as its class, with status, type, code, parameter and request id', () => {
  const stacks = { plain: client({ maxRetries: 0 }), faulty: client({ baseURL: FAULTY_API, maxRetries: 0 }) };
  for (const row of rows) {
    test(row.name, async () => {
      const openai = stacks[row.stack ?? 'faulty'];
      const error = await ask(openai, row).then(
        () => assert.fail('it was answered'),
        (error) => error,
      );
      assert.ok(error instanceof errors.APIError, error);
      assert.deepEqual(
        { class: nameOf(error), status: error.status, type: error.type, code: error.code, param: error.param },
        { class: row.class, status: row.status, type: row.type, code: row.code, param: row.param },
      );
      assert.match(error.requestID, /^\S{8,}$/);
      const [wait, again] = [error.headers.get('retry-after'), error.headers.get('x-should-retry')];
      assert.equal(again, row.retry === 'never' ? 'false' : null);
      assert.equal(wait !== null && Number(wait) >= (row.wait ?? 1), row.retry === 'later');
      assert.equal(error.headers.get('allow'), row.allow ?? null);
    });
  }
});

describe('streams that break', () => {
  const openai = client({ baseURL: FAULTY_API, maxRetries: 0 });
  for (const [fault, type, code] of [
    ['exception:ModelStreamErrorException', 'api_error', 'model_error'],
    ['no_end', 'api_error', 'upstream_truncated'],
    ['cut', 'api_error', 'upstream_truncated'],
  ]) {
    test(`${fault} is an error and never complete`, async () => {
      const messages = [{ role: 'user', content: `Hello [[fault:${fault}]]` }];
      const stream = await openai.chat.completions.create({ model: CHAT_MODEL, messages, stream: true });
      const reasons = [];
      await assert.rejects(
        async () => {
          for await (const { choices: [choice] } of stream) reasons.push(choice.finish_reason);
        },
        (error) => error instanceof errors.APIError && error.type === type && error.code === code,
      );
      assert.ok(reasons.length > 0 && reasons.every((reason) => reason === null));
    });
  }
});

describe('retries', () => {
  const say = (openai, content) =>
    openai.chat.completions.create({ model: CHAT_MODEL, messages: [{ role: 'user', content }] });

  test('what would be paid again is not asked again', async () => {
    const openai = client({ baseURL: FAULTY_API });
    await assert.rejects(say(openai, 'Hello [[fault:error:ModelErrorException]]'), errors.InternalServerError);
    assert.deepEqual(openai.statuses, [502]);
  });

  test('a throttle is asked again after its wait', async () => {
    const openai = client({ baseURL: FAULTY_API });
    // The function calls Bedrock three times for the first request.
    await say(openai, 'Node asks again [[fault:throttle:3]]');
    assert.deepEqual(openai.statuses, [429, 200]);
  });
});
