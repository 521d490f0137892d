// Keeps the page that the server has sent up to date. Every text goes in by textContent; nothing is built from
// strings of HTML, except parts that the server itself has rendered and escaped.
'use strict';

const one = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => root.querySelectorAll(selector);
const EVENTS = 100;

// ---- look

{
  const button = one('#theme');
  const system = matchMedia('(prefers-color-scheme: dark)');
  const dark = () => (document.documentElement.dataset.theme ?? (system.matches ? 'dark' : 'light')) === 'dark';
  const label = () => { button.textContent = dark() ? 'Light' : 'Dark'; };
  button.hidden = false;
  label();
  system.addEventListener('change', label);
  button.addEventListener('click', () => {
    const theme = dark() ? 'light' : 'dark';
    document.documentElement.dataset.theme = theme;
    localStorage.setItem('theme', theme);
    label();
  });
}

// ---- time: the server's clock, as far as it has told us

let ahead = Number(one('#standing')?.dataset.at ?? Date.now()) - Date.now();
const now = () => Date.now() + ahead;

// As the server writes it: 6.7s, 4m05s, 1h02m03s.
function lasted(ms) {
  const two = (n) => String(n).padStart(2, '0');
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s >= 3600) return `${Math.floor(s / 3600)}h${two(Math.floor(s / 60) % 60)}m${two(s % 60)}s`;
  if (s >= 60) return `${Math.floor(s / 60)}m${two(s % 60)}s`;
  return `${s}.${Math.floor((Math.max(0, ms) % 1000) / 100)}s`;
}

function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function turn() {
  if (document.hidden) return;
  for (const element of all('[data-since]')) put(element, lasted(now() - Number(element.dataset.since)));
  for (const element of all('[data-due]')) {
    const left = Number(element.dataset.due) - now();
    put(element, left > 0 ? lasted(left) : 'now');
  }
}
setInterval(turn, 1000);

// ---- what stands

// A quiet word for screen readers: of states that somebody waits for, and no more often than it can be said. A call
// goes through ten states; whoever wants all of them finds them in the tiles.
const TOLD = new Set(['ringing', 'online', 'faulted', 'busied-out']);
const BREATH = 5000;
let waiting = [];
let speaking = false;
function say(text) {
  waiting.push(text);
  if (speaking) return;
  speaking = true;
  setTimeout(() => {
    const more = waiting.length > 4 ? `, and ${waiting.length - 4} more` : '';
    put(one('#said'), waiting.slice(0, 4).join(', ') + more);
    waiting = [];
    speaking = false;
  }, BREATH);
}

const lines = one('#lines');
const tiles = new Map();
for (const tile of all('[data-line]', lines ?? document.createElement('ul'))) tiles.set(tile.dataset.line, tile);

function field(root, name, text) {
  for (const element of all(`[data-field="${name}"]`, root)) put(element, text ?? '');
}

function link(element, id) {
  put(element, id);
  if (/^[csp]\d+$/.test(id)) element.href = `/calls/${id}`;
  else {
    // Without an address it can't have the focus any more: what is around it takes it.
    if (element === document.activeElement) element.closest('[tabindex]')?.focus({ preventScroll: true });
    element.removeAttribute('href');
  }
}

function drawLine(line) {
  let tile = tiles.get(line.line);
  if (!tile) {
    tile = one('#line-template').content.firstElementChild.cloneNode(true);
    tile.dataset.line = line.line;
    for (const input of all('input[name="line"]', tile)) input.value = line.line;
    field(tile, 'line', line.line);
    lines.append(tile);
    tiles.set(line.line, tile);
  }
  if (tile.dataset.state !== line.state) {
    if (TOLD.has(line.state) && tile.dataset.state) say(`${line.line} ${line.state}`);
    tile.dataset.state = line.state;
  }
  field(tile, 'state', line.state);
  field(tile, 'number', line.number);
  field(tile, 'detail', line.detail);
  field(tile, 'who', line.call?.who);
  link(one('[data-field="call"]', tile), line.call ? `c${line.call.call}` : '');
  const since = one('[data-since]', tile);
  since.dataset.since = line.since_ms;
  put(since, lasted(now() - line.since_ms));
}

function drawTotals() {
  const counts = new Map();
  for (const tile of tiles.values()) counts.set(tile.dataset.state, (counts.get(tile.dataset.state) ?? 0) + 1);
  const items = [...counts].sort((a, b) => b[1] - a[1]).map(([state, count]) => {
    const item = document.createElement('li');
    const figure = document.createElement('b');
    item.dataset.state = state;
    figure.textContent = count;
    item.append(figure, ` ${state}`);
    return item;
  });
  one('#totals').replaceChildren(...items);
}

function drawPromises(promises) {
  const table = one('#promises');
  const rows = promises.map((promise) => {
    const id = `p${promise.promise}`;
    const row = one(`[data-promise="${id}"]`, table)
      ?? one('#promise-template').content.firstElementChild.cloneNode(true);
    row.dataset.promise = id;
    for (const input of all('input[name="promise"]', row)) input.value = id;
    link(one('[data-field="promise"]', row), id);
    field(row, 'user', promise.user);
    field(row, 'number', promise.numbers.join(', '));
    field(row, 'state', promise.state);
    one('[data-field="state"]', row).dataset.state = promise.state;
    field(row, 'tries', `${promise.failed}/${promise.tries}`);
    const due = one('td.figure:not([data-field])', row);
    if (promise.due_ms === null) {
      delete due.dataset.due;
      put(due, '–');
    } else {
      due.dataset.due = promise.due_ms;
      put(due, lasted(promise.due_ms - now()));
    }
    return row;
  });
  const body = one('tbody', table);
  const gone = [...body.children].filter((row) => !rows.includes(row));
  const orphan = gone.some((row) => row.contains(document.activeElement));
  for (const row of gone) row.remove();
  // A row that stays where it is keeps the focus: one that is put in again loses it.
  rows.forEach((row, place) => {
    if (body.children[place] !== row) body.insertBefore(row, body.children[place] ?? null);
  });
  table.parentElement.hidden = rows.length === 0;
  one('#no-promises').hidden = rows.length > 0;
  if (orphan) one('#promises-title').focus({ preventScroll: true });
}

function stands({ at, lines: some, gone, promises, rest }, whole) {
  if (whole || rest) renewAfter('standing');
  ahead = at.unix_ms - Date.now();
  if (!lines) return;
  if (whole) {
    const names = new Set(some.map((line) => line.line));
    gone = [...tiles.keys()].filter((name) => !names.has(name));
  }
  for (const name of gone ?? []) {
    const tile = tiles.get(name);
    const orphan = tile?.contains(document.activeElement);
    tile?.remove();
    if (orphan) one('#main').focus({ preventScroll: true });
    tiles.delete(name);
  }
  for (const line of some) drawLine(line);
  drawTotals();
  if (promises) drawPromises(promises);
}

// ---- what happens

function happened(told) {
  const list = one('#events');
  if (!list) return;
  const item = one('#event-template').content.firstElementChild.cloneNode(true);
  item.dataset.tone = told.tone;
  const [day, time] = told.time.split(' ');
  const at = one('time', item);
  at.textContent = time ?? day;
  at.title = told.time;
  field(item, 'line', told.line === '-' ? '' : told.line);
  link(one('[data-field="id"]', item), told.id === '-' ? '' : told.id);
  field(item, 'text', told.text);
  list.prepend(item);
  // Nobody's link is taken away while he stands on it.
  while (list.children.length > EVENTS && !list.lastElementChild.contains(document.activeElement)) {
    list.lastElementChild.remove();
  }
}

// Parts that the server renders anew after an event: at once, and then once for all that come meanwhile.
const parts = [...all('[data-src]')].map((element) => ({ element, state: 'fresh' }));

// Where the focus is within a part, so that it is found again in the part's next edition.
function focused(root) {
  const element = document.activeElement;
  if (!root.contains(element)) return null;
  const word = ['href', 'aria-label', 'id'].find((name) => element.hasAttribute(name));
  const same = word ? `${element.localName}[${word}="${CSS.escape(element.getAttribute(word))}"]` : element.localName;
  return { same, place: [...all(same, root)].indexOf(element) };
}

function exchange(root, nodes) {
  const at = focused(root);
  const moved = [...all('.scroll', root)].map((region) => region.scrollLeft);
  root.replaceChildren(...nodes);
  all('.scroll', root).forEach((region, place) => { region.scrollLeft = moved[place] ?? 0; });
  if (!at) return;
  const found = all(at.same, root);
  (found[at.place] ?? found[0] ?? one('#main')).focus({ preventScroll: true });
}

async function renew(part) {
  if (part.state !== 'fresh') {
    part.state = 'stale';
    return;
  }
  part.state = 'asking';
  try {
    const answer = await fetch(part.element.dataset.src);
    if (answer.status === 401) location.assign('/login');
    if (answer.ok) {
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      const own = page.getElementById(part.element.id);
      const fresh = own ?? page.body;
      // What is the same stays: nothing is read out twice, and nothing loses the focus.
      const same = fresh.innerHTML === part.element.innerHTML;
      const open = [...all('details', part.element)].map((details) => details.open);
      if (!same) exchange(part.element, fresh.childNodes);
      all('details', part.element).forEach((details, place) => { details.open = open[place] ?? false; });
    }
  } catch {
    // The stream tells that the server is gone.
  }
  await new Promise((done) => setTimeout(done, 500));
  const again = part.state === 'stale';
  part.state = 'fresh';
  if (again) renew(part);
}

function renewAfter(event) {
  for (const part of parts) {
    const on = part.element.dataset.on;
    if (on === '*' || on === event) renew(part);
  }
}

// ---- the stream

function server(running, why) {
  const element = one('#server');
  element.dataset.running = running;
  put(element, running ? 'live' : why);
}

// A stream that was cut is taken up again by the browser; one that was answered with a no is not.
const AGAIN = 5000;

async function refused() {
  try {
    const { status } = await fetch('/api/v1/openapi.json', { method: 'HEAD' });
    if (status === 401) location.assign('/login');
  } catch {
    // It does not answer at all.
  }
  setTimeout(listen, AGAIN);
}

function listen() {
  const stream = new EventSource('/api/v1/events');
  stream.addEventListener('open', () => server(true));
  stream.addEventListener('error', () => {
    server(false, 'not connected');
    if (stream.readyState === EventSource.CLOSED) refused();
  });
  stream.addEventListener('snapshot', ({ data }) => stands(JSON.parse(data), true));
  stream.addEventListener('change', ({ data }) => stands(JSON.parse(data), false));
  stream.addEventListener('entry', ({ data }) => {
    const told = JSON.parse(data);
    happened(told);
    renewAfter(told.entry.event);
  });
  stream.addEventListener('missed', ({ data }) => {
    const { count } = JSON.parse(data);
    happened({ tone: 'notice', time: '', line: '-', id: '-', text: `${count} events are left out here: Calls has what they told` });
  });
  stream.addEventListener('server', ({ data }) => {
    const { running, why } = JSON.parse(data);
    server(running, 'server not running');
    if (!running) say(why);
  });
}
listen();

// ---- orders

let fading;

document.addEventListener('submit', async (event) => {
  const form = event.target;
  if (!form.dataset.order) return;
  event.preventDefault();
  // Once is enough: a second press would be a second order.
  if (form.ariaBusy === 'true') return;
  form.ariaBusy = 'true';
  const answer = one('#answer');
  let text;
  let good = false;
  let stays = false;
  try {
    const response = await fetch(form.getAttribute('action'), {
      method: 'POST',
      headers: { Accept: 'application/json' },
      body: new URLSearchParams(new FormData(form)),
    });
    const said = await response.json();
    good = response.ok;
    // A code has to be read, and told to somebody.
    stays = Boolean(said.code);
    text = said.reason ?? said.message ?? (said.promise ? `promised: p${said.promise}${said.code ? `; the code is ${said.code}` : ''}` : 'done');
  } catch {
    text = 'the dashboard does not answer';
  }
  form.ariaBusy = null;
  answer.dataset.tone = good ? 'good' : 'bad';
  answer.textContent = `${form.innerText.trim().split('\n')[0]}: ${text}`;
  clearTimeout(fading);
  // A refusal stays until the next order, like whatever has to be read and told to somebody.
  if (good && !stays) fading = setTimeout(() => { answer.textContent = ''; }, 15000);
});
