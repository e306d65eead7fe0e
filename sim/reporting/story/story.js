// Play a history: the map, what is said of a step, the sizes up to it, and who is where. Nothing later is shown.
const PERIOD = 400; // milliseconds between steps
const REST = 2600; // milliseconds at a step at which something is said
const LINES = 4; // events of a step that are said
const find = (id) => document.getElementById(id);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const data = JSON.parse(find('data').textContent);
const last = data.months.length - 1;
const moves = Object.groupBy ? Object.groupBy(data.moves, ([step]) => step) : data.moves.reduce((found, move) => {
  (found[move[0]] ??= []).push(move);
  return found;
}, {});
const steps = [...new Set([0, ...all('#timeline button').map((one) => Number(one.dataset.step)), last])].sort((a, b) => a - b);
const rows = all('#members tbody tr');
const places = data.states.map((_, n) => all(`.scene [data-state="${n}"]`));
const map = find('map');
let [now, shown, timer] = [0, [...data.start], 0];

const element = (tag, parts, ...children) => {
  const one = Object.assign(document.createElement(tag), parts);
  one.append(...children);
  return one;
};

// Where every state is at a step.
function alignmentAt(step) {
  const found = [...data.start];
  for (const [when, state, to] of data.moves) {
    if (when > step) break;
    found[state] = to;
  }
  return found;
}

const labelOf = (n) => `${data.states[n]}: ${data.places[shown[n]]}`;

// Colour the states that have changed, and name their new places.
function showAlignment(step) {
  const before = shown;
  shown = alignmentAt(step);
  const movers = new Set((moves[step] ?? []).map(([, state]) => state));
  shown.forEach((k, n) => {
    for (const one of places[n]) {
      one.classList.toggle('moved', movers.has(n));
      if (k === before[n]) continue;
      const onMap = one.closest('#map');
      one.setAttribute('fill', `url(#${onMap ? 'land' : 'fill'}${k})`);
      if (onMap) one.setAttribute('aria-label', labelOf(n));
      one.querySelector('.mark use')?.setAttribute('href', `#mark${k}`);
    }
    if (k !== before[n]) for (const one of all(`[data-place="${n}"]`)) one.textContent = data.places[k];
  });
  return movers;
}

// Say what happens at a step; the reader of a screen hears it when the history rests.
function showSentence(step) {
  const said = data.said[step] ?? [['No state moves.', '']];
  const count = (moves[step] ?? []).length;
  const lines = !data.said[step] && count ? [[`${count} states change alignment.`, '']] : [...said];
  find('now').setAttribute('aria-live', timer && !data.said[step] ? 'off' : 'polite');
  const rest = lines.length - LINES;
  if (rest > 0) lines.splice(LINES, rest, [`${rest} more events are in the list.`, '']);
  find('now').replaceChildren(...lines.map(([what, why], n) => element('p', {},
    ...(n ? [] : [element('strong', { textContent: `${data.months[step]}. ` })]), what,
    ...(why ? [' ', element('span', { className: 'soft', textContent: why })] : []))));
}

// Uncover the chart up to a step, and show the sizes and the members then.
function showSizes(step, movers) {
  find('until-now').setAttribute('width', data.column * (step + 1));
  const labels = data.labels.findLast(([since]) => since <= step)[1];
  const chart = document.querySelector('.sizes.upto');
  labels.forEach((label, k) => {
    const text = chart.querySelector(`[data-band="${k}"]`);
    text.setAttribute('visibility', label ? 'visible' : 'hidden');
    if (!label) return;
    text.setAttribute('y', label[1] + 4);
    text.querySelector('.share').textContent = label[0];
  });
  const words = labels.map((label, k) => label && `${data.places[k]} ${label[0]}`).filter(Boolean).join(', ');
  chart.setAttribute('aria-label', `Shares of all capability, ${data.months[step]}: ${words}`);
  rows.forEach((row, k) => {
    const inside = data.states.map((name, n) => [name, n]).filter(([, n]) => shown[n] === k)
      .sort(([a], [b]) => (a < b ? -1 : 1));
    const names = inside.flatMap(([name, n], place) => [
      ...(place ? [', '] : []), movers.has(n) ? element('strong', { textContent: `${name} (new)` }) : name]);
    row.cells[1].textContent = labels[k]?.[0] ?? '–';
    row.cells[2].textContent = inside.length;
    row.cells[3].replaceChildren(...(names.length ? names : ['–']));
  });
}

// Mark the events of the step in the timeline, and bring the first of them into its view.
function showTimeline(step) {
  let current = null;
  for (const button of all('#timeline button')) {
    const at = Number(button.dataset.step);
    button.parentElement.classList.toggle('past', at <= step);
    if (at === step) button.setAttribute('aria-current', 'step');
    else button.removeAttribute('aria-current');
    if (at <= step && at !== current?.step) current = { step: at, place: button.parentElement };
  }
  const list = find('timeline');
  if (!list || !current) return;
  const above = current.place.offsetTop - list.offsetTop; // of the first event of the step
  const seen = above >= list.scrollTop && above + current.place.offsetHeight <= list.scrollTop + list.clientHeight;
  if (!seen) list.scrollTop = above - 40;
}

function show(step) {
  now = step;
  const movers = showAlignment(step);
  showSentence(step);
  showSizes(step, movers);
  showTimeline(step);
  for (const id of ['month', 'members-month']) find(id).textContent = data.months[step];
  find('step').value = step;
  find('step').setAttribute('aria-valuetext', data.months[step]);
  find('earlier').disabled = step === 0;
  find('later').disabled = step === last;
}

function pause() {
  clearTimeout(timer);
  timer = 0;
  find('play').textContent = 'Play';
}

function goTo(step) {
  pause();
  show(Math.min(Math.max(step, 0), last));
}

// Show the next step, and rest longer where something happens.
function advance() {
  show(now + 1);
  if (now === last) pause();
  else timer = setTimeout(advance, data.said[now] ? REST : PERIOD);
}

function play() {
  if (timer) return goTo(now);
  if (now === last) show(0);
  timer = setTimeout(advance, PERIOD);
  find('play').textContent = 'Pause';
}

find('play').onclick = play;
find('step').oninput = (event) => goTo(Number(event.target.value));
find('earlier').onclick = () => goTo(steps.findLast((step) => step < now) ?? 0);
find('later').onclick = () => goTo(steps.find((step) => step > now) ?? last);
for (const button of all('#timeline button')) {
  button.onclick = () => goTo(Number(button.dataset.step));
  const tick = element('div', { className: `tick ${button.parentElement.className}` });
  tick.style.left = `${(100 * button.dataset.step) / last}%`;
  find('strip').append(tick);
}

// Names on the map: by pointer, by touch, and by arrow keys in the order of the alphabet.
function nameState(one) {
  for (const other of all('.named', map)) other.classList.remove('named');
  find('name').hidden = !one;
  if (!one) return;
  one.classList.add('named');
  find('name').textContent = labelOf(Number(one.dataset.state));
  const [box, place, ground] = [find('name'), one.getBoundingClientRect(), map.getBoundingClientRect()];
  const x = (Math.max(place.left, ground.left) + Math.min(place.right, ground.right)) / 2 - ground.left;
  const y = Math.min(place.bottom, ground.bottom) - ground.top;
  box.style.left = `${Math.min(Math.max(x - box.offsetWidth / 2, 0), ground.width - box.offsetWidth)}px`;
  box.style.top = `${Math.min(y + 4, ground.height - box.offsetHeight)}px`;
}

if (map) {
  const options = all('[role=option]', map)
    .sort((a, b) => (data.states[a.dataset.state] < data.states[b.dataset.state] ? -1 : 1));
  const choose = (one) => {
    for (const other of options) other.tabIndex = other === one ? 0 : -1;
    one.focus({ preventScroll: true });
  };
  options[0].tabIndex = 0;
  map.addEventListener('pointerover', (event) => nameState(event.target.closest('.state')));
  map.addEventListener('pointerleave', () => nameState(null));
  map.addEventListener('focusin', (event) => nameState(event.target.closest('.state')));
  map.addEventListener('focusout', () => nameState(null));
  map.addEventListener('click', (event) => event.target.closest('.state') && choose(event.target.closest('.state')));
  map.addEventListener('keydown', (event) => {
    const at = options.indexOf(document.activeElement);
    const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    choose(options.at(to % options.length));
  });
}

show(0);
