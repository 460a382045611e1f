// Small helpers for the page. Text only ever becomes a text node: what a model writes is never markup.

const byId = (id) => document.getElementById(id);

/** An element. Keys of `properties` are properties, or attributes if they have a dash or are `role` or `for`. */
function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined) continue;
    if (name === 'for' || name === 'role' || name.includes('-')) made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

const button = (label, press, properties = {}) => {
  const made = element('button', { type: 'button', textContent: label, ...properties });
  made.addEventListener('click', press);
  return made;
};

/** Tells those who listen instead of looking. */
function announce(text) {
  byId('announcer').textContent = text;
}

/** A definition list of what is known; pairs without a value are left out. */
function facts(place, pairs) {
  const known = pairs.filter(([, value]) => value !== undefined && value !== null && value !== '');
  const rows = known.map(([name, value]) =>
    element('div', {}, element('dt', { textContent: name }), element('dd', { textContent: String(value) })));
  place.replaceChildren(element('dl', {}, ...rows));
}

const seconds = (milliseconds) => `${(milliseconds / 1000).toFixed(milliseconds < 9_950 ? 2 : 1)} s`;
