// Numbers as a reader sees them.
const figures = (() => {
  // With so many decimals, and a real minus sign; never "-0.000".
  function fixed(value, decimals = 3) {
    if (!Number.isFinite(value)) return value > 0 ? '∞' : value < 0 ? '−∞' : '–';
    const digits = Math.abs(value).toFixed(decimals);
    return value < 0 && Number(digits) !== 0 ? `−${digits}` : digits;
  }

  // The same with a sign in front of every number but 0.
  function signed(value, decimals = 3) {
    const digits = fixed(value, decimals);
    return value > 0 && Number(digits) !== 0 ? `+${digits}` : digits;
  }

  // A probability, with more decimals near 0 and 1, where they say more.
  function probability(value) {
    const edge = Math.min(value, 1 - value);
    if (edge >= 0.01) return fixed(value, 2);
    if (edge >= 0.0001) return fixed(value, 4);
    return value < 0.5 ? '< 0.0001' : '> 0.9999';
  }

  function percent(share, decimals = 0) {
    return texts.of('page')('percent', {value: fixed(100 * share, decimals)});
  }

  return {fixed, signed, probability, percent};
})();
