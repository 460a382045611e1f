// The calls of the API. Its address is the page's own, with a stage's name or without.

const BASE = new URL(location.pathname.replace(/\/*$/, '/'), location.origin);
const address = (path) => new URL(path, BASE).href;

const KEY = 'playground-key';
const key = () => sessionStorage.getItem(KEY) ?? '';

/** What the API said that went wrong, in its own words. */
class ApiError extends Error {
  constructor(status, requestId, error) {
    super(error.message);
    Object.assign(this, { status, requestId, code: error.code, type: error.type, param: error.param });
  }

  /** Lines for people. */
  get lines() {
    const head = [this.status, this.code ?? this.type].filter(Boolean).join(' ');
    const where = this.param ? `Field: ${this.param}` : '';
    const id = this.requestId ? `Request id: ${this.requestId}` : '';
    return [`${head}: ${this.message}`, where, id].filter(Boolean).join('\n');
  }
}

const describe = (error) => {
  if (error instanceof ApiError) return error.lines;
  if (error.name === 'AbortError') return 'Stopped.';
  return error instanceof TypeError ? `The API could not be reached: ${error.message}` : error.message;
};

async function call(path, body, signal) {
  const headers = { accept: 'application/json' };
  if (key()) headers.authorization = `Bearer ${key()}`;
  if (body) headers['content-type'] = 'application/json';
  const response = await fetch(address(path), {
    method: body ? 'POST' : 'GET', headers, body: body && JSON.stringify(body), signal, cache: 'no-store',
  });
  const requestId = response.headers.get('x-request-id') ?? '';
  if (!response.ok) {
    const text = await response.text();
    let error;
    try {
      ({ error } = JSON.parse(text));
    } catch { /* what stands before the API, such as a firewall, answers in its own words */ }
    throw new ApiError(response.status, requestId, error ?? { message: text || response.statusText });
  }
  return { response, requestId };
}

/** An answer as one document. */
async function whole(path, body, signal) {
  const { response, requestId } = await call(path, body, signal);
  return { document: await response.json(), requestId };
}

/** The documents of a streamed answer, as they come. `began` is told the request's id first. */
async function* streamed(path, body, signal, began) {
  const { response, requestId } = await call(path, body, signal);
  began(requestId);
  let rest = '';
  const chunks = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { value, done } = await chunks.read();
    rest += value ?? '';
    const events = rest.split('\n\n');
    rest = events.pop();
    for (const event of events) {
      // A comment keeps the connection open and says nothing.
      const data = event.split('\n').filter((line) => line.startsWith('data:'))
        .map((line) => line.slice('data:'.length).trimStart()).join('\n');
      if (data === '[DONE]') return;
      if (!data) continue;
      const document = JSON.parse(data);
      if (document.error) throw new ApiError(response.status, requestId, document.error);
      yield document;
    }
    if (done) throw new ApiError(response.status, requestId, { message: 'the answer was cut off', code: 'stream_cut' });
  }
}
