// Section "A GAN that trains before your eyes".
const smallGan = (() => {
  const text = texts.of('small_gan');

  // Fill the section; `element` is its <section>.
  function start(element) {
  }

  return {start};
})();
