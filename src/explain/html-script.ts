/** What the page does when it is clicked or typed at. Text from the program reaches it as data and is shown with textContent only. */
export const SCRIPT = `
'use strict';
const data = JSON.parse(document.getElementById('data').textContent);
const root = document.documentElement;
root.classList.add('js');
const $ = (id) => document.getElementById(id);
const count = data.steps.length;
/** What stands for each step in the two pictures: rows and marks. */
const parts = data.steps.map(() => ({ rows: {}, all: [] }));
for (const view of ['brief', 'full']) {
  for (const row of $(view).querySelectorAll('.row')) {
    parts[row.dataset.step].rows[view] = row;
    parts[row.dataset.step].all.push(row);
  }
  for (const mark of $(view).querySelectorAll('[data-mark]')) parts[mark.dataset.mark].all.push(mark);
}
let view = 'brief';
let misses = new Set();
let at = -1;
let timer = 0;
/** Until then the page stays at its top, where the story begins, unless an address asks for a step. */
let opened = location.hash !== '';

const make = (tag, className, text) => {
  const e = document.createElement(tag);
  if (className) e.className = className;
  if (text !== undefined) e.textContent = text;
  return e;
};

function showNamespaces(index) {
  const box = $('ns');
  box.replaceChildren(...data.namespaces.map((name, i) => {
    const change = data.changes.filter((c) => c.namespace === name && c.step <= index).pop();
    const cell = make('div', change ? 'own' + (change.step === index ? ' now' : '') : '');
    cell.style.setProperty('--h', data.hues[i]);
    cell.append(make('b', '', name), change ? change.becomes + ' \u00b7 ' + (change.step + 1) : 'the host\\'s');
    return cell;
  }));
}

function showMounts(index) {
  const snapshot = data.tables.filter((t) => t.step <= index).pop();
  const body = $('mounts').tBodies[0];
  const list = snapshot ? snapshot.ids : [];
  body.replaceChildren(...list.map((id) => {
    const m = data.mounts[id];
    const row = make('tr', (m.inside ? '' : 'host ') + (snapshot.step === index && !snapshot.before.includes(id) ? 'now' : ''));
    row.append(make('td', '', m.target), make('td', '', m.type === 'all' ? '' : m.type), make('td', '', m.source), make('td', '', m.options.join(',')));
    return row;
  }));
  $('mount-count').textContent = list.length === 1 ? '1 mount' : list.length + ' mounts';
  if (opened) body.querySelector('.now')?.scrollIntoView({ block: 'nearest', behavior: 'instant' });
}

function showConfig(index) {
  const range = data.steps[index].lines;
  $('config-part').hidden = !range;
  $('config-none').hidden = !!range;
  const lines = $('config').children;
  for (let i = 0; i < lines.length; i++) lines[i].className = range && i >= range[0] && i <= range[1] ? 'hit' : '';
  if (range) $('config').scrollTop = lines[range[0]].offsetTop - 40;
}

/** Brings a row to the middle of the picture, unless it is in sight. */
function reveal(row) {
  if (!opened) return;
  const box = row.getBoundingClientRect();
  const panel = getComputedStyle($('panel')).position === 'fixed' ? $('panel').getBoundingClientRect().top : innerHeight;
  const top = document.querySelector('.titles').getBoundingClientRect().bottom;
  if (box.top >= top && box.bottom <= panel) return;
  scrollBy({ top: box.top - (Math.max(0, Math.min(top, 120)) + panel) / 2, behavior: 'instant' });
}

function pick(index, focus) {
  if (!(index >= 0 && index < count)) return;
  if (!parts[index].rows[view]) show('full');
  if (at >= 0) for (const part of parts[at].all) {
    part.classList.remove('picked');
    part.removeAttribute('aria-current');
  }
  at = index;
  for (const part of parts[at].all) part.classList.add('picked');
  const row = parts[at].rows[view];
  row.setAttribute('aria-current', 'step');
  $('detail').replaceChildren(...document.querySelector('#step-' + (at + 1)).cloneNode(true).childNodes);
  showNamespaces(at);
  showMounts(at);
  showConfig(at);
  $('panel').scrollTop = 0;
  if (focus) row.focus({ preventScroll: true });
  reveal(row);
  history.replaceState(null, '', '#step-' + (at + 1));
}

/** The picture of all steps, or of the large ones. */
function show(which) {
  view = which;
  $('all').checked = which === 'full';
  root.classList.toggle('all', which === 'full');
  if (at < 0) return;
  const row = parts[at].rows[view];
  if (row) reveal(row);
  else move(-1) || move(1);
}

/** The next step in a direction that this picture has and the search does not hide. */
function move(by, focus = true) {
  for (let i = at + by; i >= 0 && i < count; i += by) {
    if (misses.has(i) || !parts[i].rows[view]) continue;
    pick(i, focus);
    return true;
  }
  return false;
}

function play(on) {
  clearInterval(timer);
  timer = 0;
  $('play').textContent = on ? '\\u23f8 Pause' : '\\u25b6 Play';
  $('play').setAttribute('aria-pressed', String(on));
  if (on) timer = setInterval(() => move(1) || play(false), 1800);
}

function search() {
  const words = $('search').value.toLowerCase().split(/\\s+/).filter(Boolean);
  misses = new Set(data.steps.flatMap((s, i) => words.every((w) => s.text.includes(w)) ? [] : [i]));
  parts.forEach((p, i) => p.all.forEach((part) => part.classList.toggle('miss', misses.has(i))));
  $('hits').textContent = words.length ? count - misses.size + ' of ' + count : '';
  // A hit among the small steps would not be seen otherwise.
  if (words.length && data.steps.some((s, i) => s.minor && !misses.has(i)) && !data.steps.some((s, i) => !s.minor && !misses.has(i))) show('full');
}

parts.forEach((part, i) => Object.values(part.rows).forEach((row) => row.addEventListener('click', (event) => {
  event.preventDefault();
  play(false);
  pick(i, true);
})));
$('play').addEventListener('click', () => play(!timer));
$('back').addEventListener('click', () => { play(false); move(-1); });
$('forth').addEventListener('click', () => { play(false); move(1); });
$('search').addEventListener('input', search);
$('all').addEventListener('change', () => show($('all').checked ? 'full' : 'brief'));
document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target === $('search');
  if (typing) {
    if (event.key === 'Escape') { $('search').value = ''; search(); event.target.blur(); }
    else if (event.key === 'Enter') {
      event.preventDefault();
      for (let i = 1; i <= count; i++) {
        const next = (at + i) % count;
        if (!misses.has(next) && parts[next].rows[view]) { pick(next); break; }
      }
    }
    return;
  }
  const inPanel = $('panel').contains(event.target);
  const onButton = event.target.tagName === 'BUTTON' || event.target.tagName === 'INPUT';
  const actions = {
    j: () => move(1), k: () => move(-1), '/': () => $('search').focus(),
    ...(inPanel ? {} : { ArrowDown: () => move(1), ArrowUp: () => move(-1), Home: () => pick(data.steps.findIndex((_, i) => parts[i].rows[view]), true), End: () => pick(data.steps.findLastIndex((_, i) => parts[i].rows[view]), true) }),
    ...(onButton || inPanel ? {} : { ' ': () => { play(!timer); return true; } }),
  };
  const action = actions[event.key];
  if (!action) return;
  event.preventDefault();
  if (event.key !== ' ') play(false);
  action();
});
addEventListener('hashchange', () => pick(Number(location.hash.slice(6)) - 1));
const wanted = Number(location.hash.slice(6)) - 1;
pick(data.steps[wanted] ? wanted : data.steps.findIndex((s) => !s.minor));
opened = true;
`.trim();
