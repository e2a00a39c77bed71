// exp, ln, cos and sin from + - * / alone. IEEE 754 fixes every bit of these four, but not those of Math.exp
// and Math.log: with these two, a run in the page has the same numbers in all browsers.
const arithmetic = (() => {
  const LN2 = Math.LN2;
  // ln 2 in two parts: the first has 32 bits, so its product with a whole number is exact.
  const LN2_HIGH = 6.93147180369123816490e-1;
  const LN2_LOW = 1.90821492927058770002e-10;
  const LOWEST = -1074;  // 2^-1074 is the smallest number above 0
  const powers = new Float64Array(1023 - LOWEST + 1);
  powers[-LOWEST] = 1;
  for (let k = 1; k <= 1023; k++) powers[k - LOWEST] = powers[k - 1 - LOWEST] * 2;
  for (let k = -1; k >= LOWEST; k--) powers[k - LOWEST] = powers[k + 1 - LOWEST] / 2;

  // e^x, good to 1e-15 of its size.
  function exp(x) {
    if (x > 709) return Infinity;
    if (x < -744) return 0;
    if (Number.isNaN(x)) return x;
    const k = Math.floor(x / LN2 + 0.5);
    const r = x - k * LN2_HIGH - k * LN2_LOW;  // within ln 2 / 2
    let sum = 1;
    for (let n = 14; n > 0; n--) sum = 1 + sum * r / n;
    return sum * powers[k - LOWEST];
  }

  const bits = new DataView(new ArrayBuffer(8));

  // The natural logarithm of a number, good to 1e-15; -Infinity for 0.
  function ln(x) {
    if (x === 0) return -Infinity;
    if (!(x > 0)) return NaN;
    if (x === Infinity) return x;
    let k = 0;
    if (x < 1e-300) {  // so that no number is subnormal below
      x *= powers[200 - LOWEST];
      k = -200;
    }
    bits.setFloat64(0, x);
    const head = bits.getUint32(0);
    k += (head >>> 20) - 1023;
    bits.setUint32(0, (head & 0xfffff) | 0x3ff00000);  // the same digits, between 1 and 2
    let m = bits.getFloat64(0);
    if (m > Math.SQRT2) {
      m /= 2;
      k += 1;
    }
    const f = (m - 1) / (m + 1);  // ln m = 2 (f + f^3 / 3 + f^5 / 5 ...)
    const square = f * f;
    let sum = 0;
    for (let n = 23; n > 1; n -= 2) sum = (sum + 1 / n) * square;
    return k * LN2_HIGH + (k * LN2_LOW + 2 * f * (1 + sum));
  }

  // ln(1 + x) of x >= 0, also where 1 + x rounds.
  function ln1p(x) {
    const sum = 1 + x;
    if (sum === 1) return x;
    return ln(sum) * (x / (sum - 1));
  }

  // [cos, sin] of an angle from -3 pi to 3 pi, good to 1e-10.
  function circle(angle) {
    const square = angle * angle;
    let cos = 1;
    let sin = 1;
    for (let n = 40; n > 0; n -= 2) {
      cos = 1 - cos * square / (n * (n - 1));
      sin = 1 - sin * square / (n * (n + 1));
    }
    return [cos, sin * angle];
  }

  // The 32 bits of a number as float32: "0" or "1" each, the sign first.
  function bitsOf(x) {
    bits.setFloat32(0, x);
    return bits.getUint32(0).toString(2).padStart(32, '0');
  }

  return {exp, ln, ln1p, circle, bitsOf};
})();
