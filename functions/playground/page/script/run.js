// A tab's buttons, what shows that it is at work, and what an answer is told by.

/** Runs one call at a time; `work` gets a signal to stop by and what to say. */
class Run {
  constructor(place, label, work) {
    this.work = work;
    this.start = element('button', { type: 'submit', className: 'main', textContent: label });
    this.stop = button('Stop', () => this.controller?.abort(), { disabled: true });
    this.progress = element('progress', { hidden: true, 'aria-label': 'At work' });
    this.clock = element('span', { className: 'hint' });
    this.error = element('div', { className: 'error', role: 'alert', hidden: true });
    place.append(this.start, this.stop, this.progress, this.clock);
    place.after(this.error);
    place.closest('form').addEventListener('submit', (event) => {
      event.preventDefault();
      this.run();
    });
  }

  async run() {
    if (this.controller) return;
    this.controller = new AbortController();
    const began = performance.now();
    const tick = setInterval(() => { this.clock.textContent = seconds(performance.now() - began); }, 100);
    this.busy(true);
    this.error.hidden = true;
    announce('At work.');
    try {
      await this.work(this.controller.signal, began);
      announce('The answer is complete.');
    } catch (error) {
      this.fail(describe(error));
    } finally {
      clearInterval(tick);
      this.clock.textContent = '';
      this.controller = undefined;
      this.busy(false);
    }
  }

  busy(is) {
    this.start.disabled = is;
    this.stop.disabled = !is;
    this.progress.hidden = !is;
    // Whoever pressed a button that is off now shall not fall out of the page.
    if (is && document.activeElement === document.body) this.stop.focus();
  }

  fail(text) {
    this.error.textContent = text;
    this.error.hidden = false;
  }
}

/** The times and the id of one answer, and its tokens. */
class Measured {
  constructor(began) {
    this.began = began;
  }

  /** More of the answer has come. */
  more() {
    this.first ??= performance.now() - this.began;
    this.last = performance.now() - this.began;
  }

  pairs() {
    const { prompt_tokens: read, completion_tokens: written, prompt_tokens_details: details } = this.usage ?? {};
    return [
      ['Time to first token', this.first && seconds(this.first)],
      ['Latency', this.last && seconds(this.last)],
      ['Tokens read', read],
      ['of them from a cache', details?.cached_tokens || undefined],
      ['Tokens written', written],
      ['Ended by', this.finish],
      ['Model', this.model],
      ['Request id', this.requestId],
    ];
  }
}

/** Reads a streamed answer of text; `text` gets each choice's delta. */
async function readStream(path, body, signal, measured, text) {
  const documents = streamed(path, body, signal, (id) => { measured.requestId = id; });
  for await (const { choices, usage, model } of documents) {
    measured.model = model;
    measured.usage = usage ?? measured.usage;
    for (const choice of choices) {
      if (text(choice)) measured.more();
      measured.finish = choice.finish_reason ?? measured.finish;
    }
  }
}

/** A field with examples, each a function that fills the tab. */
function examples(place, name, list) {
  const select = element('select', { id: `${name}-example` },
    element('option', { value: '', textContent: 'choose an example …' }),
    ...Object.keys(list).map((title) => element('option', { value: title, textContent: title })));
  select.addEventListener('input', () => list[select.value]?.());
  place.append(element('label', { for: select.id, textContent: 'Example' }), select);
}

const STREAM = { stream: true, stream_options: { include_usage: true } };
