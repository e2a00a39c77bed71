// Charts of the game, as SVG in the page's colours.
//
// A mark is {name, text, value}: a line at its value, with name and text on a row of its own.
const charts = (() => {
  const [WIDTH, EDGE, ROW, BARS] = [320, 14, 15, 80];

  // How often guessing gives each number (`masses`), the interval of chance, and marks above.
  function chance({masses, interval, marks, axis, label}) {
    const top = ROW * marks.length + 4;
    const bottom = top + BARS;
    const svg = picture(bottom + 32, label);
    const slot = (WIDTH - 2 * EDGE) / masses.length;
    const middle = (value) => EDGE + (value + 0.5) * slot;
    const largest = Math.max(...masses);
    masses.forEach((mass, value) => {
      const height = BARS * mass / largest;
      const inside = value >= interval.low && value <= interval.high;
      add(svg, 'rect', {
        x: middle(value) - 0.4 * slot, y: bottom - height, width: 0.8 * slot, height,
        class: inside ? 'inside' : 'outside',
      });
    });
    add(svg, 'line', {x1: EDGE, x2: WIDTH - EDGE, y1: bottom, y2: bottom, class: 'axis'});
    const last = masses.length - 1;
    for (const value of new Set([0, interval.low, last / 2, interval.high, last])) {
      add(svg, 'text', {x: middle(value), y: bottom + 13, 'text-anchor': 'middle'}, value);
    }
    add(svg, 'text', {x: WIDTH / 2, y: bottom + 28, 'text-anchor': 'middle'}, axis);
    put(svg, marks, middle, bottom);
    return svg;
  }

  // Marks along a line from 0 to a little above the largest; `reference` is one of them: what is
  // lower is tinted as good, what is higher as bad.
  function line({marks, reference, axis, label}) {
    const largest = 1.1 * Math.max(...marks.map((mark) => mark.value));
    const top = ROW * marks.length + 4;
    const bottom = top + 12;
    const svg = picture(bottom + 32, label);
    const place = (value) => EDGE + (WIDTH - 2 * EDGE) * value / largest;
    const middle = place(reference);
    add(svg, 'rect', {x: EDGE, y: top, width: middle - EDGE, height: 12, class: 'better'});
    add(svg, 'rect', {x: middle, y: top, width: WIDTH - EDGE - middle, height: 12, class: 'worse'});
    for (const value of [0, reference]) {
      add(svg, 'text', {x: place(value), y: bottom + 13, 'text-anchor': 'middle'},
        value === 0 ? '0' : figures.fixed(value));
    }
    add(svg, 'text', {x: WIDTH / 2, y: bottom + 28, 'text-anchor': 'middle'}, axis);
    put(svg, marks, place, bottom);
    return svg;
  }

  function put(svg, marks, place, bottom) {
    const level = (row) => ROW * row + 13;
    marks.forEach(({value}, row) => {
      const x = place(value);
      add(svg, 'line', {x1: x, x2: x, y1: level(row), y2: bottom, class: `mark mark-${row}`});
    });
    // After all lines, which end at the names that they cross.
    marks.forEach(({name, value, text}, row) => {
      const x = place(value);
      const anchor = x > 0.75 * WIDTH ? 'end' : x < 0.25 * WIDTH ? 'start' : 'middle';
      add(svg, 'text', {x, y: level(row), 'text-anchor': anchor, class: 'name'}, `${name} ${text}`);
    });
  }

  function picture(height, label) {
    const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    svg.setAttribute('viewBox', `0 0 ${WIDTH} ${height}`);
    svg.setAttribute('role', 'img');
    svg.setAttribute('aria-label', label);
    svg.classList.add('chart');
    return svg;
  }

  function add(parent, tag, attributes, words = '') {
    const part = document.createElementNS('http://www.w3.org/2000/svg', tag);
    for (const [name, value] of Object.entries(attributes)) part.setAttribute(name, value);
    part.textContent = words;
    parent.append(part);
  }

  return {chance, line};
})();
