// A GAN of two small networks that draws points in the plane: data, networks, gradients and Adam,
// in float32 and without a library. Nothing here draws or knows of the page.
const smallGanModel = (() => {
  const LEAK = 0.2;        // slope of the leaky ReLU below 0
  const EPSILON = 1e-8;    // of Adam
  // Adam moves each weight by about the rate. In the lecture's networks such moves of 784 inputs
  // and up to 512 units add up in one logit, here of 2 inputs and 64 units. So that a rate means
  // about the same in both, each weight here moves by this much times the rate.
  const REACH = 20;
  const CODES = 320;       // of the points that are shown and counted
  const BATCH = 256;       // the largest
  const CHUNK = 2 * BATCH; // examples that go through a network at once

  // Sets of points, each with `draw(stream)` for a point and `places`: what G shall cover. A point
  // that lies within `reach` of a place belongs to it.
  function ring() {
    const places = Array.from({length: 8}, (_, i) =>
      arithmetic.circle(i * Math.PI / 4).map((each) => 2 * each));
    const draw = (stream) => {
      const [x, y] = places[stream.below(8)];
      return [x + 0.12 * stream.normal(), y + 0.12 * stream.normal()];
    };
    return {places, reach: 0.45, draw};
  }

  function curve(at, count, noise, reach) {
    return {
      places: Array.from({length: count}, (_, i) => at((i + 0.5) / count)),
      reach,
      draw(stream) {
        const [x, y] = at(stream.uniform());
        return [x + noise * stream.normal(), y + noise * stream.normal()];
      },
    };
  }

  function moons() {
    return curve((share) => {
      const upper = share < 0.5;
      const [cos, sin] = arithmetic.circle(2 * Math.PI * (upper ? share : share - 0.5));
      return upper ? [1.5 * cos - 0.75, 1.5 * sin - 0.4] : [0.75 - 1.5 * cos, 0.4 - 1.5 * sin];
    }, 12, 0.08, 0.45);
  }

  function spiral() {
    return curve((share) => {
      const along = Math.sqrt(share);  // as many points on each piece of the same length
      const [cos, sin] = arithmetic.circle(3 * Math.PI * along);
      return [2.5 * along * cos, 2.5 * along * sin];
    }, 16, 0.08, 0.4);
  }

  const DATA = {ring, moons, spiral};

  // out[r, c] = sum over k of a[r, k] b[c, k], all row by row. Four sums at a time: each number that
  // is read serves twice.
  function products(a, b, out, rows, columns, length) {
    for (let r = 0; r < rows; r += 2) {
      const r2 = Math.min(r + 1, rows - 1);
      const a1 = r * length;
      const a2 = r2 * length;
      for (let c = 0; c < columns; c += 2) {
        const c2 = Math.min(c + 1, columns - 1);
        const b1 = c * length;
        const b2 = c2 * length;
        let sum11 = 0;
        let sum12 = 0;
        let sum21 = 0;
        let sum22 = 0;
        for (let k = 0; k < length; k++) {
          const x1 = a[a1 + k];
          const x2 = a[a2 + k];
          const y1 = b[b1 + k];
          const y2 = b[b2 + k];
          sum11 += x1 * y1;
          sum12 += x1 * y2;
          sum21 += x2 * y1;
          sum22 += x2 * y2;
        }
        out[r * columns + c] = sum11;
        out[r * columns + c2] = sum12;
        out[r2 * columns + c] = sum21;
        out[r2 * columns + c2] = sum22;
      }
    }
  }

  // Columns as rows.
  function turned(matrix, rows, columns, into) {
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < columns; c++) into[c * rows + r] = matrix[r * columns + c];
    }
    return into;
  }

  // A network of dense layers, leaky ReLU between them, float32. `sizes`: of the inputs, of each
  // layer's outputs. Weights start uniform in +-sqrt(1 / inputs), as PyTorch's Linear does.
  function network(sizes, stream) {
    const layers = sizes.slice(1).map((outputs, i) => {
      const inputs = sizes[i];
      const bound = Math.sqrt(1 / inputs);
      const values = Float32Array.from({length: outputs * (inputs + 1)},
        () => bound * (2 * stream.uniform() - 1));
      return {
        inputs,
        outputs,
        values,  // a row of weights for each output, then the biases
        slopes: new Float32Array(values.length),
        first: new Float32Array(values.length),   // Adam's moments
        second: new Float32Array(values.length),
        out: new Float32Array(outputs * CHUNK),
        back: new Float32Array(inputs * CHUNK),
        given: null,
      };
    });
    const widest = Math.max(...sizes);
    const turnedSlopes = new Float32Array(widest * CHUNK);
    const turnedInput = new Float32Array(widest * CHUNK);
    const turnedWeights = new Float32Array(widest * widest);
    let updates = 0;

    // The outputs of `count` inputs, CHUNK at most, one after the other. They stay until the next
    // call.
    function forward(input, count) {
      layers.forEach((layer, number) => {
        const {inputs, outputs, values, out} = layer;
        const last = number === layers.length - 1;
        const biases = inputs * outputs;
        layer.given = input;
        products(input, values, out, count, outputs, inputs);
        for (let n = 0; n < count; n++) {
          for (let o = 0; o < outputs; o++) {
            const sum = out[n * outputs + o] + values[biases + o];
            out[n * outputs + o] = sum > 0 || last ? sum : LEAK * sum;
          }
        }
        input = out;
      });
      return input;
    }

    // After `forward`: from the slopes of a loss by the outputs to those by the inputs, which stay
    // until the next call. Those by the weights are in `slopes` of each layer unless `weights` is
    // false. `given` is overwritten.
    function backward(given, count, weights = true) {
      for (let number = layers.length - 1; number >= 0; number--) {
        const {inputs, outputs, values, slopes, out, back, given: input} = layers[number];
        if (number < layers.length - 1) {
          for (let i = 0; i < count * outputs; i++) if (!(out[i] > 0)) given[i] *= LEAK;
        }
        if (weights) {
          turned(given, count, outputs, turnedSlopes);
          turned(input, count, inputs, turnedInput);
          products(turnedSlopes, turnedInput, slopes, outputs, inputs, count);
          for (let o = 0; o < outputs; o++) {
            let sum = 0;
            for (let n = 0; n < count; n++) sum += turnedSlopes[o * count + n];
            slopes[inputs * outputs + o] = sum;
          }
        }
        turned(values, outputs, inputs, turnedWeights);
        products(given, turnedWeights, back, count, inputs, outputs);
        given = back;
      }
      return given;
    }

    // The length of the gradient that `slopes` holds.
    function length() {
      let sum = 0;
      for (const {slopes} of layers) for (const slope of slopes) sum += slope * slope;
      return Math.sqrt(sum);
    }

    // One step of Adam (Kingma and Ba 2015, algorithm 1) along `slopes`.
    function update(rate, beta1, beta2) {
      updates += 1;
      let power1 = 1;
      let power2 = 1;
      for (let i = 0; i < updates; i++) {
        power1 *= beta1;
        power2 *= beta2;
      }
      const size = REACH * rate / (1 - power1);
      const shrink = 1 / (1 - power2);
      for (const {values, slopes, first, second} of layers) {
        for (let i = 0; i < values.length; i++) {
          const slope = slopes[i];
          first[i] = beta1 * first[i] + (1 - beta1) * slope;
          second[i] = beta2 * second[i] + (1 - beta2) * slope * slope;
          values[i] -= size * first[i] / (Math.sqrt(second[i] * shrink) + EPSILON);
        }
      }
    }

    return {layers, forward, backward, length, update};
  }

  // A GAN at its first step. `settings` may change between steps:
  //   loss: a name of `losses.table`; rate; beta1; beta2; batch: up to 256; discriminatorSteps.
  // `kind` is a key of DATA; `seed` fixes weights, data and codes.
  function create({kind, seed, width = 64, code = 4}, settings) {
    const points = DATA[kind]();
    const start = random.stream(seed);
    const generator = network([code, width, width, 2], start);
    const discriminator = network([2, width, width, 1], start);
    const stream = random.stream(seed + 1);
    const shown = Float32Array.from({length: CODES * code}, () => start.normal());
    const seenByD = new Float32Array(2 * CHUNK);
    const codes = new Float32Array(code * BATCH);
    const slopes = new Float32Array(CHUNK);
    // What the last steps saw: losses, mean probabilities, and the lengths of the gradients.
    const seen = {
      stepsD: 0,
      stepsG: 0,
      real: NaN,
      fake: NaN,
      generator: NaN,
      answerReal: NaN,
      answerFake: NaN,
      middle: 0,  // the logit of a point that is as likely real as generated
      gradientD: NaN,
      gradientG: NaN,
    };

    function drawFake(count) {
      for (let i = 0; i < code * count; i++) codes[i] = stream.normal();
      return generator.forward(codes, count);
    }

    // Of D's logits number `from` to `from + count - 1`: the mean of a term of the loss, its slope
    // by each logit in `slopes`, and the mean probability.
    function judged(logits, from, count, value, slope) {
      let total = -0;  // a sum of -0 is -0
      let probability = 0;
      for (let n = from; n < from + count; n++) {
        total += value(logits[n]);
        probability += losses.sigmoid(logits[n]);
        slopes[n] = slope(logits[n]) / count;
      }
      return {loss: total / count, probability: probability / count};
    }

    // Of pairs: the mean of D's loss, its slopes by the real and by the generated points' logits,
    // one after the other, and the mean probability of the right order.
    function judgedPairs(logits, count, {value, slope}) {
      let total = -0;
      let probability = 0;
      let sum = 0;
      for (let n = 0; n < count; n++) {
        const s = logits[n] - logits[count + n];
        total += value(s, 1);
        probability += losses.sigmoid(s);
        sum += logits[n] + logits[count + n];
        slopes[n] = slope(s, 1) / count;
        slopes[count + n] = -slopes[n];
      }
      return {loss: total / count, probability: probability / count, middle: sum / (2 * count)};
    }

    // The gradient of D's loss on one batch, in D's `slopes`.
    function gradientOfD() {
      const {value, slope, paired} = losses.table[settings.loss];
      const count = settings.batch;
      for (let n = 0; n < count; n++) seenByD.set(points.draw(stream), 2 * n);
      seenByD.set(drawFake(count).subarray(0, 2 * count), 2 * count);
      const logits = discriminator.forward(seenByD, 2 * count);
      if (paired) {
        const found = judgedPairs(logits, count, losses.table[settings.loss]);
        discriminator.backward(slopes, 2 * count);
        Object.assign(seen, {
          real: found.loss,
          fake: 0,
          answerReal: found.probability,
          answerFake: 1 - found.probability,
          middle: found.middle,
          gradientD: discriminator.length(),
        });
        return;
      }
      seen.middle = 0;
      const ofReal = judged(logits, 0, count, (s) => value(s, 1), (s) => slope(s, 1));
      const ofFake = judged(logits, count, count, (s) => value(s, 0), (s) => slope(s, 0));
      discriminator.backward(slopes, 2 * count);
      seen.real = ofReal.loss;
      seen.fake = ofFake.loss;
      seen.answerReal = ofReal.probability;
      seen.answerFake = ofFake.probability;
      seen.gradientD = discriminator.length();
    }

    // The logits of a batch of real points, if the loss compares with them; otherwise zeros.
    function besides(count) {
      const found = new Float32Array(count);
      if (!losses.table[settings.loss].paired) return found;
      for (let n = 0; n < count; n++) seenByD.set(points.draw(stream), 2 * n);
      found.set(discriminator.forward(seenByD, count).subarray(0, count));
      return found;
    }

    // The gradient of G's term on one batch, in G's `slopes`.
    function gradientOfG() {
      const {value, slope} = losses.table[settings.loss].generator;
      const count = settings.batch;
      const others = besides(count);
      const answers = discriminator.forward(drawFake(count), count);
      const logits = others.map((other, n) => answers[n] - other);
      const ofFake = judged(logits, 0, count, value, slope);
      generator.backward(discriminator.backward(slopes, count, false), count);
      seen.generator = ofFake.loss;
      seen.answerFake = ofFake.probability;
      seen.gradientG = generator.length();
    }

    // Means of `seen` over the last steps, in which a verdict trusts.
    const mean = {};

    function remember() {
      for (const key of ['real', 'fake', 'generator', 'answerReal', 'answerFake']) {
        if (Number.isNaN(seen[key])) continue;
        mean[key] = key in mean ? mean[key] + 0.05 * (seen[key] - mean[key]) : seen[key];
      }
    }

    function stepD() {
      gradientOfD();
      discriminator.update(settings.rate, settings.beta1, settings.beta2);
      seen.stepsD += 1;
      remember();
    }

    function stepG() {
      gradientOfG();
      generator.update(settings.rate, settings.beta1, settings.beta2);
      seen.stepsG += 1;
      remember();
    }

    // D's steps, then one of G.
    function step() {
      for (let i = 0; i < settings.discriminatorSteps; i++) stepD();
      stepG();
    }

    // A network's outputs for any number of inputs, `into` an array.
    function through(net, input, inputs, outputs, into) {
      const count = input.length / inputs;
      for (let from = 0; from < count; from += CHUNK) {
        const part = input.subarray(from * inputs, (from + CHUNK) * inputs);
        const size = part.length / inputs;
        into.set(net.forward(part, size).subarray(0, size * outputs), from * outputs);
      }
      return into;
    }

    const generated = new Float32Array(2 * CODES);
    // Points of G for CODES fixed codes; D's logits of points x, y, x, y ...
    const sample = () => through(generator, shown, code, 2, generated);
    const logits = (places, into) => through(discriminator, places, 2, 1, into);

    // Which share of `sample` lies on the data's places, and how many of these G covers: with a
    // quarter of a fair share of its points at least.
    function coverage() {
      const {places, reach} = points;
      const counts = new Int32Array(places.length);
      let near = 0;
      const xy = sample();
      for (let n = 0; n < CODES; n++) {
        let best = -1;
        let nearest = reach * reach;
        for (let k = 0; k < places.length; k++) {
          const dx = xy[2 * n] - places[k][0];
          const dy = xy[2 * n + 1] - places[k][1];
          const square = dx * dx + dy * dy;
          if (square < nearest) {
            nearest = square;
            best = k;
          }
        }
        if (best >= 0) {
          counts[best] += 1;
          near += 1;
        }
      }
      const fair = CODES / places.length;
      return {
        covered: counts.filter((count) => count >= fair / 4).length,
        places: places.length,
        near: near / CODES,
      };
    }

    // What is going on, as a key of the section's texts, and what it says there.
    function verdict() {
      const places = coverage();
      const said = {covered: places.covered, places: places.places, near: Math.round(100 * places.near)};
      const best = losses.equilibrium(settings.loss);
      const off = Math.abs(mean.real + mean.fake - best.discriminator) / best.discriminator;
      let key = 'learning';
      if (seen.stepsD + seen.stepsG === 0) key = 'new';
      else if (!Number.isFinite(seen.fake + seen.generator) && seen.stepsD && seen.stepsG) key = 'overflow';
      else if (seen.gradientG === 0 && seen.gradientD === 0) key = 'dead';
      else if (seen.gradientG === 0) key = 'd_won';
      else if (seen.stepsD < 20 || seen.stepsG < 20) key = 'early';
      else if (mean.real + mean.fake > 2.5 * best.discriminator || mean.generator > 6) key = 'swinging';
      else if (mean.answerReal > 0.9 && mean.answerFake < 0.1) key = 'd_ahead';
      else if (places.covered <= places.places / 2) key = 'few';
      else if (off < 0.25 && places.covered >= 0.75 * places.places && places.near > 0.6) key = 'near';
      return {key, ...said};
    }

    return {
      settings, seen, points, generator, discriminator,
      step, stepD, stepG, gradientOfD, gradientOfG, sample, logits, coverage, verdict,
    };
  }

  return {DATA, CODES, network, create};
})();
