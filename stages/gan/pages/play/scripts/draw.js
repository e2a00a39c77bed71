// Section "Draw from G".
const draw = (() => {
  const text = texts.of('draw');

  // Fill the section; `element` is its <section>.
  function start(element) {
  }

  return {start};
})();
