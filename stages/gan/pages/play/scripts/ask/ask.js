// Section "Ask D".
const ask = (() => {
  const text = texts.of('ask');

  // Fill the section; `element` is its <section>.
  function start(element) {
  }

  return {start};
})();
