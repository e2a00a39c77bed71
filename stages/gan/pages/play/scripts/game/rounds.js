// The rounds of the game, and what answers are worth. Without DOM.
const rounds = (() => {
  const COUNT = 20;

  // The rounds of a seed: a coin says for each whether its image is real; {real: true, index} is a
  // held-out image, {real: false, seed} the seed of a latent code. No image comes twice, unless
  // there are fewer held-out ones than rounds.
  function of(seed, heldOut) {
    const draw = random.stream(seed);
    let left = [];
    return Array.from({length: COUNT}, () => {
      if (draw.uniform() < 0.5) {
        if (left.length === 0) left = Array.from({length: heldOut}, (_, index) => index);
        const [index] = left.splice(Math.floor(draw.uniform() * left.length), 1);
        return {real: true, index};
      }
      return {real: false, seed: Math.floor(draw.uniform() * 2 ** 31)};
    });
  }

  // What logits of "real" are worth, given what the images were (true: real):
  // {count, right, accuracy, bce, confidence}. Above 0 an answer is "real", as in the critic's test.
  // The cross-entropy is the mean of -ln of the probability that was given to the truth, in nats;
  // the confidence is the mean of the probabilities that were given to the answers.
  function worth(truths, logits) {
    let [right, bce, confidence] = [0, 0, 0];
    truths.forEach((real, index) => {
      const logit = logits[index];
      right += (logit > 0) === real ? 1 : 0;
      bce += softplus(real ? -logit : logit);
      confidence += 1 / (1 + Math.exp(-Math.abs(logit)));
    });
    const count = truths.length;
    return {count, right, accuracy: right / count, bce: bce / count, confidence: confidence / count};
  }

  // ln(1 + exp(s)) without overflow: -ln of the probability sigmoid(-s).
  function softplus(s) {
    return Math.max(s, 0) + Math.log1p(Math.exp(-Math.abs(s)));
  }

  return {COUNT, of, worth};
})();
