// Section "Ask D".
const ask = (() => {
  const text = texts.of('ask');
  const shape = play.data.image;
  const grey = shape.channels === 1;
  // Held-out images on which the form of the data's drawings is measured.
  const MEASURED = 60;
  // Of a step along the slope: grey levels of 255.
  const STEP = 2;
  // Width of a pen on colour images: a share of the side, and at least so many pixels.
  const [PEN, THINNEST] = [0.05, 2];
  const COLOURS = {
    black: [0, 0, 0], white: [255, 255, 255], skin: [246, 205, 172], brown: [106, 64, 34],
    red: [214, 52, 52], orange: [240, 140, 40], yellow: [250, 220, 70], green: [62, 150, 70],
    blue: [58, 110, 210],
  };
  let show = () => {};

  // Fill the section; `element` is its <section>.
  function start(element) {
    const parts = Object.fromEntries(
      [...element.querySelectorAll('[data-part]')].map((each) => [each.dataset.part, each]));
    const discriminator = engine.network(play.data.networks.discriminator);
    const generator = engine.network(play.data.networks.generator);
    const judge = play.data.networks.judge && engine.network(play.data.networks.judge);
    const {count} = play.data.held_out;
    const equilibrium = play.data.loss.equilibrium;

    let habits = null;  // how the data's grey images are drawn
    let colour = null;  // of the pen
    // What is asked about. kind: real | generated | drawing | picture. `list`: strokes on empty paper.
    let hand = {kind: 'real', image: null, changed: false, list: []};
    let stroke = null;  // while the pen is down
    let taking = 0;  // the newest wish, since real images and pictures come later
    let waiting = false;  // for the next frame
    const taken = new Set();
    const chosen = {
      kind: state.get('ask.kind', 'real') === 'generated' ? 'generated' : 'real',
      index: Math.floor(state.number('ask.index', 0, 0, count - 1)),
      seed: Math.floor(state.number('ask.seed', 1, 0, 2 ** 32 - 1)),
    };

    // Take an image of the run: `by` steps further in its kind.
    async function take(kind, by) {
      const wish = ++taking;
      chosen.kind = kind;
      taken.add(kind);
      if (kind === 'real') chosen.index = (chosen.index + by + count) % count;
      else chosen.seed = Math.max(0, chosen.seed + by);
      for (const [key, value] of Object.entries(chosen)) state.set(`ask.${key}`, value);
      const image = kind === 'real'
        ? await images.heldOut(chosen.index)
        : generator.forward(images.code(chosen.seed));
      if (wish !== taking) return;
      put({kind, image, changed: false, list: []});
    }

    // The next image of a kind; the first time, the one that the address says.
    function next(kind) {
      return take(kind, taken.has(kind) ? 1 : 0);
    }

    async function open(file) {
      const wish = ++taking;
      const image = await pictures.read(file, shape, css(paper())).catch(() => null);
      if (wish !== taking) return;
      if (image === null) complain(text('no_picture', {name: file.name}));
      else put({kind: 'picture', name: file.name, image, changed: false, list: []});
    }

    function put(what) {
      hand = what;
      stroke = null;
      complain('');
      redraw();
    }

    function complain(words) {
      parts.complaint.textContent = words;
      parts.complaint.hidden = words === '';
    }

    // Empty paper, one value a channel.
    function paper() {
      return grey ? [habits.background] : [1, 1, 1];
    }

    function blank() {
      const image = new Float32Array(shape.channels * shape.height * shape.width);
      const values = paper();
      return image.map((_, at) => values[Math.floor(at / (shape.height * shape.width))]);
    }

    const onPaper = () => parts.mode.value === 'centred';
    const penWidth = () => (parts.width.value / 100) * (
      grey ? habits.width : Math.max(THINNEST, PEN * shape.width));

    function position(event) {
      const {left, top, width, height} = parts.pad.getBoundingClientRect();
      return [(event.clientX - left) / width, (event.clientY - top) / height];
    }

    function down(event) {
      if (event.button !== 0 || stroke !== null) return;
      taking++;
      parts.pad.setPointerCapture(event.pointerId);
      stroke = {points: [position(event)], width: penWidth(), colour, pointer: event.pointerId};
      if (!onPaper()) {
        hand = {...hand, changed: hand.kind !== 'drawing', base: hand.image, list: []};
      } else if (hand.list.length === 0) {
        hand = {kind: 'drawing', image: blank(), changed: false, list: []};
      }
      complain('');
      redraw();
    }

    function move(event) {
      if (stroke === null || event.pointerId !== stroke.pointer) return;
      const events = event.getCoalescedEvents?.() ?? [];
      for (const each of events.length > 0 ? events : [event]) stroke.points.push(position(each));
      redraw();
    }

    function up(event) {
      if (stroke === null || event.pointerId !== stroke.pointer) return;
      hand.image = drawn();
      if (onPaper()) hand.list.push(stroke);
      stroke = null;
      redraw();
    }

    // The image in hand with the stroke that is being drawn.
    function drawn() {
      if (stroke === null) return hand.image;
      if (onPaper()) return strokes.centred([...hand.list, stroke], habits, shape);
      return strokes.over(hand.base, [stroke], shape);
    }

    function redraw() {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => {
        waiting = false;
        if (hand.image !== null) answer();
      });
    }

    // Ask both networks about the image in hand, and show all that they say.
    function answer() {
      // A screen reader waits until the pen is up.
      for (const part of ['verdict', 'judge-says', 'look-words', 'origin']) {
        parts[part].setAttribute('aria-busy', String(stroke !== null));
      }
      hand.image = drawn();
      const [logit] = discriminator.forward(hand.image);
      element.dataset.logit = logit;
      showHand();
      showAnswer(logit);
      answers.showTerms(parts.terms, logit);
      parts.own.textContent = answers.ownLoss(logit);
      showSlope(discriminator.gradient(hand.image));
      const judged = judge ? showJudge(judge.forward(hand.image)) : null;
      const probability = figures.probability(answers.sigmoid(logit));
      parts.brief.textContent = judged === null
        ? text('brief', {probability}) : text('brief_judged', {probability, name: judged});
    }

    function showHand() {
      if (hand.list.length > 0 || (stroke !== null && onPaper())) showStrokes();
      else images.draw(parts.pad, hand.image);
      const words = origin();
      if (parts.origin.textContent !== words) parts.origin.textContent = words;
      parts.pad.setAttribute('aria-label', text('pad', {origin: words.replace(/[.。]$/, '')}));
    }

    function origin() {
      if (hand.kind === 'drawing' && hand.list.length === 0 && stroke === null) {
        const empty = blank();
        if (hand.image.every((value, at) => value === empty[at])) return text('origin_empty');
      }
      const words = text(`origin_${hand.kind}`, {
        number: chosen.index + 1, count, seed: chosen.seed, name: hand.name ?? '',
        width: shape.width, height: shape.height,
      });
      return hand.changed ? text('origin_changed', {origin: words}) : words;
    }

    // The strokes as they were drawn, smooth and at the size of the paper.
    function showStrokes() {
      const size = Math.round(parts.pad.clientWidth * devicePixelRatio) || 280;
      parts.pad.width = parts.pad.height = size;
      const context = parts.pad.getContext('2d');
      context.fillStyle = css(paper());
      context.fillRect(0, 0, size, size);
      context.lineCap = context.lineJoin = 'round';
      for (const each of stroke === null ? hand.list : [...hand.list, stroke]) {
        context.strokeStyle = css(each.colour);
        context.lineWidth = each.width * size / shape.width;
        context.beginPath();
        // From a little beside the first point, since a line without length is not drawn.
        context.moveTo(each.points[0][0] * size + 0.1, each.points[0][1] * size);
        for (const [x, y] of each.points) context.lineTo(x * size, y * size);
        context.stroke();
      }
    }

    function showAnswer(logit) {
      const probability = answers.sigmoid(logit);
      parts.verdict.textContent = answers.verdict(logit, hand.changed ? 'changed' : hand.kind);
      parts.strange.hidden = !(hand.changed || hand.kind === 'drawing' || hand.kind === 'picture');
      parts.logit.textContent = figures.fixed(logit);
      parts.probability.textContent = figures.probability(probability);
      parts['distance-row'].hidden = equilibrium === null;
      if (equilibrium !== null) {
        parts.distance.textContent = text('from_half', {
          distance: figures.fixed(Math.abs(probability - equilibrium.probability), 2),
          probability: figures.fixed(equilibrium.probability, 2),
        });
      }
      parts.scale.style.setProperty('--at', probability);
      parts.scale.setAttribute('aria-label', equilibrium === null
        ? text('scale_plain', {probability: figures.probability(probability)})
        : text('scale', {
          probability: figures.probability(probability),
          equilibrium: figures.fixed(equilibrium.probability, 2),
        }));
    }

    function showSlope(gradient) {
      images.draw(parts.plain, hand.image);
      answers.paintHeat(parts.heat, slopes.byBrightness(gradient, shape), colourOf(parts.blue),
        colourOf(parts.orange));
      const words = answers.slopeWords(gradient);
      parts['look-words'].textContent = words;
      parts.stack.setAttribute('aria-label', text('heat', {words}));
    }

    // Show the judge's answer; returns the class that it gives.
    function showJudge(logits) {
      const {name, probability} = answers.showBars(parts.bars, logits);
      element.dataset.judged = name;
      parts['judge-says'].textContent = text('judge_says', {
        name, probability: figures.probability(probability)});
      return name;
    }

    function showOverlay() {
      const share = parts.overlay.value / 100;
      // In the middle both are seen whole; at one end the image alone, at the other the colours.
      parts.heat.style.opacity = Math.min(1, 2 * share);
      parts.plain.style.opacity = Math.min(1, 2 - 2 * share);
      parts['overlay-label'].textContent = text('overlay', {percent: figures.percent(parts.overlay.value / 100)});
    }

    function step(levels) {
      taking++;
      const image = slopes.stepped(hand.image, discriminator.gradient(hand.image), levels);
      put({...hand, image, changed: hand.kind !== 'drawing', list: []});
    }

    function addColours() {
      const values = grey
        ? {pen: [-habits.background], eraser: [habits.background]}
        : Object.fromEntries(Object.entries(COLOURS).map(
          ([name, levels]) => [name, levels.map((level) => level / 127.5 - 1)]));
      const buttons = Object.entries(values).map(([name, value]) => {
        const button = document.createElement('button');
        button.type = 'button';
        button.title = text(name);
        button.setAttribute('aria-label', text(name));
        button.style.setProperty('--swatch', css(value));
        button.addEventListener('click', () => {
          colour = value;
          for (const each of buttons) each.setAttribute('aria-pressed', String(each === button));
        });
        return button;
      });
      parts.colours.replaceChildren(...buttons);
      buttons[0].click();
    }

    function listen() {
      parts.pad.addEventListener('pointerdown', down);
      parts.pad.addEventListener('pointermove', move);
      parts.pad.addEventListener('pointerup', up);
      parts.pad.addEventListener('pointercancel', up);
      const keys = {
        ArrowRight: () => take(chosen.kind, 1),
        ArrowLeft: () => take(chosen.kind, -1),
        ArrowUp: () => next('real'),
        ArrowDown: () => next('generated'),
      };
      parts.hand.addEventListener('keydown', (event) => {
        if (!(event.key in keys) || event.ctrlKey || event.metaKey || event.altKey) return;
        if (event.target.matches('input, select')) return;  // arrows move these
        event.preventDefault();
        guard(keys[event.key]());
      });
      parts['next-real'].addEventListener('click', () => guard(next('real')));
      parts['next-generated'].addEventListener('click', () => guard(next('generated')));
      parts.back.addEventListener('click', () => guard(take(chosen.kind, -1)));
      parts.choose.addEventListener('click', () => parts.file.click());
      parts.file.addEventListener('change', () => {
        if (parts.file.files.length > 0) guard(open(parts.file.files[0]));
        parts.file.value = '';  // so that the same file can be chosen again
      });
      parts.hand.addEventListener('dragover', (event) => {
        event.preventDefault();
        parts.hand.classList.add('over');
      });
      parts.hand.addEventListener('dragleave', () => parts.hand.classList.remove('over'));
      parts.hand.addEventListener('drop', (event) => {
        event.preventDefault();
        parts.hand.classList.remove('over');
        if (event.dataTransfer.files.length > 0) guard(open(event.dataTransfer.files[0]));
      });
      parts.clear.addEventListener('click', () => {
        taking++;
        put({kind: 'drawing', image: blank(), changed: false, list: []});
      });
      parts.swap.addEventListener('click', () => {
        taking++;
        put({...hand, image: hand.image.map((value) => -value),
          changed: hand.kind !== 'drawing', list: []});
      });
      parts.mode.addEventListener('change', () => {
        hand.list = [];
        redraw();
      });
      parts.width.addEventListener('input', showWidth);
      parts.overlay.addEventListener('input', showOverlay);
      parts.overlay.addEventListener('change', () => state.set('ask.overlay', parts.overlay.value));
      parts.towards.addEventListener('click', () => step(STEP));
      parts.away.addEventListener('click', () => step(-STEP));
      window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
    }

    function showWidth() {
      parts['width-label'].textContent = text('width', {percent: figures.percent(parts.width.value / 100)});
    }

    // An error of a promise is seen in the section, as main.js does it for `start`.
    function guard(promise) {
      promise.catch((error) => {
        complain(String(error));
        console.error(error);
      });
    }

    async function begin() {
      if (grey) {
        const some = await Promise.all(Array.from(
          {length: Math.min(MEASURED, count)}, (_, index) => images.heldOut(index)));
        habits = strokes.habits(some, shape.width, shape.height);
      }
      addColours();
      listen();
      await take(chosen.kind, 0);
    }

    parts.mode.value = grey ? 'centred' : 'over';
    parts.swap.hidden = !grey;
    parts.judge.hidden = !judge;
    parts.middle.hidden = parts.scale.querySelector('.mark').hidden = equilibrium === null;
    if (equilibrium !== null) {
      for (const each of [parts.scale, parts.middle]) {
        each.style.setProperty('--middle', equilibrium.probability);
      }
    }
    parts['step-about'].textContent = text('step_about', {levels: STEP});
    parts['losses-about'].textContent = text('losses_about', {ln2: figures.fixed(Math.LN2)});
    parts.overlay.value = state.number('ask.overlay', 50, 0, 100);
    showOverlay();
    showWidth();
    guard(begin());

    // Show an image of the run, as the game does with one of its rounds.
    show = ({real, index, seed}) => {
      if (real) chosen.index = index;
      else chosen.seed = seed;
      guard(take(real ? 'real' : 'generated', 0));
      element.querySelector('h2').scrollIntoView();
      parts.pad.focus({preventScroll: true});
    };
  }

  // The computed colour of a swatch: CSS variables have their value only there.
  function colourOf(swatch) {
    return getComputedStyle(swatch).backgroundColor.match(/\d+/g).slice(0, 3).map(Number);
  }

  // Values in [-1, 1], one a channel, as a colour of CSS.
  function css(values) {
    const levels = values.map((value) => Math.round(value * 127.5 + 127.5));
    const [red, green, blue] = levels.length === 1 ? [levels[0], levels[0], levels[0]] : levels;
    return `rgb(${red} ${green} ${blue})`;
  }

  return {start, show: (round) => show(round)};
})();
