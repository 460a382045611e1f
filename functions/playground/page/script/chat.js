// Chat: the history stands in the page, and each request carries it.

const LARGEST_IMAGE = 3.75 * 1024 * 1024;

class ChatTab {
  constructor(panel) {
    const part = (name) => panel.querySelector(`.${name}`);
    const changed = () => this.changed();
    this.system = byId('chat-system');
    this.list = byId('chat-turns');
    this.message = byId('chat-message');
    this.facts = part('facts');
    this.turns = [];
    this.parameters = new Parameters(part('parameters'), 'chat', 'chat', changed);
    this.model = new ModelChoice(part('model'), 'chat', writes, changed);
    this.request = new RequestView(part('request'), 'v1/chat/completions', () => this.body(this.history()));
    this.run = new Run(part('run'), 'Send', (signal, began) => this.send(signal, began));
    part('run').append(button('Clear', () => this.clear()));
    for (const field of [this.system, this.message]) field.addEventListener('input', changed);
    this.message.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        this.run.run();
      }
    });
    this.attachments();
    const fill = (system, message) => () => {
      this.clear();
      this.system.value = system;
      this.message.value = message;
      this.changed();
    };
    examples(part('example'), 'chat', {
      'Restaurants in Hong Kong': fill('You know Hong Kong well. Answer as a list.', 'Which restaurants in Hong Kong do you recommend?'),
      'A patient tutor': fill('You are a tutor who answers with a question until the student has found it.', 'Why is the sky blue?'),
      Translation: fill('Translate what I write into French. Say nothing else.', 'The train leaves at nine, from the second platform.'),
    });
  }

  attachments() {
    const input = byId('chat-image');
    const name = byId('chat-image-name');
    const off = byId('chat-image-off');
    this.detach = () => {
      this.image = undefined;
      input.value = '';
      name.textContent = '';
      off.hidden = true;
      this.changed();
    };
    off.addEventListener('click', this.detach);
    input.addEventListener('change', () => {
      const [file] = input.files;
      if (!file) return;
      if (file.size > LARGEST_IMAGE) {
        this.detach();
        name.textContent = `${file.name} is larger than 3.75 MB, which Bedrock does not take.`;
        return;
      }
      const reader = new FileReader();
      reader.addEventListener('load', () => {
        this.image = reader.result;
        name.textContent = file.name;
        off.hidden = false;
        this.changed();
      });
      reader.readAsDataURL(file);
    });
  }

  /** The turns so far, and what stands in the field for the next one. */
  history() {
    const text = this.message.value;
    return text || this.image ? [...this.turns, { role: 'user', content: this.content(text) }] : this.turns;
  }

  content(text) {
    if (!this.image) return text;
    const image = { type: 'image_url', image_url: { url: this.image } };
    return text ? [{ type: 'text', text }, image] : [image];
  }

  body(turns) {
    const system = this.system.value ? [{ role: 'system', content: this.system.value }] : [];
    const messages = [...system, ...turns.map(({ role, content }) => ({ role, content }))];
    return { ...this.model.fields(), messages, ...this.parameters.given(), ...STREAM };
  }

  changed() {
    this.parameters.show(this.model.chosenFamily());
    this.request.update();
  }

  clear() {
    this.run.controller?.abort();
    this.turns = [];
    this.list.replaceChildren();
    this.facts.replaceChildren();
    this.changed();
  }

  async send(signal, began) {
    const turns = this.history();
    const body = this.body(turns);
    if (turns !== this.turns) this.add(turns.at(-1));
    this.message.value = '';
    this.detach();
    const measured = new Measured(began);
    let turn;
    try {
      await readStream('v1/chat/completions', body, signal, measured, ({ delta }) => {
        if (signal.aborted || (!delta.content && !delta.reasoning_content)) return false;
        turn ??= this.add({ role: 'assistant', content: '' });
        turn.more(delta.content ?? '', delta.reasoning_content ?? '');
        return true;
      });
    } finally {
      facts(this.facts, measured.pairs());
      this.changed();
    }
  }

  /** Shows a turn, which can be changed and taken out. */
  add(turn) {
    this.turns = [...this.turns, turn];
    const parts = typeof turn.content === 'string' ? [{ type: 'text', text: turn.content }] : turn.content;
    const who = turn.role === 'user' ? 'You' : 'Model';
    const number = this.turns.length;
    const thoughts = element('div');
    const fold = element('details', { hidden: true }, element('summary', { textContent: 'Reasoning' }), thoughts);
    const field = element('textarea', { rows: 1, dir: 'auto', 'aria-label': `${who}, turn ${number}` });
    const fit = () => { field.rows = Math.min(24, Math.max(1, field.value.split('\n').length + Math.floor(field.value.length / 90))); };
    field.value = parts.find(({ type }) => type === 'text')?.text ?? '';
    field.addEventListener('input', () => {
      const images = parts.filter(({ type }) => type !== 'text');
      turn.content = images.length ? [{ type: 'text', text: field.value }, ...images] : field.value;
      this.changed();
    });
    const images = parts.filter(({ type }) => type === 'image_url')
      .map(({ image_url: { url } }) => element('img', { src: url, alt: 'The attached image' }));
    const item = element('li', { className: turn.role });
    const remove = button('Remove', () => {
      this.turns = this.turns.filter((other) => other !== turn);
      item.remove();
      this.changed();
      this.message.focus();
    }, { className: 'small', 'aria-label': `Remove turn ${number}` });
    item.append(element('div', { className: 'bar' }, element('strong', { textContent: who }), remove), fold, field, ...images);
    this.list.append(item);
    fit();
    return {
      more: (text, thought) => {
        field.value += text;
        turn.content = field.value;
        fold.hidden &&= thought === '';
        thoughts.append(thought);
        fit();
      },
    };
  }
}
