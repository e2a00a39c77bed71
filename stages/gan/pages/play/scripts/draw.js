// Section "Draw from G".
const draw = (() => {
  const text = texts.of('draw');
  const COUNT = 25;
  const COLUMNS = 5;
  const HIGHEST_SEED = 2 ** 32 - 1;
  // How far a slider moves along its direction; a code has a length of about the root of its size.
  const REACH = 6;
  const WALK_SECONDS = 5;
  // Work of one frame of the screen, in milliseconds.
  const FRAME = 12;

  // The code on the great circle from one code to another, at `way` from 0 to 1 (White 2016).
  function between(start, end, way) {
    let dot = 0, first = 0, second = 0;
    for (let i = 0; i < start.length; i++) {
      dot += start[i] * end[i];
      first += start[i] ** 2;
      second += end[i] ** 2;
    }
    const cosine = dot / Math.max(Math.sqrt(first * second), 1e-12);
    const angle = Math.acos(Math.min(1, Math.max(-1, cosine)));
    const sine = Math.sin(angle);
    const straight = sine < 1e-6;
    const a = straight ? 1 - way : Math.sin((1 - way) * angle) / sine;
    const b = straight ? way : Math.sin(way * angle) / sine;
    return start.map((value, i) => a * value + b * end[i]);
  }

  // A code moved along unit vectors.
  function moved(code, vectors, amounts) {
    return code.map((value, i) => vectors.reduce((sum, v, k) => sum + amounts[k] * v[i], value));
  }

  // Fill the section; `element` is its <section>.
  function start(element) {
    const part = name => element.querySelector(`[data-draw="${name}"]`);
    const generator = engine.network(play.data.networks.generator);
    const discriminator = engine.network(play.data.networks.discriminator);
    const vectors = play.data.directions.map(direction => direction.values);
    const whole = (key, otherwise) => Math.round(state.number(`draw.${key}`, otherwise, 0, HIGHEST_SEED));
    const places = play.data.epochs;

    let first = whole('field', 1);
    let opened = whole('code', first);
    let end = whole('to', first + 1);
    let way = state.number('draw.way', 0, 0, 1);
    const amounts = vectors.map((_, k) => state.number(`draw.direction${k + 1}`, 0, -REACH, REACH));
    let times = [];

    // What is to be drawn: the large image first, then the small ones, one after the other.
    const waiting = new Map();
    let visible = false;
    let asked = false;
    let playing = null;

    function ask(name, work) {
      if (name) waiting.set(name, work);
      if (visible && !asked && (waiting.size || playing)) {
        asked = true;
        requestAnimationFrame(frame);
      }
    }

    function frame(now) {
      asked = false;
      if (playing) step(now);
      const begin = performance.now();
      for (const [name, work] of [...waiting].sort((a, b) => (a[0] > b[0]) - (a[0] < b[0]))) {
        waiting.delete(name);
        work();
        if (performance.now() - begin > FRAME) break;
      }
      ask();
    }

    new IntersectionObserver(entries => {
      visible = entries.at(-1).isIntersecting;
      if (playing) playing.at = null;
      ask();
    }).observe(element);

    function image(code) {
      const begin = performance.now();
      const drawn = generator.forward(code);
      times = [...times, performance.now() - begin].slice(-9);
      return drawn;
    }

    // The 25.
    const buttons = Array.from({length: COUNT}, (_, i) => {
      const button = document.createElement('button');
      button.type = 'button';
      button.setAttribute('aria-label', text('code_label', {number: i + 1}));
      button.append(document.createElement('canvas'));
      button.addEventListener('click', () => open(first + i));
      button.addEventListener('keydown', event => {
        const by = {ArrowLeft: -1, ArrowRight: 1, ArrowUp: -COLUMNS, ArrowDown: COLUMNS}[event.key];
        if (by === undefined) return;
        event.preventDefault();
        const next = i + by;
        if (next < 0 || next >= COUNT) return;
        buttons[next].focus();
        open(first + next);
      });
      part('field').append(button);
      return button;
    });

    function showField() {
      buttons.forEach((button, i) => ask(`c${String(i).padStart(2, '0')}`, () => {
        images.draw(button.firstChild, image(images.code(first + i)));
      }));
      mark();
    }

    function mark() {
      const at = opened - first;
      const reached = at >= 0 && at < COUNT ? at : 0;
      buttons.forEach((button, i) => {
        button.setAttribute('aria-pressed', String(i === at));
        button.tabIndex = i === reached ? 0 : -1;  // the arrow keys reach the others
      });
    }

    part('others').addEventListener('click', () => {
      first = random.seed();
      state.set('draw.field', first);
      showField();
      open(first);
    });

    // The chosen code, its directions and its walk.
    function open(seed) {
      opened = seed;
      state.set('draw.code', opened);
      mark();
      unmoved();
    }

    function unmoved() {
      amounts.fill(0);
      way = 0;
      pause();
      showControls();
      show();
      save();
    }

    // Keep in the address what the sliders say, once they have come to rest.
    function save() {
      amounts.forEach((amount, k) => state.set(`draw.direction${k + 1}`, amount));
      state.set('draw.way', way.toFixed(2));
      state.set('draw.to', end);  // else another field of codes would change it
    }

    function show() {
      const begin = () => moved(images.code(opened), vectors, amounts);
      ask('a', () => {
        const drawn = image(between(begin(), images.code(end), way));
        images.draw(part('large'), drawn);
        const logit = discriminator.forward(drawn)[0];
        part('answer').textContent = text('answer', {
          probability: figures.probability(1 / (1 + Math.exp(-logit))),
        });
      });
      ask('b', () => images.draw(part('from'), image(begin())));
    }

    part('another').addEventListener('click', () => open(random.seed()));
    part('back').addEventListener('click', unmoved);

    const sliders = vectors.map((_, k) => {
      const label = document.createElement('label');
      const name = document.createElement('span');
      const slider = document.createElement('input');
      Object.assign(slider, {type: 'range', min: -REACH, max: REACH, step: 0.1});
      slider.addEventListener('input', () => {
        amounts[k] = slider.valueAsNumber;
        showControls();
        show();
      });
      slider.addEventListener('change', save);
      label.append(name, slider);
      part('directions').append(label);
      return {name, slider};
    });

    function showControls() {
      sliders.forEach(({name, slider}, k) => {
        slider.value = amounts[k];
        name.textContent = text('direction', {
          number: k + 1,
          value: figures.signed(amounts[k], 1),
          share: figures.percent(play.data.directions[k].share),
        });
      });
      part('walk').value = way;
      part('walk-label').textContent = text('walk_label', {at: way.toFixed(2)});
    }

    part('walk').addEventListener('input', () => {
      pause();
      way = part('walk').valueAsNumber;
      showControls();
      show();
    });
    part('walk').addEventListener('change', save);

    function showEnd() {
      ask('b-end', () => images.draw(part('to'), image(images.code(end))));
    }

    part('other-end').addEventListener('click', () => {
      end = random.seed();
      showEnd();
      show();
      save();
    });

    // There and back again, until it is stopped or scrolled out of view.
    function step(now) {
      if (playing.at !== null) {
        way += playing.sign * (now - playing.at) / 1000 / WALK_SECONDS;
        if (way > 1) [way, playing.sign] = [Math.min(1, 2 - way), -1];
        if (way < 0) [way, playing.sign] = [Math.max(0, -way), 1];
        showControls();
        show();
      }
      playing.at = now;
    }

    function pause() {
      playing = null;
      part('play').setAttribute('aria-pressed', 'false');
    }

    part('play').addEventListener('click', () => {
      if (playing) {
        pause();
        save();
        return;
      }
      playing = {at: null, sign: 1};
      part('play').setAttribute('aria-pressed', 'true');
      ask();
    });

    // The epochs.
    const last = places.length - 1;
    part('epoch').max = last;
    function showEpoch(place) {
      part('epoch').value = place;
      part('picture').src = places[place].picture;
      part('epoch-label').textContent = text('epoch', {
        epoch: places[place].epoch, last: places[last].epoch,
      });
    }
    part('epoch').addEventListener('input', () => {
      showEpoch(part('epoch').valueAsNumber);
    });
    part('epoch').addEventListener('change', () => {
      state.set('draw.epoch', places[part('epoch').valueAsNumber].epoch);
    });
    const epoch = state.number('draw.epoch', places[last].epoch);
    const at = places.findIndex(place => place.epoch >= epoch);
    showEpoch(at < 0 ? last : at);

    showField();
    showEnd();
    showControls();
    show();
    ask('d', () => {
      const {generator: g, discriminator: d} = play.data.networks;
      part('packing').textContent = text('packing', {
        form: text(g.form),
        levels: g.difference,
        logits: d.difference,
        time: [...times].sort((a, b) => a - b)[times.length >> 1].toPrecision(2),
      });
    });
  }

  return {start, between, moved};
})();
