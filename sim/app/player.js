// Plays a run in the browser: the server sends every step once, and hears of the step again when the run rests.
const PERIOD = 1000; // milliseconds from step to step
const QUIET = 150; // milliseconds without another step before the server is told

const made = (tag, parts, ...children) => {
  const one = Object.assign(document.createElement(tag), parts);
  one.append(...children);
  return one;
};

// A picture's markup is drawn by the server, which escapes every word in it.
function pictured(player, data) {
  for (const [name, picture] of Object.entries(data.pictures)) {
    const place = player.find(`[data-picture=${name}]`);
    place.hidden = !picture;
    if (!picture) continue;
    (name === 'key' ? place : place.firstElementChild).innerHTML = picture.svg;
    place.querySelector('svg').setAttribute('role', 'img');
    place.querySelector('svg').setAttribute('aria-label', picture.says);
    if (picture.caption) place.querySelector('figcaption').textContent = picture.caption;
  }
  player.find('.charts').replaceChildren(...data.charts.map((chart) => {
    const image = made('img', { alt: chart.says, src: `data:image/svg+xml,${encodeURIComponent(chart.svg)}` });
    const cursor = made('div', { className: 'cursor' });
    cursor.style.top = `${100 * chart.frame[2]}%`;
    cursor.style.height = `${100 * (chart.frame[3] - chart.frame[2])}%`;
    const caption = made('figcaption', { textContent: chart.caption });
    return made('figure', {}, made('div', { className: 'chart' }, image, cursor), caption);
  }));
}

// Everything that differs from step to step.
function show(player) {
  const { data, step } = player;
  const [held, before] = [data.standing[step], data.standing[Math.max(step - 1, 0)]];
  player.find('input').value = step;
  player.find('[role=status]').textContent = `Step ${step} of ${data.standing.length - 1}`;
  player.find('.note').hidden = !player.timer;
  for (const one of player.root.querySelectorAll('[data-state]')) {
    const k = held[one.dataset.state];
    const fill = `url(#${one.dataset.look}${one.dataset.only ?? k})`;
    if (one.getAttribute('fill') !== fill) one.setAttribute('fill', fill);
    if (one.dataset.only) one.style.display = one.dataset.only === k ? '' : 'none';
  }
  for (const name of ['map', 'network'])
    player.root.querySelector(`[data-picture=${name}] svg`)
      ?.setAttribute('aria-label', data.pictures[name].says.replace('{step}', step));
  player.find('tbody').replaceChildren(...data.alignments.map((name, k) => {
    const inside = data.states.filter((_, i) => held[i] === String(k));
    const came = data.states.filter((_, i) => held[i] === String(k) && before[i] !== held[i]);
    const cells = [data.capability[step][k].toFixed(3), `${inside.length}: ${inside.join(', ')}`, came.join(', ') || '–'];
    const head = made('th', { scope: 'row', textContent: name });
    return made('tr', {}, head, ...cells.map((textContent) => made('td', { textContent })));
  }));
  [...player.root.querySelectorAll('.cursor')].forEach((cursor, n) => {
    const { frame: [left, right], limits: [low, high] } = data.charts[n];
    cursor.style.left = `${100 * (left + (right - left) * (step - low) / (high - low))}%`;
  });
}

function rest(player) {
  clearInterval(player.timer);
  player.timer = 0;
  clearTimeout(player.telling);
  player.telling = setTimeout(() => player.tell(player.step), QUIET);
}

function go(player, step) {
  rest(player);
  player.step = Math.min(Math.max(step, 0), player.data.standing.length - 1);
  show(player);
}

function play(player) {
  const last = player.data.standing.length - 1;
  clearInterval(player.timer);
  if (player.step === last) player.step = 0;
  player.timer = setInterval(() => {
    if (!player.root.isConnected) return clearInterval(player.timer);
    player.step = Math.min(player.step + 1, player.data.standing.length - 1);
    if (player.step === player.data.standing.length - 1) rest(player);
    show(player);
  }, PERIOD);
  show(player);
}

function begun(root, data) {
  const player = { root, step: data.first, timer: 0, telling: 0, find: (selector) => root.querySelector(selector) };
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
  const player = (root.player ??= begun(root, data));
  player.tell = (step) => setStateValue('step', step);
  if (player.data?.run === data.run) return;
  player.data = data;
  player.step = Math.min(player.step, data.standing.length - 1);
  player.find('input').max = data.standing.length - 1;
  pictured(player, data);
  show(player);
}
