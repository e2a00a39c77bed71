// The state of the page in its address, after the #, so that a link leads to a state.
// Keys are SECTION.NAME; values are short strings. What is not set there has its default.
const state = (() => {
  const values = new URLSearchParams(location.hash.slice(1));
  const PATIENCE = 1000;  // milliseconds
  let changed = false;

  function get(key, otherwise) {
    return values.has(key) ? values.get(key) : otherwise;
  }

  // A number of the address within [low, high]; `otherwise` if there is none.
  function number(key, otherwise, low = -Infinity, high = Infinity) {
    const value = Number.parseFloat(get(key, ''));
    return Number.isFinite(value) ? Math.min(high, Math.max(low, value)) : otherwise;
  }

  // All that is set at a time changes the address once. Browsers ignore or refuse many changes in a
  // row, so a slider sets the state when it has come to rest, and nothing sets it in each frame.
  function set(key, value) {
    values.set(key, String(value));
    if (changed) return;
    changed = true;
    queueMicrotask(show);
  }

  function show() {
    changed = false;
    try {
      history.replaceState(null, '', `#${values}`);
    } catch (error) {
      if (error.name !== 'SecurityError') throw error;
      changed = true;  // too many changes for this browser: again when it has calmed down
      setTimeout(show, PATIENCE);
    }
  }

  // The link to this state changes in place: no entry of the browser's history for each move.
  window.addEventListener('hashchange', () => location.reload());

  return {get, number, set};
})();
