// What guessing gives: the number of right answers among `count` fair coins. Without DOM.
const binomial = (() => {
  // The probability of each number of right answers, 0 to count.
  function masses(count) {
    const result = [0.5 ** count];
    for (let right = 0; right < count; right++) {
      result.push(result[right] * (count - right) / (right + 1));
    }
    return result;
  }

  // The narrowest interval {low, high} around the half that holds at least this probability, and
  // what it holds in fact.
  function interval(count, level) {
    const each = masses(count);
    let low = Math.floor(count / 2) + 1;
    let probability;
    do {
      low--;
      probability = sum(each.slice(low, count - low + 1));
    } while (probability < level && low > 0);
    return {low, high: count - low, probability};
  }

  // The probability that guessing ends at least as far from the half as `right` (exact, two-sided).
  function pValue(count, right) {
    const far = Math.abs(right - count / 2);
    return sum(masses(count).filter((_, number) => Math.abs(number - count / 2) >= far));
  }

  function sum(values) {
    return values.reduce((total, value) => total + value, 0);
  }

  return {masses, interval, pValue};
})();
