// The parameters of the chosen family, with the ranges that the API itself checks.

const { families, meanings } = JSON.parse(byId('parameters-data').textContent);

/** A family's parameters for a route; the empty name is any other model's. */
function parametersOf(family, kind) {
  return families[family]?.[kind];
}

/** A field for each parameter; what is left empty is not sent. */
class Parameters {
  constructor(place, name, kind, changed) {
    Object.assign(this, { place, name, kind, changed, fields: [] });
    this.kept = new Map();
    this.show(undefined);
  }

  /** Shows a family's parameters; what was typed for a parameter stays with its name. */
  show(family) {
    if (this.family === family && this.fields.length) return;
    this.family = family;
    for (const field of this.fields) this.kept.set(field.name, field.text());
    const known = parametersOf(family, this.kind);
    const list = known ?? parametersOf('', this.kind);
    this.fields = list.map((parameter) => this.field(parameter));
    const whose = known ? family : 'any model; the model checks them';
    this.place.replaceChildren(
      element('h2', { textContent: 'Parameters' }),
      element('p', { className: 'hint', textContent: `Of ${whose}. Empty is the default.` }),
      ...this.fields.map((field) => field.shown),
    );
  }

  field(parameter) {
    const { name, kind, least, most, range, choices } = parameter;
    const id = `${this.name}-${name}`;
    const hint = `${id}-hint`;
    const common = { id, 'aria-describedby': hint };
    let input;
    let slider;
    if (kind === 'choice') {
      const options = ['', ...choices].map((value) => element('option', { value, textContent: value || 'default' }));
      input = element('select', common, ...options);
    } else if (kind === 'number' || kind === 'integer') {
      const step = kind === 'integer' ? 1 : 'any';
      input = element('input', { ...common, type: 'number', min: least, max: most, step, placeholder: /^-?[\d.]+$/.test(parameter.default) ? parameter.default : '' });
      if (least !== undefined && most !== undefined && most - least <= 500) {
        const fine = kind === 'integer' ? 1 : (most - least) / 100;
        slider = element('input', { type: 'range', min: least, max: most, step: fine, 'aria-label': `${name}, slider` });
        const initial = Number.parseFloat(parameter.default);
        slider.value = Number.isNaN(initial) ? least : initial;
        slider.addEventListener('input', () => { input.value = Number(Number(slider.value).toFixed(4)); });
        input.addEventListener('input', () => { if (input.value) slider.value = input.value; });
      }
    } else {
      input = element(kind === 'lines' ? 'textarea' : 'input', { ...common, ...(kind === 'lines' ? { rows: 2 } : { type: 'text' }) });
    }
    const set = (value) => {
      input.value = value;
      if (slider && input.value) slider.value = input.value;
    };
    set(this.kept.get(name) ?? '');
    const ranges = [range, parameter.default && `default ${parameter.default}`].filter(Boolean).join('; ');
    const remarks = [ranges && `${ranges[0].toUpperCase()}${ranges.slice(1)}.`, meanings[name]].filter(Boolean).join(' ');
    const shown = element('div', { className: 'parameter' },
      element('label', { for: id, textContent: name }),
      element('div', { className: 'row' }, slider, input),
      element('p', { id: hint, textContent: remarks }));
    shown.addEventListener('input', this.changed);
    return { name, shown, text: () => input.value, set, value: () => read(name, kind, input) };
  }

  /** The fields of a request. */
  given() {
    return Object.fromEntries(this.fields.map((field) => [field.name, field.value()]).filter(([, value]) => value !== undefined));
  }

  /** Fills one in, if the family has it. */
  set(name, value) {
    this.fields.find((field) => field.name === name)?.set(value);
  }
}

function read(name, kind, input) {
  const text = input.value;
  // The browser keeps what is no number to itself.
  if (input.validity.badInput) throw new Error(`${name} is no number.`);
  if (text === '') return undefined;
  if (kind === 'number' || kind === 'integer') return Number(text);
  if (kind === 'lines') return text.split('\n').filter(Boolean);
  return text;
}
