/** What the page does when it is clicked or typed at. Text from the program reaches it as data and is shown with textContent only. */
export const SCRIPT = `
'use strict';
const data = JSON.parse(document.getElementById('data').textContent);
const root = document.documentElement;
root.classList.add('js');
const $ = (id) => document.getElementById(id);
const rows = [...document.querySelectorAll('.row')];
let at = -1;
let timer = 0;

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
    cell.append(make('b', '', name), change ? change.becomes + ', step ' + (change.step + 1) : 'the host\\'s');
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
  body.querySelector('.now')?.scrollIntoView({ block: 'nearest', behavior: 'instant' });
}

function showConfig(index) {
  const range = data.steps[index].lines;
  $('config-part').hidden = !range;
  $('config-none').hidden = !!range;
  const lines = $('config').children;
  for (let i = 0; i < lines.length; i++) lines[i].className = range && i >= range[0] && i <= range[1] ? 'hit' : '';
  if (range) $('config').scrollTop = lines[range[0]].offsetTop - 40;
}

function pick(index, focus, behavior) {
  if (index < 0 || index >= rows.length) return;
  if (at >= 0) {
    rows[at].classList.remove('picked');
    rows[at].removeAttribute('aria-current');
    $('mark-' + at).classList.remove('picked');
  }
  at = index;
  const row = rows[at];
  row.classList.add('picked');
  row.setAttribute('aria-current', 'step');
  $('mark-' + at).classList.add('picked');
  const body = document.querySelector('#step-' + (at + 1)).cloneNode(true);
  $('detail').replaceChildren(...body.childNodes);
  showNamespaces(at);
  showMounts(at);
  showConfig(at);
  $('panel').scrollTop = 0;
  if (focus) row.focus({ preventScroll: true });
  row.scrollIntoView({ block: 'nearest', ...(behavior ? { behavior } : {}) });
  history.replaceState(null, '', '#step-' + (at + 1));
}

/** The next row in a direction that the search does not hide. */
function move(by, skipSmall) {
  for (let i = at + by; i >= 0 && i < rows.length; i += by) {
    if (rows[i].classList.contains('miss') || (skipSmall && data.steps[i].minor)) continue;
    pick(i, true);
    return true;
  }
  return false;
}

function play(on) {
  clearInterval(timer);
  timer = 0;
  $('play').textContent = on ? '\\u23f8 Pause' : '\\u25b6 Play';
  $('play').setAttribute('aria-pressed', String(on));
  if (!on) return;
  if (at === rows.length - 1) pick(0, true);
  timer = setInterval(() => move(1, $('skip').checked) || play(false), 1600);
}

function search() {
  const words = $('search').value.toLowerCase().split(/\\s+/).filter(Boolean);
  let hits = 0;
  rows.forEach((row, i) => {
    const hit = words.every((w) => data.steps[i].text.includes(w));
    row.classList.toggle('miss', !hit);
    $('mark-' + i).style.opacity = hit ? '' : '.2';
    hits += hit;
  });
  $('hits').textContent = words.length ? hits + ' of ' + rows.length : '';
}

rows.forEach((row, i) => row.addEventListener('click', (event) => {
  event.preventDefault();
  play(false);
  pick(i, true);
}));
$('play').addEventListener('click', () => play(!timer));
$('back').addEventListener('click', () => { play(false); move(-1); });
$('forth').addEventListener('click', () => { play(false); move(1); });
$('search').addEventListener('input', search);
document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target === $('search');
  if (typing) {
    if (event.key === 'Escape') { $('search').value = ''; search(); event.target.blur(); }
    else if (event.key === 'Enter') { event.preventDefault(); if (!move(1)) { at = -1; move(1); } event.target.focus(); }
    return;
  }
  const inPanel = $('panel').contains(event.target);
  const onButton = event.target.tagName === 'BUTTON' || event.target.tagName === 'INPUT';
  const actions = {
    j: () => move(1), k: () => move(-1), '/': () => $('search').focus(),
    ...(inPanel ? {} : { ArrowDown: () => move(1), ArrowUp: () => move(-1), Home: () => pick(0, true), End: () => pick(rows.length - 1, true) }),
    ...(onButton || inPanel ? {} : { ' ': () => { play(!timer); return true; } }),
  };
  const action = actions[event.key];
  if (!action) return;
  event.preventDefault();
  if (event.key !== ' ') play(false);
  action();
});
addEventListener('hashchange', () => pick(Number(location.hash.slice(6)) - 1));
pick(Math.max(0, Math.min(rows.length - 1, (Number(location.hash.slice(6)) || 1) - 1)), false, 'instant');
`.trim();
