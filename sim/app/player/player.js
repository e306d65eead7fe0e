// Play a run in the browser. The server sends all steps once; the browser sends back the step when play pauses.
const PERIOD = 400; // milliseconds between steps
const SEND_DELAY = 100; // milliseconds without a step before the step is sent to the server

const element = (tag, parts, ...children) => {
  const one = Object.assign(document.createElement(tag), parts);
  one.append(...children);
  return one;
};

const parseSvg = (svg) => document.importNode(new DOMParser().parseFromString(svg, 'image/svg+xml').documentElement, true);

// Draw what is the same at every step of a run.
function drawRun(player) {
  const { data, find } = player;
  find('input').max = data.alignment.length - 1;
  find('.length').textContent = data.label;
  player.pictures = [];
  for (const [name, picture] of Object.entries(data.pictures)) {
    const place = find(`[data-picture=${name}]`);
    place.hidden = !picture;
    if (!picture) continue;
    const svg = parseSvg(picture.svg);
    svg.setAttribute('role', 'img');
    svg.setAttribute('aria-label', picture.description);
    place.firstElementChild.replaceChildren(svg);
    if (picture.caption) place.querySelector('figcaption').textContent = picture.caption;
    if (picture.description.includes('{step}')) player.pictures.push([svg, picture.description]);
  }
  player.places = data.states.map(() => []);
  player.titles = data.states.map(() => []);
  for (const one of player.root.querySelectorAll('figure [data-state]')) {
    const title = document.createElementNS('http://www.w3.org/2000/svg', 'title');
    one.prepend(title);
    one.onclick = () => player.chooseState(data.ids[one.dataset.state]);
    player.places[one.dataset.state].push(one);
    player.titles[one.dataset.state].push(title);
  }
  find('.why h2').textContent = data.heading;
  player.rows = data.alignments.map((textContent) => {
    const cells = [0, 1, 2].map(() => element('td', {}));
    element('tr', {}, element('th', { scope: 'row', textContent }), ...cells);
    return cells;
  });
  find('.members tbody').replaceChildren(...player.rows.map(([cell]) => cell.parentElement));
  player.cursors = data.charts.map(({ frame: [, , top, bottom] }) => {
    const cursor = element('div', { className: 'cursor' });
    Object.assign(cursor.style, { top: `${100 * top}%`, height: `${100 * (bottom - top)}%` });
    return cursor;
  });
  player.covers = data.charts.map(({ frame: [, right, top, bottom] }) => {
    const cover = element('div', { className: 'cover' });
    Object.assign(cover.style, { top: `${100 * top}%`, height: `${100 * (bottom - top)}%`, right: `${100 * (1 - right)}%` });
    return cover;
  });
  find('.charts').replaceChildren(...data.charts.map((chart, n) => {
    const image = element('img', { alt: chart.description, src: `data:image/svg+xml,${encodeURIComponent(chart.svg)}` });
    const caption = element('figcaption', { textContent: chart.caption });
    return element('figure', {}, element('div', { className: 'chart' }, image, player.covers[n], player.cursors[n]), caption);
  }));
  player.names = [...player.root.querySelectorAll('[data-name]')];
  player.shown = '';
  player.happened = -1;
}

const byName = (names) => [...names].sort((one, other) => one.localeCompare(other, 'en'));

const write = (node, text) => { if (node.textContent !== text) node.textContent = text; };

// Show why the chosen state is where it is, and what has happened so far.
function showReasons(player) {
  const { data, step, find } = player;
  const reason = data.reasons[step];
  if (player.reason !== reason) {
    player.reason = reason;
    write(find('.words'), reason.words);
    find('.bars').hidden = !reason.bars.length;
    write(find('.bars caption'), reason.against ?? '');
    const most = Math.max(...reason.bars.map(([, value]) => Math.abs(value)));
    find('.bars tbody').replaceChildren(...reason.bars.map(([words, value, chance]) => {
      const width = (50 * Math.abs(value)) / most;
      const bar = element('i', { className: chance ? 'chance' : '' });
      const background = data.colours[reason.between[value < 0 ? 1 : 0]];
      Object.assign(bar.style, { width: `${width}%`, left: `${value < 0 ? 50 - width : 50}%`, background });
      const said = element('span', { className: 'hidden', textContent: `${value > 0 ? '+' : ''}${value}` });
      const cell = element('td', { title: said.textContent }, element('span', { className: 'bar' }, bar), said);
      return element('tr', {}, element('th', { scope: 'row', textContent: words }), cell);
    }));
  }
  const happened = data.events.filter((event) => event.step <= step);
  find('.quiet').hidden = happened.length > 0;
  if (player.happened !== happened.length) {
    player.happened = happened.length;
    find('.events').replaceChildren(...happened.map((event) => {
      const button = element('button', { type: 'button', textContent: event.what, onclick: () => goTo(player, event.step) });
      return element('li', {}, button, element('span', { textContent: event.why }));
    }));
  }
  const ghost = find('.ghosted');
  ghost.hidden = !data.ghost;
  if (!data.ghost) return;
  const now = data.alignment[step], other = data.ghost.alignment[Math.min(step, data.ghost.alignment.length - 1)];
  const apart = data.states.flatMap((name, n) => (now[n] === other[n] ? [] : [`${name} (${data.alignments[other[n]]} there)`]));
  write(ghost, apart.length ? `Elsewhere than in ${data.ghost.name}: ${byName(apart).join(', ')}.` : `As in ${data.ghost.name} now.`);
}

// Show a step. Only what has changed is updated, because several pages may share a small machine.
function showStep(player) {
  const { data, step, find } = player;
  const [now, before] = [data.alignment[step], data.alignment[Math.max(step - 1, 0)]];
  find('input').value = step;
  find('[role=status]').setAttribute('aria-live', player.timer ? 'off' : 'polite');
  const ends = data.dates.length ? `, ${data.dates[step]}` : '';
  write(find('[role=status]'), `Step ${step} of ${data.alignment.length - 1}${ends}`);
  data.states.forEach((_, n) => {
    if (now[n] === player.shown[n]) return;
    for (const one of player.places[n]) {
      const { look, only } = one.dataset;
      if (look) one.setAttribute('fill', `url(#${look}${now[n]})`);
      else one.style.display = only === now[n] ? '' : 'none';
    }
    for (const title of player.titles[n]) title.textContent = `${data.states[n]}: ${data.alignments[now[n]]}`;
  });
  player.shown = now;
  const named = new Set(data.named[step].map(String));
  for (const one of player.names) one.style.display = named.has(one.dataset.name) ? '' : 'none';
  find('.charts').hidden = step === 0;
  find('.uncharted').hidden = step > 0;
  for (const [svg, description] of player.pictures) svg.setAttribute('aria-label', description.replace('{step}', step));
  player.rows.forEach(([capability, states, joined], k) => {
    const inside = byName(data.states.filter((_, n) => now[n] === String(k)));
    const moved = byName(data.states.filter((_, n) => now[n] === String(k) && before[n] !== now[n]));
    write(capability, data.capability[step][k].toFixed(3));
    write(states, `${inside.length}: ${inside.join(', ')}`);
    write(joined, moved.join(', ') || '–');
  });
  player.cursors.forEach((cursor, n) => {
    const { frame: [left, right], limits: [low, high] } = data.charts[n];
    cursor.style.left = `${100 * (left + (right - left) * (step - low) / (high - low))}%`;
    player.covers[n].style.left = cursor.style.left;
  });
  showReasons(player);
}

// Stop playing and send the step to the server, which updates the address and the reasons.
function pause(player) {
  clearInterval(player.timer);
  clearTimeout(player.timeout);
  player.timer = 0;
  player.timeout = setTimeout(() => player.root.isConnected && player.sendStep(player.step), SEND_DELAY);
}

function goTo(player, step) {
  pause(player);
  player.step = Math.min(Math.max(step, 0), player.data.alignment.length - 1);
  showStep(player);
}

function play(player) {
  const last = () => player.data.alignment.length - 1;
  clearInterval(player.timer);
  clearTimeout(player.timeout);
  if (player.step === last()) player.step = 0;
  player.timer = setInterval(() => {
    if (!player.root.isConnected) return clearInterval(player.timer);
    if (player.step + 1 >= last()) return goTo(player, last());
    player.step += 1;
    showStep(player);
  }, PERIOD);
  showStep(player);
}

function createPlayer(root, step) {
  const player = { root, step, timer: 0, timeout: 0, find: (selector) => root.querySelector(selector) };
  const actions = {
    play: () => play(player), pause: () => goTo(player, player.step),
    step: () => goTo(player, player.step + 1),
    next: () => goTo(player, player.data.events.find((event) => event.step > player.step)?.step ?? Infinity),
    reset: () => goTo(player, 0),
  };
  for (const button of root.querySelectorAll('.buttons button')) button.onclick = actions[button.dataset.do];
  player.find('input').oninput = (event) => goTo(player, Number(event.target.value));
  return player;
}

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const root = parentElement.querySelector('section');
  const player = (root.player ??= createPlayer(root, data.first));
  player.sendStep = (step) => setStateValue('step', step);
  player.chooseState = (id) => setTriggerValue('chosen', id);
  if (player.data?.run === data.run) return;
  player.data = data;
  player.step = Math.min(player.step, data.alignment.length - 1);
  drawRun(player);
  showStep(player);
}
