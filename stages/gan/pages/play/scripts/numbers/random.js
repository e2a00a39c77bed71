// Random numbers from a seed, the same in all browsers.
const random = (() => {
  const rotated = (x, by) => (x << by) | (x >>> (32 - by));

  // A stream of a seed, a whole number from 0 to 2^32 - 1. Equal seeds give equal streams.
  //   uniform(): a number in [0, 1), a multiple of 2^-24, so that float32 holds it;
  //   normal(): a number of the standard normal distribution;
  //   below(count): a whole number from 0 to count - 1.
  function stream(seed) {
    // xoshiro128** (Blackman and Vigna 2018). Its state is four numbers of splitmix32, which
    // makes close seeds differ in every bit.
    const state = new Int32Array(4);
    let sum = seed | 0;
    for (let i = 0; i < 4; i++) {
      sum = (sum + 0x9e3779b9) | 0;
      let mixed = sum ^ (sum >>> 16);
      mixed = Math.imul(mixed, 0x21f0aaad);
      mixed ^= mixed >>> 15;
      mixed = Math.imul(mixed, 0x735a2d97);
      state[i] = mixed ^ (mixed >>> 15);
    }

    function next() {
      const result = Math.imul(rotated(Math.imul(state[1], 5), 7), 9) >>> 0;
      const shifted = state[1] << 9;
      state[2] ^= state[0];
      state[3] ^= state[1];
      state[1] ^= state[2];
      state[0] ^= state[3];
      state[2] ^= shifted;
      state[3] = rotated(state[3], 11);
      return result;
    }

    const uniform = () => (next() >>> 8) / 0x1000000;

    let kept = null;

    // Marsaglia's polar method gives two numbers at a time.
    function normal() {
      if (kept !== null) {
        const second = kept;
        kept = null;
        return second;
      }
      let u, v, square;
      do {
        u = 2 * uniform() - 1;
        v = 2 * uniform() - 1;
        square = u * u + v * v;
      } while (square >= 1 || square === 0);
      const factor = Math.sqrt(-2 * arithmetic.ln(square) / square);
      kept = v * factor;
      return u * factor;
    }

    const below = (count) => Math.floor(uniform() * count);

    return {uniform, normal, below};
  }

  // A new seed for "another": the one place with a number that no seed fixes.
  const seed = () => Math.floor(Math.random() * 1000000);

  return {stream, seed};
})();
