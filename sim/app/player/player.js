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
  for (const one of player.root.querySelectorAll('[data-state]')) player.places[one.dataset.state].push(one);
  player.rows = data.alignments.map((textContent) => {
    const cells = [0, 1, 2].map(() => element('td', {}));
    element('tr', {}, element('th', { scope: 'row', textContent }), ...cells);
    return cells;
  });
  find('tbody').replaceChildren(...player.rows.map(([cell]) => cell.parentElement));
  player.cursors = data.charts.map(({ frame: [, , top, bottom] }) => {
    const cursor = element('div', { className: 'cursor' });
    Object.assign(cursor.style, { top: `${100 * top}%`, height: `${100 * (bottom - top)}%` });
    return cursor;
  });
  find('.charts').replaceChildren(...data.charts.map((chart, n) => {
    const image = element('img', { alt: chart.description, src: `data:image/svg+xml,${encodeURIComponent(chart.svg)}` });
    const caption = element('figcaption', { textContent: chart.caption });
    return element('figure', {}, element('div', { className: 'chart' }, image, player.cursors[n]), caption);
  }));
  player.shown = '';
}

const write = (node, text) => { if (node.textContent !== text) node.textContent = text; };

// Show a step. Only what has changed is updated, because several pages may share a small machine.
function showStep(player) {
  const { data, step, find } = player;
  const [now, before] = [data.alignment[step], data.alignment[Math.max(step - 1, 0)]];
  find('input').value = step;
  find('[role=status]').setAttribute('aria-live', player.timer ? 'off' : 'polite');
  const ends = data.dates.length ? `, ${data.dates[step]}` : '';
  write(find('[role=status]'), `Step ${step} of ${data.alignment.length - 1}${ends}`);
  find('.note').hidden = !player.timer;
  data.states.forEach((_, n) => {
    if (now[n] === player.shown[n]) return;
    for (const one of player.places[n]) {
      const { look, only } = one.dataset;
      if (look) one.setAttribute('fill', `url(#${look}${now[n]})`);
      else one.style.display = only === now[n] ? '' : 'none';
    }
  });
  player.shown = now;
  for (const [svg, description] of player.pictures) svg.setAttribute('aria-label', description.replace('{step}', step));
  player.rows.forEach(([capability, states, joined], k) => {
    const inside = data.states.filter((_, n) => now[n] === String(k));
    const moved = data.states.filter((_, n) => now[n] === String(k) && before[n] !== now[n]);
    write(capability, data.capability[step][k].toFixed(3));
    write(states, `${inside.length}: ${inside.join(', ')}`);
    write(joined, moved.join(', ') || '–');
  });
  player.cursors.forEach((cursor, n) => {
    const { frame: [left, right], limits: [low, high] } = data.charts[n];
    cursor.style.left = `${100 * (left + (right - left) * (step - low) / (high - low))}%`;
  });
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
    step: () => goTo(player, player.step + 1), reset: () => goTo(player, 0),
  };
  for (const button of root.querySelectorAll('button')) button.onclick = actions[button.dataset.do];
  player.find('input').oninput = (event) => goTo(player, Number(event.target.value));
  return player;
}

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector('section');
  const player = (root.player ??= createPlayer(root, data.first));
  player.sendStep = (step) => setStateValue('step', step);
  if (player.data?.run === data.run) return;
  player.data = data;
  player.step = Math.min(player.step, data.alignment.length - 1);
  drawRun(player);
  showStep(player);
}
