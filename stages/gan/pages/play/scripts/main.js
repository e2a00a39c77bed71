// Start each section; one that fails says so in its place, and the others go on.
for (const [name, section] of Object.entries({draw, ask, game, loss, small_gan: smallGan})) {
  const element = document.getElementById(name);
  try {
    section.start(element);
  } catch (error) {
    const line = document.createElement('p');
    line.className = 'error';
    line.textContent = String(error);
    element.append(line);
    console.error(error);
  }
}
