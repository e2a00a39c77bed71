// The state of the page in its address, after the #, so that a link leads to a state.
// Keys are SECTION.NAME; values are short strings. What is not set there has its default.
const state = (() => {
  const values = new URLSearchParams(location.hash.slice(1));

  function get(key, otherwise) {
    return values.has(key) ? values.get(key) : otherwise;
  }

  // A number of the address within [low, high]; `otherwise` if there is none.
  function number(key, otherwise, low = -Infinity, high = Infinity) {
    const value = Number.parseFloat(get(key, ''));
    return Number.isFinite(value) ? Math.min(high, Math.max(low, value)) : otherwise;
  }

  function set(key, value) {
    values.set(key, String(value));
    history.replaceState(null, '', `#${values}`);
  }

  // The link to this state changes in place: no entry of the browser's history for each move.
  window.addEventListener('hashchange', () => location.reload());

  return {get, number, set};
})();
