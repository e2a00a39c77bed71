// What the gradient of a logit with respect to an image says. Without DOM.
//
// Pixels are in [-1, 1], so that a grey level of 255 is 1 / LEVELS of a unit.
const slopes = (() => {
  const LEVELS = 127.5;
  const FIELDS = 3;

  // For each pixel, how the logit changes with its brightness: all channels alike. (H*W)
  function byBrightness(gradient, {channels, height, width}) {
    const result = new Float32Array(height * width);
    for (let channel = 0; channel < channels; channel++) {
      for (let at = 0; at < result.length; at++) result[at] += gradient[channel * result.length + at];
    }
    return result;
  }

  // Of nine fields of the image, row by row, the one with the largest share of the slopes' sizes:
  // {field, share}; null where all slopes are 0.
  function strongest(slope, {height, width}) {
    const sums = new Array(FIELDS * FIELDS).fill(0);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const row = Math.floor(y * FIELDS / height);
        sums[row * FIELDS + Math.floor(x * FIELDS / width)] += Math.abs(slope[y * width + x]);
      }
    }
    const total = sums.reduce((sum, value) => sum + value, 0);
    if (!(total > 0)) return null;
    const field = sums.indexOf(Math.max(...sums));
    return {field, share: sums[field] / total};
  }

  // The change of all pixels, as a root mean square in grey levels of 255, that moves the logit by
  // about 1: along the gradient no smaller change does. Infinity where the gradient is 0.
  function levelsForOne(gradient) {
    const length = Math.sqrt(gradient.reduce((sum, slope) => sum + slope * slope, 0));
    return LEVELS / (length * Math.sqrt(gradient.length));
  }

  // The image after a step of so many grey levels a pixel along the gradient's signs (Goodfellow et
  // al. 2015, "Explaining and harnessing adversarial examples"); a negative step goes against it.
  function stepped(image, gradient, levels) {
    return image.map((value, at) => (
      Math.min(1, Math.max(-1, value + Math.sign(gradient[at]) * levels / LEVELS))));
  }

  return {byBrightness, strongest, levelsForOne, stepped};
})();
