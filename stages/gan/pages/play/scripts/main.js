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

// The links to sections: what stands after the # is the state, so it cannot name the section.
{
  function goTo(section) {
    const heading = document.getElementById(`${section}-title`);
    if (!heading) return;
    heading.tabIndex = -1;
    heading.focus({preventScroll: true});
    heading.scrollIntoView();
  }

  for (const link of document.querySelectorAll('a[data-section]')) {
    link.addEventListener('click', event => {
      event.preventDefault();
      state.set('page.section', link.dataset.section);
      goTo(link.dataset.section);
    });
  }
  goTo(state.get('page.section', ''));
}
