// Images: Float32Arrays of channels * height * width values in [-1, 1], as the networks take them.
const images = (() => {
  const {channels, height, width} = play.data.image;
  const pixels = height * width;
  let sheet = null;

  // Paint an image on a canvas, at its own size: CSS may show it larger.
  function draw(canvas, image) {
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext('2d');
    const shown = context.createImageData(width, height);
    for (let pixel = 0; pixel < pixels; pixel++) {
      for (let colour = 0; colour < 3; colour++) {
        const value = image[(channels === 1 ? 0 : colour) * pixels + pixel];
        shown.data[4 * pixel + colour] = Math.round(value * 127.5 + 127.5);
      }
      shown.data[4 * pixel + 3] = 255;
    }
    context.putImageData(shown, 0, 0);
  }

  // The image of an ImageData of its size. Where images are grey, colours become their luminance.
  function fromPixels({data}) {
    const image = new Float32Array(channels * pixels);
    for (let pixel = 0; pixel < pixels; pixel++) {
      const [red, green, blue] = data.subarray(4 * pixel, 4 * pixel + 3);
      const levels = channels === 1 ? [0.299 * red + 0.587 * green + 0.114 * blue] : [red, green, blue];
      levels.forEach((level, channel) => {
        image[channel * pixels + pixel] = (level - 127.5) / 127.5;
      });
    }
    return image;
  }

  // The real image with this index, which was never trained on.
  async function heldOut(index) {
    const {count, columns, sprite} = play.data.held_out;
    if (!(index >= 0 && index < count)) throw new Error(`no image ${index}: there are ${count}`);
    sheet ??= readable(sprite);
    const context = await sheet;
    const [column, row] = [index % columns, Math.floor(index / columns)];
    return fromPixels(context.getImageData(column * width, row * height, width, height));
  }

  // A picture whose pixels can be read.
  async function readable(source) {
    const picture = new Image();
    picture.src = source;
    await picture.decode();
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [picture.naturalWidth, picture.naturalHeight];
    const context = canvas.getContext('2d', {willReadFrequently: true});
    context.drawImage(picture, 0, 0);
    return context;
  }

  // The latent code of a seed.
  function code(seed) {
    const stream = random.stream(seed);
    return Float32Array.from({length: play.data.latent.size}, () => stream.normal());
  }

  return {draw, fromPixels, heldOut, code};
})();
