// Section "Be D".
const game = (() => {
  const text = texts.of('game');

  // Fill the section; `element` is its <section>.
  function start(element) {
  }

  return {start};
})();
