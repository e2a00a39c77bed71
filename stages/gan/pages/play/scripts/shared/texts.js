// What the page brings: data of the run, and texts.
const play = JSON.parse(document.getElementById('play-data').textContent);

const texts = (() => {
  // A function from a key of a section's table to its text, with {places} filled in.
  function of(section) {
    const table = play.texts[section];
    return (key, places = {}) => {
      if (!(key in table)) throw new Error(`no text ${section}.${key}`);
      return table[key].replace(/\{(\w+)\}/g, (_, name) => {
        if (!(name in places)) throw new Error(`no value for {${name}} of ${section}.${key}`);
        return places[name];
      });
    };
  }

  // Sentences one after the other, and things in a list, as the language joins them.
  const page = of('page');
  const sentences = (words) => words.join(page('between_sentences'));
  const list = (words) => words.join(page('between_items'));

  return {of, sentences, list};
})();
