/* The length of a network's gradient, of gradients.py, as a custom operator of MindSpore. */
#include "kernel.h"

#define LANES 16

/* norm: due, any arrays -> the root of the sum of their squares; if due is 0, NaN, and nothing is
 * read. One thread, because it is rarely due; sums in double, so that nothing small is lost. */
KERNEL(norm) {
  float *result = data[count - 1];
  *result = NAN;
  if (*(const float *)data[0] == 0.0f) return 0;
  double sum = 0.0;
  for (int array = 1; array < count - 1; array++) {
    int64_t numbers = 1;
    for (int d = 0; d < ndims[array]; d++) numbers *= shapes[array][d];
    const float *x = data[array];
    double lanes[LANES] = {0};
    int64_t e = 0;
    for (; e + LANES <= numbers; e += LANES)
      for (int lane = 0; lane < LANES; lane++)
        lanes[lane] += (double)x[e + lane] * (double)x[e + lane];
    for (; e < numbers; e++) lanes[0] += (double)x[e] * (double)x[e];
    for (int lane = 0; lane < LANES; lane++) sum += lanes[lane];
  }
  *result = (float)sqrt(sum);
  return 0;
}
