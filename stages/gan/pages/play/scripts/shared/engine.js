// The networks, run in the browser: forward, and back to the slope of one output by the inputs.
//
// A network of play.data.networks is a list of layers, each with its sizes and packed weights. Maps
// of pixels lie channels last. All layers with weights do one thing: for each pair of an input
// pixel and an output pixel, a matrix (inputs x outputs) is multiplied. A dense layer has one such
// pair. A convolution has one for each place of its kernel, and the transposed convolution too.
const engine = (() => {
  const built = new WeakMap();

  // A network of play.data.networks, built once, with
  //   forward(input): Float32Array of the inputs of one example, to Float32Array of its outputs;
  //   gradient(input, output = 0): the slope of that output by each input, Float32Array.
  function network(packed) {
    if (!built.has(packed)) built.set(packed, build(packed));
    return built.get(packed);
  }

  function build(packed) {
    const layers = packed.layers.map(layer => {
      if (!(layer.kind in KINDS)) throw new Error(`unknown layer ${layer.kind}`);
      return KINDS[layer.kind](layer);
    });
    const results = layers.map(layer => new Float32Array(layer.size));

    function run(input) {
      return layers.reduce((value, layer, index) => {
        layer.forward(value, results[index], results[layer.of]);
        return results[index];
      }, input);
    }

    return {
      forward: input => run(input).slice(),
      gradient(input, output = 0) {
        run(input);
        let slope = new Float32Array(results.at(-1).length);
        slope[output] = 1;
        const added = new Map();  // slopes that a sum gives to an earlier layer
        for (let index = layers.length - 1; index >= 0; index--) {
          if (added.has(index)) {
            const more = added.get(index);
            for (let i = 0; i < slope.length; i++) slope[i] += more[i];
          }
          const {of} = layers[index];
          if (of !== undefined) added.set(of, slope);
          const before = index ? results[index - 1] : input;
          const next = new Float32Array(before.length);
          layers[index].backward(results[index], slope, next);
          slope = next;
        }
        return slope;
      },
    };
  }

  // Each gives {size, forward(x, y), backward(y, slope by y, slope by x)} for the layer's sizes;
  // the last argument is filled in, and the slope by x is zeros before. A sum also has `of`, the
  // place of the layer whose result its forward takes as a third argument.
  const KINDS = {
    dense: layer => product(layer, 1, Int32Array.of(0, 0, 0)),
    convolution: layer => {
      const [height, width] = [layer.height, layer.width].map((side, axis) =>
        (side + 2 * layer.padding - layer.kernel[axis]) / layer.stride + 1 | 0);
      return product(layer, height * width, pairs(layer, height, width, (pixel, tap) =>
        (pixel + layer.padding - tap) / layer.stride));
    },
    transposed_convolution: layer => {
      const [height, width] = [layer.height, layer.width].map((side, axis) =>
        (side - 1) * layer.stride + layer.kernel[axis] - 2 * layer.padding);
      return product(layer, height * width, pairs(layer, height, width, (pixel, tap) =>
        pixel * layer.stride - layer.padding + tap));
    },
    relu: layer => activation(layer, x => (x > 0 ? x : 0), y => (y > 0 ? 1 : 0)),
    leaky_relu: layer => activation(
      layer, x => (x > 0 ? x : layer.slope * x), y => (y > 0 ? 1 : layer.slope)),
    elu: layer => activation(layer, x => (x > 0 ? x : Math.expm1(x)), y => (y > 0 ? 1 : y + 1)),
    tanh: layer => activation(layer, Math.tanh, y => 1 - y * y),
    sigmoid: layer => activation(layer, x => 1 / (1 + Math.exp(-x)), y => y * (1 - y)),
    channels_last: layer => choice(placesOf(layer, true)),
    channels_first: layer => choice(placesOf(layer, false)),
    frame: layer => choice(placesInFrame(layer)),
    doubling: layer => mixture(layer, 2, [
      pixel => [Math.floor(pixel / 2), 0.75],
      pixel => [Math.floor(pixel / 2) + (pixel % 2 ? 1 : -1), 0.25],
    ]),
    halving: layer => mixture(layer, 0.5, [0, 1].map(more => pixel => [2 * pixel + more, 0.5])),
    sum: ({size, of}) => ({
      size,
      of,
      forward(x, y, earlier) {
        for (let i = 0; i < size; i++) y[i] = x[i] + earlier[i];
      },
      backward(y, byY, byX) {
        byX.set(byY);
      },
    }),
  };

  // All pairs of pixels that a kernel joins, as triples (place of the first input, place of the
  // first output, place of the weights), sorted by input.
  function pairs({height, width, inputs, outputs, kernel}, above, across, target) {
    const found = [];
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        for (let down = 0; down < kernel[0]; down++) {
          const y = target(row, down);
          if (!Number.isInteger(y) || y < 0 || y >= above) continue;
          for (let right = 0; right < kernel[1]; right++) {
            const x = target(column, right);
            if (!Number.isInteger(x) || x < 0 || x >= across) continue;
            found.push(
              (row * width + column) * inputs,
              (y * across + x) * outputs,
              (down * kernel[1] + right) * inputs * outputs,
            );
          }
        }
      }
    }
    return Int32Array.from(found);
  }

  // A layer with weights: inputs and outputs are channels of a pixel.
  function product(layer, pixels, joined) {
    const {inputs, outputs} = layer;
    const weights = numbers(layer.weights, outputs);
    const bias = float32(layer.bias);
    const present = new Int32Array(inputs);

    function forward(x, y) {
      for (let pixel = 0; pixel < pixels; pixel++) y.set(bias, pixel * outputs);
      let from = -1;
      let count = 0;
      for (let pair = 0; pair < joined.length; pair += 3) {
        if (joined[pair] !== from) {
          // After a ReLU about half the inputs are 0: they are left out.
          from = joined[pair];
          count = 0;
          for (let i = 0; i < inputs; i++) if (x[from + i] !== 0) present[count++] = i;
        }
        const to = joined[pair + 1];
        const first = joined[pair + 2];
        let k = 0;
        for (; k + 4 <= count; k += 4) {  // four at once: each output is read and written once
          const [i0, i1, i2, i3] = [present[k], present[k + 1], present[k + 2], present[k + 3]];
          const [x0, x1, x2, x3] = [x[from + i0], x[from + i1], x[from + i2], x[from + i3]];
          let w0 = first + i0 * outputs;
          let w1 = first + i1 * outputs;
          let w2 = first + i2 * outputs;
          let w3 = first + i3 * outputs;
          for (let o = to; o < to + outputs; o++) {
            y[o] += x0 * weights[w0++] + x1 * weights[w1++] + x2 * weights[w2++] + x3 * weights[w3++];
          }
        }
        for (; k < count; k++) {
          const value = x[from + present[k]];
          let w = first + present[k] * outputs;
          for (let o = to; o < to + outputs; o++) y[o] += value * weights[w++];
        }
      }
    }

    function backward(y, byY, byX) {
      for (let pair = 0; pair < joined.length; pair += 3) {
        const from = joined[pair];
        const to = joined[pair + 1];
        let w = joined[pair + 2];
        for (let i = from; i < from + inputs; i++) {
          let sum = 0;
          for (let o = to; o < to + outputs; o++) sum += byY[o] * weights[w++];
          byX[i] += sum;
        }
      }
    }

    return {size: pixels * outputs, forward, backward};
  }

  // A function of each value alone; its slope is computed from its result.
  function activation({size}, value, slope) {
    return {
      size,
      forward(x, y) {
        for (let i = 0; i < size; i++) y[i] = value(x[i]);
      },
      backward(y, byY, byX) {
        for (let i = 0; i < size; i++) byX[i] = byY[i] * slope(y[i]);
      },
    };
  }

  // Each output is the input at `places`.
  function choice(places) {
    return {
      size: places.length,
      forward(x, y) {
        for (let i = 0; i < places.length; i++) y[i] = x[places[i]];
      },
      backward(y, byY, byX) {
        for (let i = 0; i < places.length; i++) byX[places[i]] += byY[i];
      },
    };
  }

  // Maps (H, W, C) with `factor` times as many pixels along each axis. Along an axis, a pixel is the
  // sum of the pixels that `terms` names, each times its weight; beyond the edge is the edge.
  function mixture({channels, height, width}, factor, terms) {
    const [above, across] = [height * factor, width * factor];
    const within = (value, side) => Math.min(Math.max(value, 0), side - 1);
    const pairs = [];
    const weights = [];
    for (let row = 0; row < above; row++) {
      for (let column = 0; column < across; column++) {
        for (const vertical of terms) {
          for (const horizontal of terms) {
            const [y, down] = vertical(row);
            const [x, right] = horizontal(column);
            const from = within(y, height) * width + within(x, width);
            pairs.push(from * channels, (row * across + column) * channels);
            weights.push(down * right);
          }
        }
      }
    }
    return {
      size: above * across * channels,
      forward(x, y) {
        y.fill(0);
        for (let pair = 0; pair < weights.length; pair++) {
          const [from, to] = [pairs[2 * pair], pairs[2 * pair + 1]];
          for (let c = 0; c < channels; c++) y[to + c] += x[from + c] * weights[pair];
        }
      },
      backward(y, byY, byX) {
        for (let pair = 0; pair < weights.length; pair++) {
          const [from, to] = [pairs[2 * pair], pairs[2 * pair + 1]];
          for (let c = 0; c < channels; c++) byX[from + c] += byY[to + c] * weights[pair];
        }
      },
    };
  }

  // (C, H, W) to (H, W, C), or back.
  function placesOf({channels, height, width}, last) {
    const pixels = height * width;
    return Int32Array.from({length: channels * pixels}, (_, i) => last
      ? (i % channels) * pixels + Math.floor(i / channels)
      : (i % pixels) * channels + Math.floor(i / pixels));
  }

  // (C, H, W) with copies of its edge around it.
  function placesInFrame({channels, height, width, top, bottom, left, right}) {
    const [above, across] = [top + height + bottom, left + width + right];
    const within = (value, side) => Math.min(Math.max(value, 0), side - 1);
    return Int32Array.from({length: channels * above * across}, (_, i) => {
      const column = within(i % across - left, width);
      const row = within(Math.floor(i / across) % above - top, height);
      return (Math.floor(i / (above * across)) * height + row) * width + column;
    });
  }

  function bytes(base64) {
    const text = atob(base64);
    const found = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) found[i] = text.charCodeAt(i);
    return found;
  }

  function float32(base64) {
    const view = new DataView(bytes(base64).buffer);
    return Float32Array.from({length: view.byteLength / 4}, (_, i) => view.getFloat32(4 * i, true));
  }

  // Packed weights as Float32Array; the last axis has `outputs` entries.
  function numbers({form, values, scales}, outputs) {
    const packed = bytes(values);
    if (form === 'float16') {
      const found = new Float32Array(packed.length / 2);
      for (let i = 0; i < found.length; i++) {
        found[i] = HALVES[packed[2 * i] | (packed[2 * i + 1] << 8)];
      }
      return found;
    }
    // Whole numbers of 13 bits, 4096 for 0, the low bit first, times a scale for each output.
    const scale = float32(scales);
    const found = new Float32Array(Math.floor(packed.length * 8 / 13));
    let bits = 0;
    let count = 0;
    let byte = 0;
    for (let i = 0; i < found.length; i++) {
      for (; count < 13; count += 8) bits |= packed[byte++] << count;
      found[i] = ((bits & 8191) - 4096) * scale[i % outputs];
      bits >>>= 13;
      count -= 13;
    }
    return found;
  }

  // The values of all float16 numbers, by their bits.
  const HALVES = Float32Array.from({length: 1 << 16}, (_, bits) => {
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    const size = exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : fraction * 2 ** -24;
    return bits & 0x8000 ? -size : size;
  });

  return {network};
})();
