// What D and the judge say of an image: words, a table, bars, and colours.
const answers = (() => {
  const text = texts.of('ask');
  const shape = play.data.image;
  // Losses of the table; that of this D joins them.
  const LOSSES = ['bce', 'bce_with_logits', 'mse', 'hinge'];
  // Bars of the judge.
  const BARS = 10;

  // In words: what D says, how sure it is, and whether it is right. `kind`: what the image is, real
  // or generated; something else where nobody can say.
  function verdict(logit, kind) {
    const probability = sigmoid(logit);
    const side = logit > 0 ? 'real' : 'generated';
    const given = Math.max(probability, 1 - probability);
    const sure = given >= 0.99 ? 'sure' : given >= 0.8 ? 'thinks' : given >= 0.55 ? 'leans' : null;
    const says = text(sure === null ? 'undecided' : `${sure}_${side}`);
    if (!['real', 'generated'].includes(kind)) return says;
    const outcome = sure === null ? 'unsure' : side === kind ? 'right' : 'wrong';
    return texts.sentences([says, text(`${outcome}_${kind}`)]);
  }

  // The table of the losses: each term at this logit, and its difference from the one at logit 0.
  function showTerms(body, logit) {
    // A loss that was added to the project may not be in the page's table.
    // A loss of pairs has no term of one image.
    const known = [...LOSSES, play.data.loss.name]
      .filter((name) => name in losses.table && !losses.table[name].paired);
    const names = [...new Set(known)];
    body.replaceChildren(...names.map((name) => {
      const row = document.createElement('tr');
      const head = document.createElement('th');
      head.scope = 'row';
      head.textContent = text(`loss_${name}`);
      if (name === play.data.loss.name) head.append(small(text('trained')));
      row.append(head);
      const [here, middle] = [termsOf(name, logit), termsOf(name, 0)];
      for (const term of ['real', 'fake', 'generator']) {
        const cell = document.createElement('td');
        cell.className = 'number';
        cell.textContent = figures.fixed(here[term]);
        cell.append(small(figures.signed(here[term] - middle[term])));
        row.append(cell);
      }
      return row;
    }));
  }

  // How far the terms of the loss that D was trained with are from their equilibrium.
  function ownLoss(logit) {
    const {name, equilibrium} = play.data.loss;
    if (!(name in losses.table)) return '';
    const loss = text(`loss_${name}`);
    if (equilibrium === null) return text('own_none', {loss});
    if (losses.table[name].paired) return text('own_pairs', {loss});
    const about = text('own', {
      loss,
      probability: figures.fixed(equilibrium.probability, 2),
      logit: figures.fixed(equilibrium.logit, 2),
    });
    // The run's options may weigh the terms; the formulas here have none.
    const there = termsOf(name, equilibrium.logit);
    if (Math.abs(there.real + there.fake - equilibrium.discriminator) > 1e-4) {
      return texts.sentences([about, text('own_options')]);
    }
    const here = termsOf(name, logit);
    const sum = here.real + here.fake;
    return texts.sentences([
      about,
      text('own_sum', {
        sum: figures.fixed(sum),
        equilibrium: figures.fixed(equilibrium.discriminator),
        more: figures.fixed(Math.max(0, sum - equilibrium.discriminator)),
      }),
      text('own_generator', {
        equilibrium: figures.fixed(equilibrium.generator), value: figures.fixed(here.generator)}),
    ]);
  }

  // In words: where the slope is steep, and how steep it is.
  function slopeWords(gradient) {
    const found = slopes.strongest(slopes.byBrightness(gradient, shape), shape);
    if (found === null) return text('look_flat');
    return text('look_words', {
      place: text(`place_${found.field}`),
      share: figures.percent(found.share),
      even: figures.percent(1 / 9),
      levels: figures.fixed(slopes.levelsForOne(gradient), 1),
    });
  }

  // Bars of the judge's probabilities; returns the likeliest class, {name, probability}.
  function showBars(bars, logits) {
    const shares = softmax(logits);
    const order = shares.map((_, index) => index).sort((a, b) => shares[b] - shares[a]);
    const [best] = order;
    const named = (index) => play.data.classes[index];
    // Few classes stand in their own order, of many the likeliest ones.
    const listed = shares.length <= BARS ? [...order].sort((a, b) => a - b) : order.slice(0, BARS);
    bars.setAttribute('aria-label', text('judge_label', {
      list: texts.list(listed.map((index) => text('judge_share', {
        name: named(index), probability: figures.percent(shares[index])})))}));
    bars.replaceChildren(...listed.map((index) => {
      const row = document.createElement('div');
      const [name, bar, share] = ['name', 'bar', 'share'].map((kind) => {
        const part = document.createElement('span');
        part.className = kind;
        return part;
      });
      name.textContent = named(index);
      share.textContent = figures.percent(shares[index]);
      bar.style.setProperty('--at', shares[index]);
      row.classList.toggle('best', index === best);
      row.append(name, bar, share);
      return row;
    }));
    return {name: named(best), probability: shares[best]};
  }

  // Where brighter is more real in one colour, where it is less real in the other; the colour is
  // full from the slope on that one pixel in fifty reaches.
  function paintHeat(canvas, slope, more, less) {
    canvas.width = shape.width;
    canvas.height = shape.height;
    const sizes = slope.map(Math.abs).sort();
    const full = sizes[Math.floor(0.98 * (sizes.length - 1))] || sizes.at(-1) || 1;
    const context = canvas.getContext('2d');
    const pixels = context.createImageData(shape.width, shape.height);
    slope.forEach((value, at) => {
      const alpha = Math.round(255 * Math.min(1, Math.abs(value) / full));
      pixels.data.set([...(value > 0 ? more : less), alpha], 4 * at);
    });
    context.putImageData(pixels, 0, 0);
  }

  // D's term of a loss for a real and for a generated image with this logit, and G's.
  function termsOf(name, logit) {
    const loss = losses.table[name];
    const s = Math.fround(logit);
    return {real: loss.value(s, 1), fake: loss.value(s, 0), generator: loss.generator.value(s)};
  }

  function small(words) {
    const part = document.createElement('small');
    part.textContent = words;
    return part;
  }

  function sigmoid(logit) {
    const tail = Math.exp(-Math.abs(logit));
    return (logit >= 0 ? 1 : tail) / (1 + tail);
  }

  function softmax(logits) {
    const largest = Math.max(...logits);
    const powers = Array.from(logits, (logit) => Math.exp(logit - largest));
    const sum = powers.reduce((total, power) => total + power, 0);
    return powers.map((power) => power / sum);
  }

  return {verdict, showTerms, ownLoss, slopeWords, showBars, paintHeat, sigmoid};
})();
