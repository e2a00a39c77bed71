// Section "A GAN that trains before your eyes".
const smallGan = (() => {
  const text = texts.of('small_gan');

  const DEFAULTS = {
    loss: 'bce_with_logits', rate: 0.0002, data: 'ring', batch: 64, d_steps: 1,
    beta1: 0.5, beta2: 0.999, speed: 2, seed: 1,
  };
  // What each preset sets; `goes_on`: the weights stay.
  const PRESETS = {
    lecture: {loss: 'bce', rate: 0.01},
    logits: {loss: 'bce_with_logits', rate: 0.01},
    healthy: {loss: 'bce_with_logits', rate: 0.0002},
    mend: {loss: 'bce_with_logits', rate: 0.001, goesOn: true},
  };
  // The rates that the slider stops at.
  const RATES = [];
  for (const power of [-5, -4, -3, -2]) {
    for (const digit of [1, 1.5, 2, 3, 5, 7]) RATES.push(Number(`${digit}e${power}`));
  }
  RATES.push(0.1);
  const nearestRate = (rate) => RATES.reduce((best, each, i) =>
    (Math.abs(Math.log(each / rate)) < Math.abs(Math.log(RATES[best] / rate)) ? i : best), 0);

  const REACH = 3.2;       // of the picture: from -REACH to REACH on both axes
  const GRID = 32;         // places of D's field on a side
  const DOTS = smallGanModel.CODES;  // points of each kind that are drawn
  const POINTS = 600;      // of the losses' curves, at most
  const BUDGET = 10;       // milliseconds of training in a frame

  let gan = null;

  // The course of a run: a point for each step, then for each 2, 4, 8 ... steps.
  function course() {
    let points = [];
    let stride = 1;
    let waiting = [];

    function add(d, g) {
      waiting.push([d, g]);
      if (waiting.length < stride) return;
      const mean = (i) => waiting.reduce((sum, each) => sum + each[i], 0) / waiting.length;
      points.push([mean(0), mean(1)]);
      waiting = [];
      if (points.length < POINTS) return;
      stride *= 2;
      points = points.filter((_, i) => i % 2).map((each, i) =>
        each.map((value, k) => (value + points[2 * i][k]) / 2));
    }

    return {add, points: () => points, steps: () => points.length * stride};
  }

  // Colours of the style, as [red, green, blue].
  function palette(element) {
    const probe = document.createElement('span');
    element.append(probe);
    const found = {};
    for (const name of ['ink', 'soft', 'paper', 'line', 'blue', 'orange', 'green']) {
      probe.style.color = `var(--${name})`;
      found[name] = getComputedStyle(probe).color.match(/[\d.]+/g).slice(0, 3).map(Number);
    }
    probe.remove();
    return found;
  }
  const css = ([r, g, b], alpha = 1) => `rgba(${r}, ${g}, ${b}, ${alpha})`;

  // Fill the section; `element` is its <section>.
  function start(element) {
    const part = (id) => element.querySelector(`#small_gan-${id}`);
    const chosen = {...DEFAULTS};
    for (const key of Object.keys(DEFAULTS)) {
      chosen[key] = typeof DEFAULTS[key] === 'number'
        ? state.number(`small_gan.${key}`, DEFAULTS[key], key === 'rate' ? 1e-5 : 0, key === 'rate' ? 0.1 : 2 ** 31)
        : state.get(`small_gan.${key}`, DEFAULTS[key]);
    }
    chosen.seed = Math.floor(chosen.seed);
    if (!Object.hasOwn(smallGanModel.DATA, chosen.data)) chosen.data = DEFAULTS.data;
    const selects = ['loss', 'data', 'batch', 'd_steps', 'beta1', 'beta2', 'speed'];
    for (const key of selects) {
      part(key).value = chosen[key];
      if (part(key).value === '') part(key).value = chosen[key] = DEFAULTS[key];
    }

    const settings = {};
    let history;
    let real;
    let playing = false;
    let visible = false;
    let colours;
    const grid = new Float32Array(2 * GRID * GRID);
    const answers = new Float32Array(GRID * GRID);
    for (let i = 0; i < GRID * GRID; i++) {
      grid[2 * i] = REACH * (2 * ((i % GRID) + 0.5) / GRID - 1);
      grid[2 * i + 1] = -REACH * (2 * (Math.floor(i / GRID) + 0.5) / GRID - 1);
    }
    const small = document.createElement('canvas');
    small.width = small.height = GRID;

    function adopt() {
      Object.assign(settings, {
        loss: chosen.loss, rate: chosen.rate, batch: chosen.batch, beta1: chosen.beta1,
        beta2: chosen.beta2, discriminatorSteps: chosen.d_steps,
      });
    }

    function reset() {
      adopt();
      gan = smallGanModel.create({kind: chosen.data, seed: chosen.seed}, settings);
      history = course();
      const stream = random.stream(chosen.seed + 2);
      real = Array.from({length: DOTS}, () => gan.points.draw(stream));
    }

    function choose(changes, save = true) {
      for (const [key, value] of Object.entries(changes)) {
        chosen[key] = value;
        if (save) state.set(`small_gan.${key}`, value);
        if (selects.includes(key)) part(key).value = value;
      }
      adopt();
      showRate();
    }

    function showRate() {
      part('rate').value = nearestRate(chosen.rate);
      part('rate-value').textContent = chosen.rate;
      part('rate').setAttribute('aria-valuetext', String(chosen.rate));
    }

    function note() {
      const {real: ofReal, fake, generator} = gan.seen;
      if (Number.isFinite(ofReal + fake + generator)) history.add(ofReal + fake, generator);
    }

    function train() {
      const end = performance.now() + BUDGET;
      for (let i = 0; i < chosen.speed; i++) {
        gan.step();
        note();
        if (performance.now() > end) break;
      }
    }

    // ---- pictures

    // Fits a canvas to its size on the screen; gives its context, in CSS pixels.
    function sized(canvas) {
      const ratio = window.devicePixelRatio || 1;
      const {width, height} = canvas.getBoundingClientRect();
      if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
      if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
      const context = canvas.getContext('2d');
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      return {context, width, height};
    }

    function drawField() {
      const {context, width} = sized(part('field'));
      if (!playing || drawn % 2) gan.logits(grid, answers);  // the dearest part of a frame
      const brush = small.getContext('2d');
      const picture = brush.createImageData(GRID, GRID);
      for (let i = 0; i < answers.length; i++) {
        const lean = 2 * losses.sigmoid(answers[i] - gan.seen.middle) - 1;  // 1: real, -1: generated
        const strength = 0.55 * Math.abs(lean);
        const side = lean > 0 ? colours.blue : colours.orange;
        for (let k = 0; k < 3; k++) {
          picture.data[4 * i + k] = colours.paper[k] + strength * (side[k] - colours.paper[k]);
        }
        picture.data[4 * i + 3] = 255;
      }
      brush.putImageData(picture, 0, 0);
      context.imageSmoothingEnabled = true;
      context.drawImage(small, 0, 0, width, width);
      const at = (value) => (value / REACH + 1) / 2 * width;
      const inside = (value) => Math.min(width - 3, Math.max(3, value));
      let outside = 0;

      function dot(x, y, colour) {
        context.beginPath();
        context.arc(inside(at(x)), inside(at(-y)), 2.6, 0, 2 * Math.PI);
        context.fillStyle = css(colour);
        context.fill();
        context.stroke();
      }

      context.strokeStyle = css(colours.paper);
      context.lineWidth = 0.8;
      for (const [x, y] of real) dot(x, y, colours.blue);
      const points = gan.sample();
      for (let n = 0; n < DOTS; n++) {
        const [x, y] = [points[2 * n], points[2 * n + 1]];
        if (!(Math.abs(x) <= REACH && Math.abs(y) <= REACH)) outside += 1;
        if (Number.isFinite(x + y)) dot(x, y, colours.orange);
      }
      part('outside').textContent = outside ? text('outside', {count: outside, all: DOTS}) : '';
    }

    // Losses up to 3 as they are, above by their logarithm: 27.6 and 1.386 in one picture.
    const bent = (value) => (Math.abs(value) <= 3 ? value : Math.sign(value) * (3 + Math.log(Math.abs(value) / 3)));

    function drawLosses() {
      const {context, width, height} = sized(part('losses'));
      context.clearRect(0, 0, width, height);
      const best = losses.equilibrium(chosen.loss);
      const points = history.points();
      const values = points.flat().map(bent);
      const high = Math.max(3.2, ...values) + 0.15;
      const low = Math.min(0, ...values);
      const left = 40;
      const y = (value) => 8 + (high - bent(value)) / (high - low) * (height - 30);
      const x = (i) => left + (i + 0.5) / Math.max(60, points.length) * (width - left - 6);
      context.font = `11px ${getComputedStyle(document.body).fontFamily}`;
      context.textAlign = 'right';
      context.textBaseline = 'middle';
      context.lineWidth = 1;
      for (const tick of [-1000, -100, -30, -10, -3, 0, 1, 2, 3, 10, 30, 100, 1000, 10000]) {
        if (bent(tick) > high || bent(tick) < low) continue;
        context.fillStyle = css(colours.soft);
        context.fillText(tick, left - 6, y(tick));
        context.strokeStyle = css(colours.line);
        context.beginPath();
        context.moveTo(left, y(tick));
        context.lineTo(width, y(tick));
        context.stroke();
      }
      const pairs = losses.table[chosen.loss].paired;
      const entropy = chosen.loss.startsWith('bce') || pairs;
      const levels = [
        [best.discriminator, entropy ? `${pairs ? '' : '2 '}ln 2` : best.discriminator, 'equilibrium_d', -8],
        [best.generator, entropy ? 'ln 2' : best.generator, 'equilibrium_g', 8],
      ];
      context.setLineDash([5, 4]);
      context.strokeStyle = css(colours.green);
      for (const [value] of levels) {
        context.beginPath();
        context.moveTo(left, y(value));
        context.lineTo(width, y(value));
        context.stroke();
      }
      context.setLineDash([]);
      context.lineWidth = 1.6;
      [colours.ink, colours.orange].forEach((colour, k) => {
        context.strokeStyle = css(colour);
        context.beginPath();
        points.forEach((each, i) => context.lineTo(x(i), y(each[k])));
        context.stroke();
      });
      for (const [value, name, who, away] of levels) {
        const words = text(who, {value: name});
        const wide = context.measureText(words).width;
        context.fillStyle = css(colours.paper, 0.8);
        context.fillRect(width - wide - 6, y(value) + away - 7, wide + 4, 14);
        context.fillStyle = css(colours.green);
        context.fillText(words, width - 4, y(value) + away);
      }
      context.fillStyle = css(colours.soft);
      context.textBaseline = 'bottom';
      context.textAlign = 'left';
      context.fillText(0, left, height);
      context.textAlign = 'right';
      context.fillText(Math.max(60, history.steps()), width - 4, height);
    }

    const figure = (value) => (Number.isFinite(value) ? value.toFixed(4) : '–');
    const signed = (value) => (Object.is(value, -0) ? '-' : '') + value.toFixed(6);

    function showGradient(id, value) {
      part(id).textContent = value === 0 ? text('zero') : Number.isFinite(value) ? value.toPrecision(3) : '–';
      part(id).classList.toggle('bad', value === 0);
    }

    function showFigures() {
      const {seen} = gan;
      const best = losses.equilibrium(chosen.loss);
      const d = seen.real + seen.fake;
      part('d').textContent = figure(d);
      part('g').textContent = figure(seen.generator);
      part('losses').setAttribute('aria-label', text('losses_aria', {
        d: figure(d), g: figure(seen.generator),
        best_d: figure(best.discriminator), best_g: figure(best.generator),
      }));
      for (const [id, value] of [['real', seen.answerReal], ['fake', seen.answerFake]]) {
        part(id).style.width = `${100 * (Number.isFinite(value) ? value : 0)}%`;
        part(`${id}-text`).textContent = figure(value);
      }
      part('answers').setAttribute('aria-label', text('answers_aria', {
        real: figure(seen.answerReal), fake: figure(seen.answerFake),
      }));
      part('lecture').textContent = Number.isFinite(d + seen.generator)
        ? text('lecture_line', {d: signed(d / 2), g: signed(seen.generator)}) : '–';
      showGradient('gradient_d', seen.gradientD);
      showGradient('gradient_g', seen.gradientG);
      part('counts').textContent = text('counts', {d: seen.stepsD, g: seen.stepsG, seed: chosen.seed});
    }

    // What is read aloud changes once a second at most while it plays.
    let spoken = 0;

    function showVerdict() {
      const time = performance.now();
      if (playing && time - spoken < 1000) return;
      spoken = time;
      const {key, covered, places, near} = gan.verdict();
      const words = text(`verdict_${key}`, {covered, places, near});
      const line = part('verdict');
      if (line.textContent !== words) line.textContent = words;
      line.dataset.verdict = key;
      line.classList.toggle('is-bad', ['dead', 'd_won', 'overflow', 'swinging'].includes(key));
      line.classList.toggle('is-good', key === 'near');
      part('covered').textContent = text('of', {covered, places});
      part('near').textContent = text('percent', {share: near});
      part('field').setAttribute('aria-label', text('field_aria', {covered, places}));
    }

    function show() {
      drawField();
      drawLosses();
      showFigures();
      showVerdict();
    }

    // ---- the course of time: frames while it plays and is in view

    let frame = 0;
    let drawn = 0;

    function tick() {
      frame = 0;
      if (playing) train();
      drawn += 1;
      show();
      if (playing && visible) frame = requestAnimationFrame(tick);
    }

    function later() {
      if (!frame && visible) frame = requestAnimationFrame(tick);
    }

    function setPlaying(value) {
      playing = value;
      spoken = 0;
      part('play').textContent = text(playing ? 'pause' : 'play');
      part('play').setAttribute('aria-pressed', String(playing));
      later();
    }

    function single(step) {
      setPlaying(false);
      step();
      note();
      later();
    }

    part('play').addEventListener('click', () => setPlaying(!playing));
    part('step_d').addEventListener('click', () => single(gan.stepD));
    part('step_g').addEventListener('click', () => single(gan.stepG));
    part('reset').addEventListener('click', () => {
      setPlaying(false);
      reset();
      part('does').textContent = '';
    });
    part('another').addEventListener('click', () => {
      choose({seed: random.seed()});
      reset();
      spoken = 0;
      later();
    });
    for (const key of selects) {
      part(key).addEventListener('change', (event) => {
        const value = event.target.value;
        choose({[key]: typeof DEFAULTS[key] === 'number' ? Number(value) : value});
        if (key === 'data') reset();
        spoken = 0;
        later();
      });
    }
    const rate = part('rate');
    rate.min = 0;
    rate.max = RATES.length - 1;
    rate.step = 1;
    // The address changes when the slider has come to rest: browsers ignore too many changes.
    rate.addEventListener('input', () => choose({rate: RATES[Number(rate.value)]}, false));
    rate.addEventListener('change', () => choose({rate: RATES[Number(rate.value)]}));
    for (const [name, {goesOn, ...changes}] of Object.entries(PRESETS)) {
      const button = document.createElement('button');
      button.type = 'button';
      button.textContent = text(`preset_${name}`);
      button.dataset.preset = name;
      button.addEventListener('click', () => {
        choose({...changes, batch: 64, d_steps: 1, beta1: 0.5, beta2: 0.999});
        if (!goesOn) reset();
        part('does').textContent = text(`preset_${name}_does`);
        setPlaying(true);
      });
      part('presets').append(button);
    }

    showRate();
    reset();
    colours = palette(element);
    setPlaying(false);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      colours = palette(element);
      later();
    });
    window.addEventListener('resize', later);
    new IntersectionObserver((entries) => {
      visible = entries.some((entry) => entry.isIntersecting);
      later();
    }).observe(element);
  }

  return {start, gan: () => gan};
})();
