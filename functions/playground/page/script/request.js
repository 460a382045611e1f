// "View API request": the call that a tab makes, for a shell, a program and a bucket.

const FORMS = { curl: curl, Python: python, 'S3 upload': upload };

/** A fold that shows the request as it would be sent now. */
class RequestView {
  constructor(place, path, body) {
    Object.assign(this, { path, body, form: 'curl' });
    this.code = element('pre', { tabIndex: 0, 'aria-label': 'The request' });
    this.forms = Object.keys(FORMS).map((form) => button(form, () => this.choose(form), { 'aria-pressed': String(form === this.form) }));
    const copy = button('Copy', async () => {
      await navigator.clipboard.writeText(this.code.textContent);
      announce('Copied.');
    });
    this.fold = element('details', {},
      element('summary', { textContent: 'View API request' }),
      element('div', { className: 'bar' }, ...this.forms, copy), this.code);
    this.fold.addEventListener('toggle', () => this.update());
    place.append(this.fold);
  }

  choose(form) {
    this.form = form;
    for (const one of this.forms) one.setAttribute('aria-pressed', String(one.textContent === form));
    this.update();
  }

  update() {
    if (!this.fold.open) return;
    try {
      this.code.textContent = FORMS[this.form](this.path, this.body());
    } catch (error) {
      this.code.textContent = error.message;
    }
  }
}

const shellQuoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

function curl(path, body) {
  return [
    `curl ${shellQuoted(address(path))} \\`,
    ...(key() ? ['  -H "Authorization: Bearer $API_KEY" \\'] : []),
    `  -H 'Content-Type: application/json'${body.stream ? ' --no-buffer' : ''} \\`,
    `  -d ${shellQuoted(JSON.stringify(body, null, 2))}`,
  ].join('\n');
}

/** The same call in OpenAI's client. What is not OpenAI's own goes into `extra_body`. */
function python(path, body) {
  const method = {
    'v1/completions': 'completions.create', 'v1/chat/completions': 'chat.completions.create', 'v1/images/generations': 'images.generate',
  }[path];
  const own = new Set(OWN[path]);
  const named = Object.entries(body).filter(([name]) => own.has(name));
  const extra = Object.fromEntries(Object.entries(body).filter(([name]) => !own.has(name)));
  // The client asks for a model; one that is left out is the deployment's default.
  const isDefault = !('model' in body) && path !== 'v1/images/generations';
  const lines = named.map(([name, value]) => `    ${name}=${literal(value, '    ')},`);
  if (isDefault) lines.unshift('    model=omit,  # the deployment’s default');
  if (Object.keys(extra).length) lines.push(`    extra_body=${literal(extra, '    ')},`);
  const secret = key() ? 'os.environ["API_KEY"]' : '"unused"';
  return [
    ...(key() ? ['import os', ''] : []),
    `from openai import OpenAI${isDefault ? ', omit' : ''}`, '',
    `client = OpenAI(base_url=${literal(address('v1'))}, api_key=${secret})`,
    `answer = client.${method}(`, ...lines, ')',
    ...(body.stream ? ['for chunk in answer:', '    print(chunk)'] : ['print(answer)']),
  ].join('\n');
}

const OWN = {
  'v1/completions': ['model', 'prompt', 'max_tokens', 'temperature', 'top_p', 'stop', 'presence_penalty', 'frequency_penalty', 'seed', 'stream', 'stream_options'],
  'v1/chat/completions': ['model', 'messages', 'max_tokens', 'temperature', 'top_p', 'stop', 'presence_penalty', 'frequency_penalty', 'seed', 'stream', 'stream_options'],
  'v1/images/generations': ['model', 'prompt', 'n', 'size', 'quality', 'response_format', 'output_format'],
};

/** A value as Python writes it. */
function literal(value, indent = '') {
  const deeper = `${indent}    `;
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  // JSON's strings are Python's but for what stands outside the basic plane, which both escape alike.
  if (typeof value !== 'object') return JSON.stringify(value);
  const items = Array.isArray(value)
    ? value.map((item) => literal(item, deeper))
    : Object.entries(value).map(([name, item]) => `${JSON.stringify(name)}: ${literal(item, deeper)}`);
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  return items.length ? `${open}\n${items.map((item) => `${deeper}${item},`).join('\n')}\n${indent}${close}` : `${open}${close}`;
}

/** The same request as an upload, without what only a connection has. */
function upload(path, body) {
  const { stream: _stream, stream_options: _options, ...rest } = body;
  if (path === 'v1/images/generations') delete rest.response_format;
  const name = { 'v1/completions': 'completion', 'v1/chat/completions': 'chat', 'v1/images/generations': 'image' }[path];
  return [
    `aws s3 cp - "s3://$BUCKET/requests/${name}/playground.json" <<'EOF'`,
    JSON.stringify(rest, null, 2),
    'EOF',
  ].join('\n');
}
