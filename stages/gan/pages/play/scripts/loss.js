// Section "The loss".
const loss = (() => {
  const text = texts.of('loss');
  const NAMES = Object.keys(losses.table);
  const FAR = 40;
  const NEAR = 6;

  // The logits that the slider stops at: fine around 0, coarse far from it.
  const stops = [];
  for (let i = 80; i >= 0; i--) stops.push(i / 20);
  for (let i = 41; i <= 200; i++) stops.unshift(i / 10);
  for (let i = 41; i <= 80; i++) stops.unshift(i / 2);
  for (let i = stops.length - 2; i >= 0; i--) stops.push(-stops[i]);
  stops.forEach((stop, i) => { stops[i] = -stop || 0; });

  function nearestStop(s) {
    let best = 0;
    stops.forEach((stop, i) => {
      if (Math.abs(stop - s) < Math.abs(stops[best] - s)) best = i;
    });
    return best;
  }

  // The steps of the riddle: key of the texts, logit, label.
  const STEPS = [
    ['step_0', 0, 0], ['step_2', 2, 0], ['step_16', 16, 0], ['step_17', 17, 0],
    ['step_40', 40, 0], ['step_real', 40, 1], ['step_half', 40, 0], ['step_logits', 40, 0],
  ];

  // A number as one reads it: -0 keeps its sign, as print keeps it.
  function figure(value, digits = 6) {
    if (value !== 0 && Math.abs(value) < 10 ** -digits) return value.toExponential(2);
    return (Object.is(value, -0) ? '-' : '') + value.toFixed(digits);
  }
  const gradientText = (value) => (value === 0 ? '0' : figure(value));

  // The shortest decimal number that float32 reads as this one.
  function shortest(value) {
    for (let digits = 1; digits < 10; digits++) {
      const short = value.toPrecision(digits);
      if (Math.fround(Number(short)) === value) return String(Number(short));
    }
    return String(value);
  }

  // What the section shows for a logit and a label.
  function shown(s, y) {
    const rows = NAMES.map((name) => {
      const {value, slope, smooth} = losses.table[name];
      const takes = smooth || y === 0 || y === 1;
      return {
        name,
        takes,
        value: takes ? value(s, y) : NaN,
        gradient: takes ? slope(s, y) : NaN,
      };
    });
    const {bce} = losses.table;
    const real = bce.value(s, 1);
    const fake = bce.value(s, 0);
    return {
      p: losses.sigmoid(s),
      rows,
      lecture: {real, fake, d: (real + fake) / 2, g: real},
    };
  }

  const SVG = 'http://www.w3.org/2000/svg';

  function draw(parent, tag, attributes, words) {
    const made = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    if (words !== undefined) made.textContent = words;
    parent.append(made);
    return made;
  }

  function add(parent, tag, className, words) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (words !== undefined) made.textContent = words;
    parent.append(made);
    return made;
  }

  const path = (points) => points
    .map(([x, y], i) => `${i ? 'L' : 'M'}${x.toFixed(2)} ${y.toFixed(2)}`).join('');

  // Fill the section; `element` is its <section>.
  function start(element) {
    const part = (id) => element.querySelector(`#loss-${id}`);
    const now = {
      s: state.number('loss.s', 0, -FAR, FAR),
      y: state.number('loss.y', 0, 0, 1),
      p: state.number('loss.p', 0.5, 0.005, 0.995),
    };

    // ---- one logit, one label

    const cards = NAMES.map((name) => {
      const card = add(part('cards'), 'article', 'card');
      add(card, 'h4', '', text(name));
      add(card, 'div', 'hint', text(`${name}_formula`));
      const svg = draw(card, 'svg', {class: 'plot', viewBox: '0 0 240 130', role: 'img'});
      const figures = add(card, 'div', 'figures');
      const value = add(add(figures, 'div', '', `${text('value')} `), 'output', 'figure');
      const gradient = add(add(figures, 'div', '', `${text('gradient')} `), 'output', 'figure');
      const note = add(card, 'div', 'note');
      card.dataset.loss = name;
      return {name, card, svg, value, gradient, note};
    });

    const PLOT = {left: 26, right: 234, top: 6, bottom: 108};

    function drawCurve({name, svg}, row, s, y) {
      svg.replaceChildren();
      const reach = Math.abs(s) <= NEAR ? NEAR : FAR;
      const {left, right, top, bottom} = PLOT;
      const signed = name === 'wgan_gp';
      const high = name === 'mse' ? 1.1 : reach * 1.06 + 1;
      const low = signed ? -high : 0;
      const x = (each) => left + (each + reach) / (2 * reach) * (right - left);
      const h = (each) => bottom - (each - low) / (high - low) * (bottom - top);
      draw(svg, 'line', {class: 'axis', x1: left, x2: right, y1: h(0), y2: h(0)});
      draw(svg, 'line', {class: 'axis', x1: x(0), x2: x(0), y1: top, y2: bottom});
      for (const tick of [-reach, 0, reach]) {
        draw(svg, 'text', {x: x(tick), y: 124, 'text-anchor': tick < 0 ? 'start' : tick ? 'end' : 'middle'}, tick);
      }
      const most = name === 'mse' ? 1 : reach;
      draw(svg, 'text', {x: 20, y: h(most) + 4, 'text-anchor': 'end'}, most);
      draw(svg, 'text', {x: 20, y: h(low === 0 ? 0 : -most) + 4, 'text-anchor': 'end'}, low === 0 ? 0 : -most);
      if (!row.takes) return;
      const {value} = losses.table[name];
      const points = Array.from({length: 481}, (_, i) => (i / 240 - 1) * reach)
        .map((each) => [x(each), h(value(each, y))]);
      draw(svg, 'path', {class: 'curve', d: path(points)});
      // The gradient is the slope of the tangent.
      const px = x(s);
      const py = h(row.value);
      const rise = -row.gradient * (bottom - top) / (high - low) * (2 * reach) / (right - left);
      const half = 30 / Math.hypot(1, rise);
      draw(svg, 'line', {
        class: 'tangent', x1: px - half, x2: px + half, y1: py - half * rise, y2: py + half * rise,
      });
      draw(svg, 'circle', {class: 'point', cx: px, cy: py, r: 5});
    }

    function drawBits(p) {
      const bits = arithmetic.bitsOf(p);
      const box = part('bits');
      box.replaceChildren();
      [...bits].forEach((bit, i) => {
        const kind = i === 0 ? 'sign' : i < 9 ? 'exponent' : 'fraction';
        add(box, 'span', `bit ${kind}${bit === '1' ? ' on' : ''}`, bit);
      });
      box.setAttribute('aria-label', text('bits_aria', {
        sign: bits[0], exponent: bits.slice(1, 9), fraction: bits.slice(9),
      }));
    }

    // The numbers of float32 from 1 upward lie 2^-23 apart; 1 + exp(-s) becomes one of them.
    function drawLine(s) {
      const svg = part('line');
      const STEP = 2 ** -23;
      const LAST = 5;
      const x = (steps) => 24 + steps / LAST * 264;
      svg.replaceChildren();
      draw(svg, 'line', {class: 'axis', x1: 14, x2: 306, y1: 46, y2: 46});
      const steps = arithmetic.exp(-s) / STEP;
      const stored = (losses.onePlus(s) - 1) / STEP;
      for (let k = 0; k <= LAST; k++) {
        draw(svg, 'line', {class: 'tick', x1: x(k), x2: x(k), y1: 38, y2: 54});
        draw(svg, 'text', {x: x(k), y: 72, 'text-anchor': 'middle'}, k === 0 ? '1' : k === 1 ? '+2⁻²³' : `+${k}·2⁻²³`);
      }
      const places = {exact: steps < 1e-9 ? '1' : (1 + steps * STEP).toFixed(10), stored: shortest(losses.onePlus(s))};
      if (steps <= LAST) {
        draw(svg, 'path', {class: 'exact', d: `M${x(steps)} 43l-6 -16h12z`});
        draw(svg, 'circle', {class: 'point', cx: x(stored), cy: 46, r: 6});
      } else {
        draw(svg, 'path', {class: 'exact', d: 'M312 27l-14 -7v14z'});
      }
      const words = text(steps <= LAST ? 'line_near' : 'line_far', places);
      part('line-text').textContent = words;
      svg.setAttribute('aria-label', text('line_aria', places));
    }

    function lectureLine({d, g}) {
      const fixed = (value) => (Object.is(value, -0) ? '-' : '') + value.toFixed(6);
      return text('lecture_line', {d: fixed(d), g: fixed(g)});
    }

    function showOne() {
      const {s, y} = now;
      const all = shown(s, y);
      part('logit').value = nearestStop(s);
      part('label').value = y;
      part('logit-value').textContent = text('logit_value', {s: Number(s.toFixed(3))});
      part('label-value').textContent = text('label_value', {y: Number(y.toFixed(2))});
      part('logit').setAttribute('aria-valuetext', text('logit_spoken', {s, p: shortest(all.p)}));
      part('label').setAttribute('aria-valuetext', text('label_spoken', {y}));
      part('p').textContent = shortest(all.p);
      part('p').classList.toggle('bad', all.p === 1);
      part('rest').textContent = all.p === 1 ? text('exactly_one')
        : text('below_one', {rest: shortest(Math.fround(1 - all.p))});
      drawBits(all.p);
      drawLine(s);
      cards.forEach((card, i) => {
        const row = all.rows[i];
        const stuck = row.takes && row.gradient === 0 && row.value > 0.5;
        card.card.classList.toggle('stuck', stuck);
        card.card.classList.toggle('off', !row.takes);
        card.value.textContent = row.takes ? figure(row.value) : '–';
        card.gradient.textContent = row.takes ? gradientText(row.gradient) : '–';
        const cut = card.name === 'bce' && stuck;
        card.note.textContent = !row.takes ? text('only_labels')
          : stuck ? texts.sentences([...(cut ? [text('cut')] : []), text('stuck')]) : '';
        drawCurve(card, row, s, y);
        card.svg.setAttribute('aria-label', text('curve_aria', {
          name: text(card.name), s, value: card.value.textContent, gradient: card.gradient.textContent,
        }));
      });
      part('now').textContent = text('riddle_now', {
        s: Number(s.toFixed(3)), y: Number(y.toFixed(2)), p: shortest(all.p),
      });
      const table = part('riddle');
      table.replaceChildren();
      for (const {name, value, gradient} of all.rows.slice(0, 2)) {
        const line = add(table, 'tr');
        add(line, 'th', '', text(name)).scope = 'row';
        add(line, 'td', 'number', figure(value));
        add(line, 'td', `number${gradient === 0 && value > 0.5 ? ' bad' : ''}`, gradientText(gradient));
      }
      const {lecture} = all;
      part('lecture').textContent = lectureLine(lecture);
      part('parts').textContent = text('line_parts', {real: figure(lecture.real), fake: figure(lecture.fake)});
    }

    let step = -1;

    function showStep() {
      steps.forEach((button, i) => button.setAttribute('aria-pressed', String(i === step)));
      part('step-text').textContent = step < 0 ? '' : text(`${STEPS[step][0]}_text`);
    }

    let waiting = false;

    // Draw once a frame, however often the slider moves.
    function later(show) {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => {
        waiting = false;
        show();
      });
    }

    function move(changes) {
      Object.assign(now, changes);
      later(() => {
        showOne();
        showAll();
      });
    }

    // Into the address, when a slider has come to rest: browsers ignore too many changes of it.
    function save() {
      for (const [key, value] of Object.entries(now)) state.set(`loss.${key}`, value);
    }

    function leaveStep() {
      if (step < 0) return;
      step = -1;
      showStep();
    }

    const slider = part('logit');
    slider.min = 0;
    slider.max = stops.length - 1;
    slider.step = 1;
    slider.addEventListener('input', () => {
      leaveStep();
      move({s: stops[Number(slider.value)]});
    });
    part('label').addEventListener('input', (event) => {
      leaveStep();
      move({y: Number(event.target.value)});
    });
    const steps = STEPS.map(([key, s, y], i) => {
      const item = add(part('steps'), 'li');
      const button = add(item, 'button', '', text(key));
      button.type = 'button';
      add(item, 'span', 'hint', ` ${texts.list([text('logit_value', {s}), text('label_value', {y})])}`);
      button.addEventListener('click', () => {
        step = i;
        showStep();
        move({s, y});
        save();
      });
      return button;
    });

    // ---- the same probability for everything

    const choice = part('name');
    const summed = part('sum');
    choice.value = state.get('loss.name', 'bce');
    summed.value = state.get('loss.sum', 'sum');
    if (!choice.value) choice.value = 'bce';
    if (!summed.value) summed.value = 'sum';

    // The terms if D gives probability p to all images.
    function termsOf(name, p) {
      const s = arithmetic.ln(p) - arithmetic.ln(1 - p);
      const {value, generator} = losses.table[name];
      const real = value(s, 1);
      const fake = value(s, 0);
      const d = (real + fake) / (summed.value === 'half' ? 2 : 1);
      return {real, fake, d, g: generator.value(s)};
    }

    function drawAll(name, p, terms, best) {
      const svg = part('all-plot');
      svg.replaceChildren();
      const [left, right, top, bottom] = [48, 540, 10, 226];
      const high = name === 'mse' ? 1.1 : 4;
      const low = name === 'hinge' ? -3 : 0;
      const x = (each) => left + each * (right - left);
      const h = (each) => bottom - (each - low) / (high - low) * (bottom - top);
      const clip = draw(svg, 'clipPath', {id: 'loss-clip'});
      draw(clip, 'rect', {x: left, y: top, width: right - left, height: bottom - top});
      draw(svg, 'line', {class: 'axis', x1: left, x2: right, y1: h(low), y2: h(low)});
      draw(svg, 'line', {class: 'axis', x1: left, x2: left, y1: top, y2: bottom});
      for (const tick of [0, 0.25, 0.5, 0.75, 1]) {
        draw(svg, 'text', {x: x(tick), y: 246, 'text-anchor': 'middle'}, tick);
      }
      for (let tick = low; tick <= high; tick += name === 'mse' ? 0.25 : 1) {
        draw(svg, 'text', {x: left - 6, y: h(tick) + 4, 'text-anchor': 'end'}, tick);
      }
      const marks = {bce: {d: summed.value === 'half' ? 'ln 2' : '2 ln 2', g: 'ln 2'}}[name] ?? {};
      const drawn = new Set();
      for (const who of ['d', 'g']) {
        if (name === 'hinge' && who === 'g') continue;
        if (drawn.has(best[who])) continue;
        drawn.add(best[who]);
        const level = h(best[who]);
        const number = Number(best[who].toFixed(4));
        draw(svg, 'line', {class: 'level', x1: left, x2: right, y1: level, y2: level});
        draw(svg, 'text', {class: 'level-text', x: right, y: level - 5, 'text-anchor': 'end'},
          marks[who] ? `${marks[who]} = ${number}` : number);
      }
      if (name === 'hinge') {  // D's best answers: the logits from -1 to 1
        const [from, to] = [losses.sigmoid(-1), losses.sigmoid(1)];
        draw(svg, 'rect', {class: 'flat', x: x(from), width: x(to) - x(from), y: top, height: bottom - top});
      } else {
        draw(svg, 'line', {class: 'level', x1: x(0.5), x2: x(0.5), y1: top, y2: bottom});
      }
      draw(svg, 'text', {class: 'level-text', x: x(0.5) + 5, y: top + 12}, text('all_equilibrium'));
      for (const who of ['d', 'g']) {
        const points = Array.from({length: 199}, (_, i) => (i + 1) / 200)
          .map((each) => [x(each), h(termsOf(name, each)[who])]);
        draw(svg, 'path', {class: `curve of-${who}`, d: path(points), 'clip-path': 'url(#loss-clip)'});
      }
      for (const who of ['d', 'g']) {
        draw(svg, 'circle', {
          class: `point of-${who}`, cx: x(p), cy: Math.min(bottom, Math.max(top, h(terms[who]))), r: 6,
        });
      }
      svg.setAttribute('aria-label', text('all_aria', {p, d: figure(terms.d, 4), g: figure(terms.g, 4)}));
    }

    function showAll() {
      const {p} = now;
      const name = choice.value;
      const terms = termsOf(name, p);
      const best = termsOf(name, 0.5);
      part('all').value = p;
      part('all-value').textContent = text('all_p_value', {p: Number(p.toFixed(3))});
      drawAll(name, p, terms, best);
      const table = part('all-table');
      table.replaceChildren();
      for (const key of ['d', 'g', 'real', 'fake']) {
        const row = add(table, 'tr');
        add(row, 'th', `of-${key}`, text(`all_${key}`)).scope = 'row';
        add(row, 'td', 'number', figure(terms[key]));
        add(row, 'td', 'number', name === 'hinge' && key !== 'd' ? '' : figure(best[key]));
      }
      const more = terms.d - best.d;
      part('all-verdict').textContent = more < 5e-7 ? text('all_on') : text('all_off', {more: figure(more, 4)});
    }

    part('all').addEventListener('input', (event) => move({p: Number(event.target.value)}));
    for (const each of [slider, part('label'), part('all')]) each.addEventListener('change', save);
    for (const [key, select] of [['name', choice], ['sum', summed]]) {
      select.addEventListener('change', () => {
        state.set(`loss.${key}`, select.value);
        showAll();
      });
    }

    showStep();
    showOne();
    showAll();
  }

  return {start, shown, stops};
})();
