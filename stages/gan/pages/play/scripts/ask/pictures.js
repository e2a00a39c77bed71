// A picture from the reader's disk, as an image that the networks take.
const pictures = (() => {
  // The picture is first drawn with at most so many pixels for each one of the image.
  const FINER = 8;

  // The image of a file: the square in the picture's middle, in the size of `shape`. Where the
  // picture is transparent, `paper` is seen, a CSS colour. Rejects where the file is no picture.
  async function read(file, shape, paper) {
    const picture = await createImageBitmap(file);
    try {
      const side = Math.min(picture.width, picture.height);
      const fine = Math.min(side, FINER * Math.max(shape.width, shape.height));
      const canvas = document.createElement('canvas');
      canvas.width = canvas.height = fine;
      const context = canvas.getContext('2d');
      context.fillStyle = paper;
      context.fillRect(0, 0, fine, fine);
      context.imageSmoothingQuality = 'high';
      context.drawImage(
        picture, (picture.width - side) / 2, (picture.height - side) / 2, side, side, 0, 0, fine, fine);
      const {data} = context.getImageData(0, 0, fine, fine);
      const pixels = resized(data, fine, fine, shape.width, shape.height);
      return images.fromPixels(new ImageData(pixels, shape.width, shape.height));
    } finally {
      picture.close();
    }
  }

  // RGBA pixels in another size, each the mean of the area that it covers: no line gets lost, as it
  // does where single pixels are picked. Without DOM.
  function resized(pixels, width, height, newWidth, newHeight) {
    const across = parts(width, newWidth);
    const down = parts(height, newHeight);
    const result = new Uint8ClampedArray(4 * newWidth * newHeight);
    for (let y = 0; y < newHeight; y++) {
      for (let x = 0; x < newWidth; x++) {
        const sums = [0, 0, 0, 0];
        for (const [row, high] of down[y]) {
          for (const [column, wide] of across[x]) {
            const from = 4 * (row * width + column);
            for (let channel = 0; channel < 4; channel++) {
              sums[channel] += high * wide * pixels[from + channel];
            }
          }
        }
        for (let channel = 0; channel < 4; channel++) {
          result[4 * (y * newWidth + x) + channel] = sums[channel];
        }
      }
    }
    return result;
  }

  // For each new pixel of a line: the old ones that it covers, and their shares, which add up to 1.
  function parts(size, newSize) {
    const scale = size / newSize;
    return Array.from({length: newSize}, (_, index) => {
      const [from, to] = [index * scale, (index + 1) * scale];
      const found = [];
      for (let at = Math.floor(from); at < Math.min(size, Math.ceil(to)); at++) {
        const share = (Math.min(at + 1, to) - Math.max(at, from)) / scale;
        if (share > 0) found.push([at, share]);
      }
      return found;
    });
  }

  return {read, resized};
})();
