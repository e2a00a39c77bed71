// Draws the charts in the colours of the page, and again when these change between light and dark.
(() => {
  const charts = JSON.parse(document.getElementById('charts').textContent);
  const probe = document.body.appendChild(document.createElement('i'));
  probe.hidden = true;

  // A colour of the style sheet as the browser computes it: canvases know no CSS variables.
  const colour = (name) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const config = () => {
    const text = { labelColor: colour('ink'), titleColor: colour('ink'), labelFontSize: 12, titleFontSize: 12, titleFontWeight: 'normal' };
    const lines = { gridColor: colour('line'), domainColor: colour('soft'), tickColor: colour('soft') };
    return {
      background: null,
      font: 'system-ui, sans-serif',
      axis: { ...text, ...lines },
      legend: { labelColor: colour('ink'), labelFontSize: 13, symbolStrokeWidth: 3, symbolType: 'stroke' },
      range: { category: [colour('blue'), colour('orange')] },
      view: { stroke: null },
    };
  };
  const rowsOf = (columns) => columns.x.map((_, index) => (
    Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, values[index]]))
  ));
  // Half, a quarter and so on of what is seen; `move` is a share of what is seen.
  const change = (view, factor, move) => {
    const [low, high] = view.scale('x').domain();
    const middle = (low + high) / 2 + move * (high - low);
    const half = (factor * (high - low)) / 2;
    view.signal('zoom_x', [middle - half, middle + half]).runAsync();
  };
  const draw = async (figure) => {
    const place = figure.querySelector('.chart');
    const { columns, spec } = charts[figure.dataset.chart];
    const result = await vegaEmbed(
      place,
      {
        ...spec,
        params: spec.params.map(({ name }) => ({ name, value: colour(name) })),
        datasets: { rows: rowsOf(columns) },
      },
      { mode: 'vega-lite', actions: false, config: config(), tooltip: { theme: 'page' } },
    );
    figure.view = result.view;
    figure.querySelector('.controls').hidden = false;
  };
  const drawAll = async () => {
    for (const figure of document.querySelectorAll('[data-chart]')) {
      figure.view?.finalize();
      try {
        await draw(figure);
      } catch (error) {
        // The picture for browsers without scripts shows the same curves.
        figure.querySelector('.chart').innerHTML = figure.querySelector('noscript').textContent;
        console.error(error);
      }
    }
  };

  const actions = {
    in: (view) => change(view, 1 / 2, 0),
    out: (view) => change(view, 2, 0),
    left: (view) => change(view, 1, -1 / 4),
    right: (view) => change(view, 1, 1 / 4),
    all: (view) => view.signal('zoom_x', null).runAsync(),
  };
  document.addEventListener('click', ({ target }) => {
    if (target.dataset.zoom) actions[target.dataset.zoom](target.closest('[data-chart]').view);
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll);
  drawAll();
})();
