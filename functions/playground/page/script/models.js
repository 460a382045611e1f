// The choice of a model, from the API's own list.

const OTHER = ' other';
const today = new Date().toISOString().slice(0, 10);

/** The API's list; empty until it has come. */
let models = [];

const writes = (model) => !model.output_modalities || model.output_modalities.includes('TEXT');
const draws = (model) => !model.output_modalities || model.output_modalities.includes('IMAGE');

/** How a model is called in the list: its id, and what there is to know of its life. */
function title(model) {
  const ended = model.shutdown_date && model.shutdown_date <= today;
  const life = ended ? `retired ${model.shutdown_date}`
    : model.shutdown_date ? `until ${model.shutdown_date}`
      : model.status === 'LEGACY' ? 'legacy' : '';
  const alias = model.alias_of ? `stands for ${model.alias_of}` : '';
  const remarks = [alias, life].filter(Boolean).join(', ');
  return remarks ? `${model.id} (${remarks})` : model.id;
}

/** A field to choose a model in, or to name one that is not listed. */
class ModelChoice {
  constructor(place, name, fits, changed) {
    this.fits = fits;
    this.select = element('select', { id: `${name}-model` });
    this.id = element('input', { id: `${name}-model-id`, type: 'text', spellcheck: false });
    this.family = element('input', { id: `${name}-family`, type: 'text', spellcheck: false });
    this.own = element('div', { hidden: true },
      element('label', { for: this.id.id, textContent: 'Model id or ARN' }), this.id,
      element('label', { for: this.family.id, textContent: 'Family, where the id does not say it' }), this.family);
    place.append(element('label', { for: this.select.id, textContent: 'Model' }), this.select, this.own);
    const change = () => {
      this.own.hidden = this.select.value !== OTHER;
      changed();
    };
    for (const field of [this.select, this.id, this.family]) field.addEventListener('input', change);
    this.fill();
  }

  /** Shows the list, and keeps the choice. */
  fill() {
    const chosen = this.select.value;
    const groups = new Map();
    for (const model of models.filter(this.fits)) {
      const provider = model.alias_of ? 'Aliases' : model.provider ?? model.owned_by;
      if (!groups.has(provider)) groups.set(provider, []);
      groups.get(provider).push(element('option', { value: model.id, textContent: title(model) }));
    }
    const sorted = [...groups].sort(([one], [other]) => one.localeCompare(other));
    this.select.replaceChildren(
      element('option', { value: '', textContent: 'the deployment’s default' }),
      ...sorted.map(([label, options]) => element('optgroup', { label }, ...options)),
      element('option', { value: OTHER, textContent: 'another id or ARN …' }),
    );
    this.select.value = [...this.select.options].some((option) => option.value === chosen) ? chosen : '';
  }

  /** The fields of a request that name the model. */
  fields() {
    if (this.select.value !== OTHER) return this.select.value ? { model: this.select.value } : {};
    const family = this.family.value.trim();
    return { model: this.id.value.trim(), ...(family && { family }) };
  }

  /** The family whose parameters are shown; `undefined` where it is not known. */
  chosenFamily() {
    if (this.select.value === OTHER) return this.family.value.trim() || undefined;
    return models.find((model) => model.id === this.select.value)?.family;
  }
}
