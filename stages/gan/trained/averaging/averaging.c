/* The moving average of averaging.py, as custom operators of MindSpore. */
#include "kernel.h"

struct Job {
  const float *old, *now;
  float *result;
  float kept, taken;
  int64_t numbers;
};

static void mix_runs(const Job *j, int64_t first, int64_t end) {
  const float kept = j->kept, taken = j->taken;
  const float *old = j->old, *now = j->now;
  float *restrict result = j->result;
  for (int64_t e = first * RUN; e < least(end * RUN, j->numbers); e++)
    result[e] = old[e] * kept + now[e] * taken;
}

/* mix: average, weight, (decay, 1 - decay) -> average decay + weight (1 - decay). Of any shape. */
KERNEL(mix) {
  const float *factors = data[2];
  Job j = {data[0], data[1], data[3], factors[0], factors[1], 1};
  for (int d = 0; d < ndims[0]; d++) j.numbers *= shapes[0][d];
  return run(mix_runs, &j, pieces(j.numbers, RUN), j.numbers * (int64_t)sizeof(float));
}

/* factors: (power, largest decay), n -> (decay, 1 - decay) of the n-th update, counted from 1. */
KERNEL(factors) {
  const float *rule = data[0], *n = data[1];
  float *result = data[2];
  const double started = pow(1.0 - 1.0 / (double)*n, (double)rule[0]);
  result[0] = (float)(started < (double)rule[1] ? started : (double)rule[1]);
  result[1] = 1.0f - result[0];
  return 0;
}
