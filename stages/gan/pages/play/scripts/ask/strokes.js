// Drawing with a pen: strokes become an image in the form of the data. Without DOM.
//
// A stroke is {points, width, colour}: points [x, y] in units of the paper's side, 0 to 1; the width
// of the pen in pixels of the image; a value in [-1, 1] for each channel.
const strokes = (() => {
  // A pen's edge fades over so many pixels, as ink does that was scanned and made smaller.
  const SOFT = 1.5;
  // Ink is what differs from the background by more than this share of the range.
  const INK = 0.1;

  // How the grey images of a data set are drawn, measured on some of them:
  //   background: -1 or 1, which their corners are nearest to;
  //   larger: the larger side of the box around the ink, in pixels (20 in MNIST);
  //   width: of a line, in pixels;
  //   byMass, x, y: whether the ink's centre of mass (as in MNIST) or the middle of its box is what
  //   lies nearly in the same place in all images, and where, in pixels.
  function habits(images, width, height) {
    const corners = [0, width - 1, (height - 1) * width, height * width - 1];
    const mean = average(images.flatMap((image) => corners.map((at) => image[at])));
    const background = mean > 0 ? 1 : -1;
    const inks = images.map((image) => inkOf(image, background));
    const seen = inks.map((ink) => box(ink, width, height)).filter((each) => each !== null);
    if (seen.length === 0) {
      const middle = {x: (width - 1) / 2, y: (height - 1) / 2};
      return {background, larger: width, width: width / 10, byMass: false, ...middle};
    }
    const masses = inks.map((ink) => centreOfMass(ink, width, height)).filter((each) => each !== null);
    const middles = seen.map(({left, right, top, bottom}) => (
      {x: (left + right) / 2, y: (top + bottom) / 2}));
    const byMass = spread(masses) <= spread(middles);
    const centres = byMass ? masses : middles;
    return {
      background,
      larger: average(seen.map((each) => (
        1 + Math.max(each.right - each.left, each.bottom - each.top)))),
      width: average(inks.map((ink) => lineWidth(ink, width, height)).filter(Number.isFinite)),
      byMass,
      x: average(centres.map((each) => each.x)),
      y: average(centres.map((each) => each.y)),
    };
  }

  // Strokes over an image of {channels, height, width}, where they were drawn. Another image.
  function over(image, list, shape) {
    const result = Float32Array.from(image);
    for (const stroke of list) {
      const points = stroke.points.map(([x, y]) => [
        x * shape.width - 0.5, y * shape.height - 0.5]);
      paint(result, points, stroke, shape);
    }
    return result;
  }

  // Strokes on empty paper, scaled and centred as the data's images are (`how`: see habits).
  function centred(list, how, shape) {
    const {channels, height, width} = shape;
    const empty = new Float32Array(channels * height * width).fill(how.background);
    const drawn = list.filter((stroke) => stroke.colour[0] !== how.background);
    if (drawn.length === 0) return empty;
    const all = drawn.flatMap((stroke) => stroke.points);
    const left = Math.min(...all.map(([x]) => x));
    const right = Math.max(...all.map(([x]) => x));
    const top = Math.min(...all.map(([, y]) => y));
    const bottom = Math.max(...all.map(([, y]) => y));
    const pen = Math.max(...drawn.map((stroke) => stroke.width));
    const side = Math.max(right - left, bottom - top);
    // A dot has no size to scale.
    const scale = side > 0 ? Math.max(1, how.larger - pen) / side : 0;

    function placed(dx, dy) {
      const result = Float32Array.from(empty);
      for (const stroke of list) {
        const points = stroke.points.map(([x, y]) => [
          how.x + dx + (x - (left + right) / 2) * scale,
          how.y + dy + (y - (top + bottom) / 2) * scale,
        ]);
        paint(result, points, stroke, shape);
      }
      return result;
    }

    const first = placed(0, 0);
    if (!how.byMass) return first;
    const mass = centreOfMass(inkOf(first, how.background), width, height);
    if (mass === null) return first;
    // Never so far that ink leaves the image.
    const room = (size, middle, extent, wish) => {
      const half = (extent * scale + pen) / 2;
      return Math.max(half - 0.5 - middle, Math.min(size - 0.5 - half - middle, wish));
    };
    return placed(
      room(width, how.x, right - left, how.x - mass.x),
      room(height, how.y, bottom - top, how.y - mass.y));
  }

  // One stroke into an image; points in pixels, pixel centres are whole numbers.
  function paint(image, points, {width: pen, colour}, {channels, height, width}) {
    const reach = pen / 2 + SOFT / 2;
    const cover = new Float32Array(width * height);
    for (let index = 0; index < points.length; index++) {
      const [ax, ay] = points[Math.max(0, index - 1)];
      const [bx, by] = points[index];
      const length2 = (bx - ax) ** 2 + (by - ay) ** 2;
      const top = Math.max(0, Math.ceil(Math.min(ay, by) - reach));
      const bottom = Math.min(height - 1, Math.floor(Math.max(ay, by) + reach));
      const left = Math.max(0, Math.ceil(Math.min(ax, bx) - reach));
      const right = Math.min(width - 1, Math.floor(Math.max(ax, bx) + reach));
      for (let y = top; y <= bottom; y++) {
        for (let x = left; x <= right; x++) {
          const along = length2 > 0 ? ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length2 : 0;
          const nearest = Math.min(1, Math.max(0, along));
          const distance = Math.hypot(
            x - ax - nearest * (bx - ax), y - ay - nearest * (by - ay));
          const share = Math.min(1, Math.max(0, (pen / 2 - distance) / SOFT + 0.5));
          const at = y * width + x;
          if (share > cover[at]) cover[at] = share;
        }
      }
    }
    for (let channel = 0; channel < channels; channel++) {
      for (let at = 0; at < cover.length; at++) {
        const place = channel * cover.length + at;
        image[place] += cover[at] * (colour[channel] - image[place]);
      }
    }
  }

  // The share of ink in each pixel, 0 to 1, of a grey image.
  function inkOf(image, background) {
    return image.map((value) => Math.abs(value - background) / 2);
  }

  // The box around the ink, or null where there is none.
  function box(ink, width, height) {
    const found = {left: width, right: -1, top: height, bottom: -1};
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        if (ink[y * width + x] <= INK) continue;
        found.left = Math.min(found.left, x);
        found.right = Math.max(found.right, x);
        found.top = Math.min(found.top, y);
        found.bottom = Math.max(found.bottom, y);
      }
    }
    return found.right < 0 ? null : found;
  }

  function centreOfMass(ink, width, height) {
    let [sum, sumX, sumY] = [0, 0, 0];
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const share = ink[y * width + x];
        sum += share;
        sumX += share * x;
        sumY += share * y;
      }
    }
    return sum > 0 ? {x: sumX / sum, y: sumY / sum} : null;
  }

  // Twice the ink's area by the length of its edge (its total variation): the width of a long line.
  function lineWidth(ink, width, height) {
    let [area, edge] = [0, 0];
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const here = ink[y * width + x];
        const across = x + 1 < width ? ink[y * width + x + 1] - here : 0;
        const down = y + 1 < height ? ink[(y + 1) * width + x] - here : 0;
        area += here;
        edge += Math.hypot(across, down);
      }
    }
    return edge > 0 ? 2 * area / edge : NaN;
  }

  function average(values) {
    return values.reduce((sum, value) => sum + value, 0) / values.length;
  }

  function spread(points) {
    const x = average(points.map((each) => each.x));
    const y = average(points.map((each) => each.y));
    return average(points.map((each) => (each.x - x) ** 2 + (each.y - y) ** 2));
  }

  return {habits, over, centred};
})();
