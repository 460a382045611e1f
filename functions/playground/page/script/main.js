// The page: its tabs, its key, and the list of models.

const tabs = {
  text: new TextTab(byId('panel-text')),
  chat: new ChatTab(byId('panel-chat')),
  image: new ImageTab(byId('panel-image')),
};
const heads = [...document.querySelectorAll('[role=tab]')];

function open(head) {
  for (const one of heads) {
    const is = one === head;
    one.setAttribute('aria-selected', String(is));
    one.tabIndex = is ? 0 : -1;
    byId(one.getAttribute('aria-controls')).hidden = !is;
  }
  history.replaceState(null, '', `#${head.id.slice('tab-'.length)}`);
}

for (const [index, head] of heads.entries()) {
  head.addEventListener('click', () => open(head));
  head.addEventListener('keydown', (event) => {
    const to = { ArrowRight: index + 1, ArrowLeft: index - 1 + heads.length, Home: 0, End: heads.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = heads[to % heads.length];
    next.focus();
    open(next);
  });
}
open(heads.find((head) => `#${head.id.slice('tab-'.length)}` === location.hash) ?? heads[0]);

async function list() {
  const notice = byId('notice');
  notice.hidden = true;
  try {
    const { document: answer } = await whole('v1/models');
    models = answer.data;
    notice.textContent = '';
  } catch (error) {
    const hint = error.status === 401 ? '\nType in an API key above.' : '';
    notice.textContent = `The list of models is not there. ${describe(error)}${hint}`;
    notice.className = 'error';
    notice.hidden = false;
  }
  for (const tab of Object.values(tabs)) {
    tab.model.fill();
    tab.changed();
  }
}

byId('key').value = key();
byId('access').addEventListener('submit', (event) => {
  event.preventDefault();
  sessionStorage.setItem(KEY, byId('key').value.trim());
  list();
});
list();
