// Section "The loss".
const loss = (() => {
  const text = texts.of('loss');

  // Fill the section; `element` is its <section>.
  function start(element) {
  }

  return {start};
})();
