// The networks, run in the browser: forward, and back to the gradient of one output by the inputs.
const engine = (() => {
  // A network of play.data.networks, with
  //   forward(input): Float32Array of the inputs of one example, to Float32Array of its outputs;
  //   gradient(input, output): the slope of that output by each input, Float32Array.
  function network(packed) {
    throw new Error('not built yet');
  }

  return {network};
})();
