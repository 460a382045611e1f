// Text: a prompt and its completion.

class TextTab {
  constructor(panel) {
    const part = (name) => panel.querySelector(`.${name}`);
    const changed = () => this.changed();
    this.prompt = byId('text-prompt');
    this.answer = byId('text-completion');
    this.facts = part('facts');
    this.parameters = new Parameters(part('parameters'), 'text', 'completion', changed);
    this.model = new ModelChoice(part('model'), 'text', writes, changed);
    this.request = new RequestView(part('request'), 'v1/completions', () => this.body());
    this.run = new Run(part('run'), 'Complete', (signal, began) => this.complete(signal, began));
    this.prompt.addEventListener('input', changed);
    const fill = (text, parameters) => () => {
      this.prompt.value = text;
      for (const [name, value] of Object.entries(parameters)) this.parameters.set(name, value);
      this.changed();
    };
    examples(part('example'), 'text', {
      'Content generation': fill('Write a short announcement for a bakery that opens on Saturday at the old mill.', { temperature: 0.7, max_tokens: 200 }),
      Summary: fill('Sum up in one sentence: The river rose two metres overnight. The bridge was closed at six, and the school opened two hours late. Nobody was hurt.', { temperature: 0.2, max_tokens: 80 }),
      'Product names': fill('Five names for a bicycle bell that sounds like a bird, one a line:', { temperature: 0.9, max_tokens: 100 }),
      Code: fill('Write a Rust function that says whether a year is a leap year.', { temperature: 0, max_tokens: 200 }),
    });
  }

  body() {
    return { ...this.model.fields(), prompt: this.prompt.value, ...this.parameters.given(), ...STREAM };
  }

  changed() {
    this.parameters.show(this.model.chosenFamily());
    this.request.update();
  }

  async complete(signal, began) {
    this.answer.textContent = '';
    this.facts.replaceChildren();
    const measured = new Measured(began);
    try {
      await readStream('v1/completions', this.body(), signal, measured, ({ text }) => {
        this.answer.append(text);
        return text !== '';
      });
    } finally {
      facts(this.facts, measured.pairs());
    }
  }
}
