// Section "Be D": twenty images, real or generated? A two-sample test by one's own eyes.
const game = (() => {
  const text = texts.of('game');
  // Probabilities that an answer may have, from the surest down.
  const LEVELS = [0.99, 0.8, 0.55];
  const USUAL = 1;
  // Chance stays in its interval with at least this probability.
  const CONFIDENCE = 0.95;

  // Fill the section; `element` is its <section>.
  function start(element) {
    const parts = Object.fromEntries(
      [...element.querySelectorAll('[data-part]')].map((each) => [each.dataset.part, each]));
    const {count: heldOut} = play.data.held_out;
    const places = {count: rounds.COUNT};
    let level = USUAL;
    let run = null;  // {list, shown, logits, answers}: rounds, images, D's and the reader's logits

    async function begin(seed) {
      state.set('game.seed', seed);
      const mine = run = {list: rounds.of(seed, heldOut), answers: []};
      choose(USUAL);
      turn('playing');
      parts.image.focus({preventScroll: true});
      // All images are made beforehand and kept: the time that one takes must not tell what it is.
      mine.ready = mine.list.map(() => null);
      let before = Promise.resolve();
      mine.list.forEach((round, index) => {
        before = mine.ready[index] = before.then(() => (run === mine ? made(round) : null));
      });
      await present(mine);
    }

    // The image of a round and what D says to it.
    async function made(round) {
      const image = round.real
        ? await images.heldOut(round.index)
        : engine.network(play.data.networks.generator).forward(images.code(round.seed));
      const [logit] = engine.network(play.data.networks.discriminator).forward(image);
      await new Promise((done) => setTimeout(done));  // the page stays alive between two images
      return {image, logit};
    }

    async function present(mine) {
      const at = mine.answers.length;
      mine.open = false;
      parts.progress.textContent = text('preparing');
      const found = await mine.ready[at];
      if (run !== mine) return;
      images.draw(parts.image, found.image);
      parts.image.setAttribute('aria-label', text('image', {...places, number: at + 1}));
      parts.progress.textContent = text('progress', {...places, number: at + 1});
      [parts.done.max, parts.done.value] = [rounds.COUNT, at];
      mine.open = true;
    }

    function answer(real) {
      if (!run?.open) return;
      const logit = Math.log(LEVELS[level] / (1 - LEVELS[level]));
      run.answers.push(real ? logit : -logit);
      if (run.answers.length < rounds.COUNT) guard(present(run));
      else guard(finish(run));
    }

    async function finish(mine) {
      mine.open = false;
      const found = await Promise.all(mine.ready);
      const logits = found.map((each) => each.logit);
      const truths = mine.list.map((round) => round.real);
      const you = rounds.worth(truths, mine.answers);
      const discriminator = rounds.worth(truths, logits);
      Object.assign(element.dataset, {right: you.right, bce: you.bce});
      parts.headline.textContent = text('right', {
        ...places, right: you.right, discriminator: discriminator.right});
      showChance(you, discriminator);
      showCost(you, discriminator);
      showScores(you, discriminator, truths.filter((real) => real).length);
      showStrip(mine, found);
      turn('result');
      parts.headline.focus({preventScroll: true});
      element.querySelector('h2').scrollIntoView();
    }

    function showChance(you, discriminator) {
      const {count} = you;
      const interval = binomial.interval(count, CONFIDENCE);
      const often = {
        count, low: interval.low, high: interval.high,
        probability: figures.percent(interval.probability, 1),
      };
      const {critic_accuracy: critic} = play.data.scores;
      const marks = [
        {name: text('mark_you'), value: you.right, text: you.right},
        {name: text('mark_discriminator'), value: discriminator.right, text: discriminator.right},
        ...(critic === null ? [] : [
          {name: text('mark_critic'), value: critic * count, text: figures.percent(critic)}]),
      ];
      parts['chance-chart'].replaceChildren(charts.chance({
        masses: binomial.masses(count), interval, marks, axis: text('chance_axis', {count}),
        label: text('chance_chart', {
          ...often, you: you.right, discriminator: discriminator.right}),
      }));
      const where = you.right < interval.low ? 'below'
        : you.right > interval.high ? 'above' : 'inside';
      parts['chance-words'].textContent = text(`chance_${where}`, {...often, right: you.right});
      const p = binomial.pValue(count, you.right);
      parts['p-value'].textContent = text('p_value', {
        p: p < 0.001 ? p.toExponential(1).replace('-', '−') : figures.fixed(p),
        often: figures.percent(p, p < 0.001 ? 4 : 1), half: count / 2,
      });
    }

    function showCost(you, discriminator) {
      const {critic_bce: critic} = play.data.scores;
      const marks = [
        {name: text('mark_you'), value: you.bce},
        {name: text('mark_discriminator'), value: discriminator.bce},
        ...(critic === null ? [] : [{name: text('mark_critic'), value: halved(critic)}]),
        {name: text('mark_guess'), value: Math.LN2},
      ].map((mark) => ({...mark, text: figures.fixed(mark.value)}));
      const ln2 = figures.fixed(Math.LN2);
      parts['bce-chart'].replaceChildren(charts.line({
        marks, reference: Math.LN2, axis: text('bce_axis'),
        label: text('bce_chart', {
          ln2, list: texts.list(marks.slice(0, -1).map((mark) => `${mark.name} ${mark.text}`))}),
      }));
      parts['bce-words'].textContent = text(you.bce < Math.LN2 ? 'bce_better' : 'bce_worse', {
        ln2, costly: figures.fixed(-Math.log(1 - LEVELS[0]))});
      parts.calibration.textContent = text('calibration', {
        confidence: figures.fixed(you.confidence, 2), accuracy: figures.percent(you.accuracy)});
      parts['no-probability'].hidden = play.data.loss.equilibrium !== null;
    }

    function showScores(you, discriminator, reals) {
      const {scores} = play.data;
      const of = (real, generated) => text('of_each', {real, generated});
      const rows = [
        ['row_you', of(reals, you.count - reals), you.accuracy, you.bce],
        ['row_discriminator', of(reals, you.count - reals), discriminator.accuracy,
          discriminator.bce],
        ['row_discriminator_all', of(scores.samples, scores.samples),
          scores.discriminator_accuracy, halved(scores.discriminator_bce)],
        ['row_critic', of(scores.critic_samples, scores.critic_samples),
          scores.critic_accuracy, halved(scores.critic_bce)],
        ['row_guess', '', 0.5, Math.LN2],
      ].filter(([, , accuracy]) => accuracy !== null);
      parts.scores.replaceChildren(...rows.map(([name, count, accuracy, bce]) => {
        const row = document.createElement('tr');
        row.append(
          cell('th', text(name)),
          cell('td', count),
          cell('td', figures.percent(accuracy, 1)),
          cell('td', bce === null ? '' : figures.fixed(bce)));
        return row;
      }));
    }

    function showStrip(mine, found) {
      parts.strip.replaceChildren(...mine.list.map((round, at) => {
        const truth = text(round.real ? 'truth_real' : 'truth_generated');
        const [you, discriminator] = [mine.answers[at], found[at].logit].map((logit) => ({
          right: (logit > 0) === round.real,
          answer: text(logit > 0 ? 'truth_real' : 'truth_generated'),
          probability: figures.probability(1 / (1 + Math.exp(-Math.abs(logit)))),
        }));
        const button = document.createElement('button');
        button.type = 'button';
        button.className = round.real ? 'real' : 'generated';
        button.setAttribute('aria-label', text('open', {
          number: at + 1, truth, answer: you.answer, probability: you.probability,
          discriminator: discriminator.answer,
          discriminator_probability: discriminator.probability,
        }));
        const canvas = document.createElement('canvas');
        images.draw(canvas, found[at].image);
        button.append(
          canvas,
          line('truth', truth),
          line(you.right ? 'good' : 'bad', `${you.right ? '✓' : '✗'} ${text('you_said', you)}`),
          line(discriminator.right ? 'good' : 'bad',
            `${discriminator.right ? '✓' : '✗'} ${text('d_said', discriminator)}`));
        button.addEventListener('click', () => ask.show(round));
        return button;
      }));
    }

    function turn(to) {
      for (const each of ['waiting', 'playing', 'result']) parts[each].hidden = each !== to;
    }

    function choose(index) {
      level = index;
      parts.levels.querySelectorAll('input')[index].checked = true;
    }

    function addLevels() {
      LEVELS.forEach((probability, index) => {
        const label = document.createElement('label');
        const input = document.createElement('input');
        [input.type, input.name, input.value] = ['radio', 'game-level', index];
        input.addEventListener('change', () => choose(index));
        const key = document.createElement('kbd');
        key.textContent = index + 1;
        label.append(input, ` ${text(`level_${index + 1}`, {probability})} `, key);
        parts.levels.append(label);
      });
    }

    function pressed(event) {
      if (!run?.open || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
      // With no part of the page in focus, the keys mean the game if its image is seen.
      const {top, bottom} = parts.image.getBoundingClientRect();
      const seen = bottom > 0 && top < innerHeight;
      if (!element.contains(event.target) && !(event.target === document.body && seen)) return;
      const arrows = event.target.matches('input');  // there arrows choose how sure one is
      const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
      if (key === 'r' || (key === 'ArrowLeft' && !arrows)) answer(true);
      else if (key === 'g' || (key === 'ArrowRight' && !arrows)) answer(false);
      else if (['1', '2', '3'].includes(key)) choose(Number(key) - 1);
      else return;
      event.preventDefault();
    }

    // An error of a promise is seen in the section, as main.js does it for `start`.
    function guard(promise) {
      promise.catch((error) => {
        parts.lead.className = 'error';
        parts.lead.textContent = String(error);
        console.error(error);
      });
    }

    const seed = () => Math.floor(state.number('game.seed', 1, 0, 2 ** 32 - 1));
    parts.lead.textContent = text('lead', places);
    parts.start.textContent = text('start', places);
    parts.about.textContent = text('about', places);
    addLevels();
    parts.start.addEventListener('click', () => guard(begin(seed())));
    parts.same.addEventListener('click', () => guard(begin(seed())));
    parts.again.addEventListener('click', () => guard(begin(random.seed())));
    parts.real.addEventListener('click', () => answer(true));
    parts.generated.addEventListener('click', () => answer(false));
    document.addEventListener('keydown', pressed);
  }

  // The scores hold the sum of the cross-entropies on real and on generated images.
  function halved(sum) {
    return sum === null ? null : sum / 2;
  }

  function cell(tag, words) {
    const part = document.createElement(tag);
    if (tag === 'th') part.scope = 'row';
    else part.className = 'number';
    part.textContent = words;
    return part;
  }

  function line(kind, words) {
    const part = document.createElement('span');
    part.className = kind;
    part.textContent = words;
    return part;
  }

  return {start};
})();
