// Image: a prompt and a gallery of what it gave.

class ImageTab {
  constructor(panel) {
    const part = (name) => panel.querySelector(`.${name}`);
    const changed = () => this.changed();
    this.prompt = byId('image-prompt');
    this.gallery = byId('gallery');
    this.facts = part('facts');
    this.parameters = new Parameters(part('parameters'), 'image', 'image', changed);
    this.model = new ModelChoice(part('model'), 'image', draws, changed);
    this.request = new RequestView(part('request'), 'v1/images/generations', () => this.body());
    this.run = new Run(part('run'), 'Draw', (signal, began) => this.draw(signal, began));
    this.prompt.addEventListener('input', changed);
    const fill = (text) => () => {
      this.prompt.value = text;
      this.changed();
    };
    examples(part('example'), 'image', {
      Landscape: fill('A lighthouse on a cliff at dusk, long exposure, calm sea'),
      Product: fill('A red enamel coffee pot on a wooden table, studio light, white background'),
      'Line art': fill('A fox asleep under a fern, line art, black ink on cream paper'),
    });
  }

  body() {
    // In base64: the page shows no image of another host.
    return { ...this.model.fields(), prompt: this.prompt.value, ...this.parameters.given(), response_format: 'b64_json' };
  }

  changed() {
    this.parameters.show(this.model.chosenFamily());
    this.request.update();
  }

  async draw(signal, began) {
    const prompt = this.prompt.value;
    const measured = new Measured(began);
    this.facts.replaceChildren();
    const { document: answer, requestId } = await whole('v1/images/generations', this.body(), signal);
    measured.more();
    facts(this.facts, [['Latency', seconds(measured.last)], ['Images', answer.data.length], ['Request id', requestId]]);
    for (const image of answer.data.toReversed()) this.gallery.prepend(this.shown(image, prompt));
  }

  shown(image, prompt) {
    const { b64_json: base64, url, seed, s3_uri: stored, parameters: { n, index } = {} } = image;
    const type = imageType(base64);
    const source = base64 ? `data:image/${type};base64,${base64}` : undefined;
    const isTold = seed !== undefined && seed !== null;
    // Several of one call share its seed.
    const place = index === undefined ? '' : `, image ${Number(index) + 1} of ${n}`;
    const name = `image-${isTold ? seed : this.gallery.children.length + 1}${index === undefined ? '' : `-${index}`}.${type}`;
    return element('li', {}, element('figure', {},
      source ? element('img', { src: source, alt: prompt }) : element('p', { textContent: 'Too large to be shown here.' }),
      element('figcaption', {},
        element('div', { textContent: isTold ? `Seed ${seed}${place}` : 'The model tells no seed.' }),
        element('div', { className: 'hint', textContent: stored ?? '' }),
        element('div', { className: 'bar' },
          element('a', { href: source ?? url, target: source ? '' : '_blank', rel: 'noopener noreferrer', download: name, textContent: 'Download', 'aria-label': `Download ${name}` }),
          isTold
            ? button('Use this seed', () => {
              this.parameters.set('seed', seed);
              if (index !== undefined) this.parameters.set('n', n);
              this.changed();
              announce(`Seed ${seed} is set.`);
            }, { className: 'small' })
            : undefined))));
  }
}

/** What the file is, by how its base64 begins. */
function imageType(base64 = '') {
  if (base64.startsWith('/9j/')) return 'jpeg';
  return base64.startsWith('UklGR') ? 'webp' : 'png';
}
