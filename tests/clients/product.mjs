// Where the product is, and clients for it that write down what is sent and received.

import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

// The packages are kept with the other tools, where an import does not look by itself.
const sdk = pathToFileURL(join(process.env.NODE_PACKAGES, 'openai', 'index.mjs'));
export const { default: OpenAI, ...errors } = await import(sdk);

export const API = process.env.API_URL;
export const FAULTY_API = process.env.FAULTY_API_URL;
// No answer takes as long; without a limit a silent product would hold the tests up for minutes.
const MILLISECONDS = 60_000;

export const TEXT_MODEL = 'amazon.titan-tg1-large';
export const CHAT_MODEL = 'us.amazon.nova-lite-v1:0';
export const IMAGE_MODEL = 'stability.stable-diffusion-xl-v1';

const writing = [];

/** Waits until every exchange is written down. A test file calls it when its tests are done. */
export const written = () => Promise.all(writing);

/** A client whose requests are fetched as usual; a copy of each exchange is kept. */
export function client(options = {}) {
  const statuses = [];
  const recording = async (url, init) => {
    const response = await fetch(url, init);
    statuses.push(response.status);
    if (!response.body) return response;
    const [copy, body] = response.body.tee();
    writing.push(keep(new URL(url), init, response, copy));
    const { status, statusText, headers } = response;
    return new Response(body, { status, statusText, headers });
  };
  const openai = new OpenAI({ baseURL: API, apiKey: 'local', timeout: MILLISECONDS, fetch: recording, ...options });
  return Object.assign(openai, { statuses });
}

async function keep(url, init, response, body) {
  let received = '';
  try {
    for await (const text of body.pipeThrough(new TextDecoderStream())) received += text;
  } catch {
    // The reader left: what came until then is the exchange.
  }
  const exchange = {
    method: init.method,
    path: url.pathname + url.search,
    sent: init.body ?? '',
    status: response.status,
    headers: Object.fromEntries(response.headers),
    received,
  };
  // At once: of two that are written at a time, one would stand within the other.
  appendFileSync(join(process.env.EXCHANGES, `node-${process.pid}.jsonl`), JSON.stringify(exchange) + '\n');
}
