// Plays a run in the browser: the server sends every step once, and hears of the step only where the run rests.
const PERIOD = 400; // milliseconds from step to step
const QUIET = 100; // milliseconds without another step before the server is told

const made = (tag, parts, ...children) => {
  const one = Object.assign(document.createElement(tag), parts);
  one.append(...children);
  return one;
};

const drawn = (svg) => document.importNode(new DOMParser().parseFromString(svg, 'image/svg+xml').documentElement, true);

// What stays the same at every step of a run.
function lay(player) {
  const { data, find } = player;
  find('input').max = data.standing.length - 1;
  player.pictures = [];
  for (const [name, picture] of Object.entries(data.pictures)) {
    const place = find(`[data-picture=${name}]`);
    place.hidden = !picture;
    if (!picture) continue;
    const svg = drawn(picture.svg);
    svg.setAttribute('role', 'img');
    svg.setAttribute('aria-label', picture.says);
    place.firstElementChild.replaceChildren(svg);
    if (picture.caption) place.querySelector('figcaption').textContent = picture.caption;
    if (picture.says.includes('{step}')) player.pictures.push([svg, picture.says]);
  }
  player.places = data.states.map(() => []);
  for (const one of player.root.querySelectorAll('[data-state]')) player.places[one.dataset.state].push(one);
  player.rows = data.alignments.map((textContent) => {
    const cells = [0, 1, 2].map(() => made('td', {}));
    made('tr', {}, made('th', { scope: 'row', textContent }), ...cells);
    return cells;
  });
  find('tbody').replaceChildren(...player.rows.map(([cell]) => cell.parentElement));
  player.cursors = data.charts.map(({ frame: [, , top, bottom] }) => {
    const cursor = made('div', { className: 'cursor' });
    Object.assign(cursor.style, { top: `${100 * top}%`, height: `${100 * (bottom - top)}%` });
    return cursor;
  });
  find('.charts').replaceChildren(...data.charts.map((chart, n) => {
    const image = made('img', { alt: chart.says, src: `data:image/svg+xml,${encodeURIComponent(chart.svg)}` });
    const caption = made('figcaption', { textContent: chart.caption });
    return made('figure', {}, made('div', { className: 'chart' }, image, player.cursors[n]), caption);
  }));
  player.shown = '';
}

const write = (node, text) => { if (node.textContent !== text) node.textContent = text; };

// What differs from step to step; only what has changed is touched, as ten pages may share a small machine.
function show(player) {
  const { data, step, find } = player;
  const [held, before] = [data.standing[step], data.standing[Math.max(step - 1, 0)]];
  find('input').value = step;
  find('[role=status]').setAttribute('aria-live', player.timer ? 'off' : 'polite');
  write(find('[role=status]'), `Step ${step} of ${data.standing.length - 1}`);
  find('.note').hidden = !player.timer;
  data.states.forEach((_, n) => {
    if (held[n] === player.shown[n]) return;
    for (const one of player.places[n]) {
      const { look, only } = one.dataset;
      if (look) one.setAttribute('fill', `url(#${look}${held[n]})`);
      else one.style.display = only === held[n] ? '' : 'none';
    }
  });
  player.shown = held;
  for (const [svg, says] of player.pictures) svg.setAttribute('aria-label', says.replace('{step}', step));
  player.rows.forEach(([capability, states, came], k) => {
    const inside = data.states.filter((_, n) => held[n] === String(k));
    const moved = data.states.filter((_, n) => held[n] === String(k) && before[n] !== held[n]);
    write(capability, data.capability[step][k].toFixed(3));
    write(states, `${inside.length}: ${inside.join(', ')}`);
    write(came, moved.join(', ') || '–');
  });
  player.cursors.forEach((cursor, n) => {
    const { frame: [left, right], limits: [low, high] } = data.charts[n];
    cursor.style.left = `${100 * (left + (right - left) * (step - low) / (high - low))}%`;
  });
}

// Play no more, and tell the server the step, so that address and reasons follow.
function rest(player) {
  clearInterval(player.timer);
  clearTimeout(player.telling);
  player.timer = 0;
  player.telling = setTimeout(() => player.root.isConnected && player.tell(player.step), QUIET);
}

function go(player, step) {
  rest(player);
  player.step = Math.min(Math.max(step, 0), player.data.standing.length - 1);
  show(player);
}

function play(player) {
  const last = () => player.data.standing.length - 1;
  clearInterval(player.timer);
  clearTimeout(player.telling);
  if (player.step === last()) player.step = 0;
  player.timer = setInterval(() => {
    if (!player.root.isConnected) return clearInterval(player.timer);
    if (player.step + 1 >= last()) return go(player, last());
    player.step += 1;
    show(player);
  }, PERIOD);
  show(player);
}

function begun(root, step) {
  const player = { root, step, timer: 0, telling: 0, find: (selector) => root.querySelector(selector) };
  const deeds = {
    play: () => play(player), pause: () => go(player, player.step),
    step: () => go(player, player.step + 1), reset: () => go(player, 0),
  };
  for (const button of root.querySelectorAll('button')) button.onclick = deeds[button.dataset.do];
  player.find('input').oninput = (event) => go(player, Number(event.target.value));
  return player;
}

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector('section');
  const player = (root.player ??= begun(root, data.first));
  player.tell = (step) => setStateValue('step', step);
  if (player.data?.run === data.run) return;
  player.data = data;
  player.step = Math.min(player.step, data.standing.length - 1);
  lay(player);
  show(player);
}
