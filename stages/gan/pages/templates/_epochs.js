// The slider over epochs: one grid is shown at a time.
(() => {
  const figure = document.getElementById('epochs');
  const grids = [...figure.querySelectorAll('img')];
  const slider = figure.querySelector('input');
  const told = figure.querySelector('output');
  const button = figure.querySelector('button');
  const MILLISECONDS = 180;
  let timer = null;

  const show = () => {
    const place = Number(slider.value);
    grids.forEach((grid, index) => { grid.hidden = index !== place; });
    told.textContent = {{ _("epoch {number}")|tojson }}.replace('{number}', grids[place].dataset.epoch);
    slider.setAttribute('aria-valuetext', told.textContent);
  };
  const pause = () => {
    clearInterval(timer);
    timer = null;
    button.textContent = {{ _("▶ Play")|tojson }};
  };
  const step = () => {
    slider.value = Number(slider.value) + 1;
    show();
    if (Number(slider.value) === grids.length - 1) pause();
  };
  button.addEventListener('click', () => {
    if (timer !== null) return pause();
    if (Number(slider.value) === grids.length - 1) slider.value = -1;
    button.textContent = {{ _("⏸ Pause")|tojson }};
    timer = setInterval(step, MILLISECONDS);
  });
  slider.addEventListener('input', () => { pause(); show(); });

  slider.max = grids.length - 1;
  slider.value = grids.length - 1;
  figure.querySelector('.controls').hidden = grids.length < 2;
  show();
})();
