/* The moving average of averaging.py, as a custom operator of MindSpore. */
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
