// The losses of stages/gan/losses on one logit s and one label y, in float32: each operation is
// rounded, as the computer that trains the networks rounds it.
const losses = (() => {
  const f = Math.fround;
  // MindSpore's nn.BCELoss takes ln(p + 1e-12), which is never below ln 1e-12 = -27.631.
  const LOWEST = f(1e-12);

  // p = 1 / (1 + exp(-s)), and its first step, whose rounding decides from where on p is 1.
  const onePlus = (s) => f(1 + f(arithmetic.exp(-s)));
  const sigmoid = (s) => f(1 / onePlus(s));
  // ln(1 + exp(s)) without overflow.
  const softplus = (s) =>
    f(Math.max(s, 0) + f(arithmetic.ln1p(f(arithmetic.exp(-Math.abs(s))))));
  const cutLn = (p) => f(arithmetic.ln(f(p + LOWEST)));

  // Each loss: `value` and `slope` (its derivative by the logit) of logit s and label y.
  // D's terms are those of y = 1 for real and y = 0 for generated. G's is that of y = 1, unless
  // there is a `generator` of its own. `smooth`: whether the label may lie between 0 and 1.
  const bce = {
    smooth: true,
    value(s, y) {
      const p = sigmoid(s);
      return -f(f(y * cutLn(p)) + f(f(1 - y) * cutLn(f(1 - p))));
    },
    slope(s, y) {
      const p = sigmoid(s);
      const spread = f(p * f(1 - p));
      return f(f(f(p - y) / Math.max(spread, LOWEST)) * spread);
    },
  };
  const bceWithLogits = {
    smooth: true,
    value: (s, y) => f(softplus(s) - f(y * s)),
    slope: (s, y) => f(sigmoid(s) - y),
  };
  // The same with labels +1 and -1; a smoothed label is +1 for that share of the images.
  const ofSigns = {
    smooth: true,
    value: (s, y) => f(f(y * softplus(-s)) + f(f(1 - y) * softplus(s))),
    slope: (s, y) => f(f(f(1 - y) * sigmoid(s)) - f(y * sigmoid(-s))),
  };
  const mse = {
    smooth: true,
    value(s, y) {
      const error = f(sigmoid(s) - y);
      return f(error * error);
    },
    slope(s, y) {
      const p = sigmoid(s);
      return f(f(2 * f(p - y)) * f(p * f(1 - p)));
    },
  };
  const hinge = {
    smooth: false,
    value: (s, y) => Math.max(0, f(y === 1 ? 1 - s : 1 + s)),
    slope(s, y) {
      if (y === 1) return s < 1 ? -1 : 0;
      return s > -1 ? 1 : 0;
    },
    generator: {value: (s) => -s, slope: () => -1},
  };
  const wasserstein = {
    smooth: false,
    value: (s, y) => (y === 1 ? -s : s),
    slope: (s, y) => (y === 1 ? -1 : 1),
  };

  // A pair of a real and a generated image: s is the image's logit less that of the other one, y = 1
  // if the image is the real one. D's loss is `value(s, 1)` of the pair, not a sum of two terms.
  const pairing = {
    smooth: false,
    paired: true,
    value: (s, y) => softplus(y === 1 ? -s : s),
    slope: (s, y) => (y === 1 ? -sigmoid(-s) : sigmoid(s)),
  };

  const table = {
    bce,
    bce_with_logits: bceWithLogits,
    softplus: ofSigns,
    mse,
    hinge,
    wgan_gp: wasserstein,
    rpgan: pairing,
  };
  for (const each of Object.values(table)) {
    each.generator ??= {value: (s) => each.value(s, 1), slope: (s) => each.slope(s, 1)};
  }

  // Where D's answer is best if generated images are distributed as real ones: D's two terms
  // together (of a pair its loss) and G's term there. Null for wgan_gp, whose terms cancel at each
  // logit.
  function equilibrium(name) {
    if (name === 'wgan_gp') return null;
    const each = table[name];
    return {
      probability: 0.5,
      discriminator: each.paired ? each.value(0, 1) : each.value(0, 1) + each.value(0, 0),
      generator: each.generator.value(0),
    };
  }

  return {table, sigmoid, onePlus, equilibrium};
})();
