/* The layers of normalisation.py on (rows, channels), as custom operators of MindSpore. */
#include "kernel.h"

/* Sums over the rows are split over threads by LANE channels, all else by rows or RUN numbers. */
#define LANE 16

struct Job {
  void **data;
  int64_t rows, channels;
  float slope, rest; /* of the leaky rectifier: below zero, and 1 minus it */
  float epsilon;     /* added to the variance */
  float *pull, *shift;
};

/* `options` are (slope, 1 - slope, epsilon). */
static Job rows_job(void **data, const int64_t *shape, const float *options) {
  return (Job){data, shape[0], shape[1], options[0], options[1], options[2], NULL, NULL};
}
static int64_t bytes(const Job *j) { return j->rows * j->channels * (int64_t)sizeof(float); }

static inline float leaky(float v, float slope) { return v > 0 ? v : v * slope; }

/* The gradient through it, as LeakyReLU of layers.py has it. */
static inline float through(float dy, float y, float slope, float rest) {
  return dy * slope + (y > 0 ? dy * rest : 0.0f);
}

/* normalise: x, gamma, beta, options -> y, mean, variance (biased), factor, where
 * y = leaky((x - mean) factor + beta) and factor = gamma / sqrt(variance + epsilon). */
static void moments_lanes(const Job *j, int64_t first, int64_t end) {
  const int64_t c = j->channels;
  const float *x = j->data[0], *gamma = j->data[1];
  float *mean = j->data[5], *variance = j->data[6], *factor = j->data[7];
  const float scale = (float)(1.0 / (double)j->rows);
  for (int64_t from = first * LANE; from < least(end * LANE, c); from += RUN) {
    const int64_t size = least(RUN, least(end * LANE, c) - from);
    float sum[RUN] = {0}, squares[RUN] = {0};
    for (int64_t r = 0; r < j->rows; r++)
      for (int64_t e = 0; e < size; e++) sum[e] += x[r * c + from + e];
    for (int64_t e = 0; e < size; e++) sum[e] *= scale;
    for (int64_t r = 0; r < j->rows; r++)
      for (int64_t e = 0; e < size; e++) {
        const float centred = x[r * c + from + e] - sum[e];
        squares[e] += centred * centred;
      }
    for (int64_t e = 0; e < size; e++) {
      mean[from + e] = sum[e];
      variance[from + e] = squares[e] * scale;
      factor[from + e] = 1.0f / sqrtf(squares[e] * scale + j->epsilon) * gamma[from + e];
    }
  }
}

/* leaky((x - mean) factor + beta), row by row, into `to`. */
static void rescaled(const Job *j, int64_t first, int64_t end, const float *mean,
                     const float *factor, const float *beta, float *to) {
  const float slope = j->slope;
  const int64_t c = j->channels;
  for (int64_t r = first; r < end; r++) {
    const float *x = (const float *)j->data[0] + r * c;
    float *restrict y = to + r * c;
    for (int64_t e = 0; e < c; e++) y[e] = leaky((x[e] - mean[e]) * factor[e] + beta[e], slope);
  }
}
static void normalise_rows(const Job *j, int64_t first, int64_t end) {
  rescaled(j, first, end, j->data[5], j->data[7], j->data[2], j->data[4]);
}

/* rescale: x, mean, factor, beta, options -> leaky((x - mean) factor + beta). */
static void rescale_rows(const Job *j, int64_t first, int64_t end) {
  rescaled(j, first, end, j->data[1], j->data[2], j->data[3], j->data[5]);
}
KERNEL(rescale) {
  Job j = rows_job(data, shapes[0], data[4]);
  return run(rescale_rows, &j, j.rows, bytes(&j));
}

KERNEL(normalise) {
  Job j = rows_job(data, shapes[0], data[3]);
  return run(moments_lanes, &j, pieces(j.channels, LANE), bytes(&j)) ||
         run(normalise_rows, &j, j.rows, bytes(&j));
}

/* normalise_gradient: dy, y, x, mean, variance, factor, options -> dx, dgamma, dbeta. */
static void gradient_lanes(const Job *j, int64_t first, int64_t end) {
  const float slope = j->slope, rest = j->rest;
  const int64_t c = j->channels;
  const float *dy = j->data[0], *y = j->data[1], *x = j->data[2], *mean = j->data[3],
              *variance = j->data[4];
  float *dgamma = j->data[8], *dbeta = j->data[9];
  const float scale = (float)(1.0 / (double)j->rows);
  for (int64_t from = first * LANE; from < least(end * LANE, c); from += RUN) {
    const int64_t size = least(RUN, least(end * LANE, c) - from);
    float sum[RUN] = {0}, product[RUN] = {0};
    for (int64_t r = 0; r < j->rows; r++)
      for (int64_t e = 0; e < size; e++) {
        const int64_t at = r * c + from + e;
        const float d = through(dy[at], y[at], slope, rest);
        sum[e] += d;
        product[e] += d * (x[at] - mean[from + e]);
      }
    for (int64_t e = 0; e < size; e++) {
      const float inverse = 1.0f / sqrtf(variance[from + e] + j->epsilon);
      dbeta[from + e] = sum[e];
      dgamma[from + e] = product[e] * inverse;
      j->pull[from + e] = product[e] * inverse * inverse * scale;
      j->shift[from + e] = sum[e] * scale;
    }
  }
}

static void gradient_rows(const Job *j, int64_t first, int64_t end) {
  const float slope = j->slope, rest = j->rest;
  const int64_t c = j->channels;
  const float *mean = j->data[3], *factor = j->data[5], *pull = j->pull, *shift = j->shift;
  for (int64_t r = first; r < end; r++) {
    const float *dy = (const float *)j->data[0] + r * c, *y = (const float *)j->data[1] + r * c,
                *x = (const float *)j->data[2] + r * c;
    float *restrict dx = (float *)j->data[7] + r * c;
    for (int64_t e = 0; e < c; e++) {
      const float d = through(dy[e], y[e], slope, rest);
      dx[e] = (d - ((x[e] - mean[e]) * pull[e] + shift[e])) * factor[e];
    }
  }
}

KERNEL(normalise_gradient) {
  Job j = rows_job(data, shapes[0], data[6]);
  float *scratch = malloc((size_t)j.channels * 2 * sizeof(float));
  if (!scratch) return 1;
  j.pull = scratch;
  j.shift = scratch + j.channels;
  int failed = run(gradient_lanes, &j, pieces(j.channels, LANE), bytes(&j)) ||
               run(gradient_rows, &j, j.rows, bytes(&j));
  free(scratch);
  return failed;
}

/* follow: moving mean, moving variance, mean, variance, (weight of the old ones, of the mean,
 * of the variance) -> the moving statistics after this batch. */
KERNEL(follow) {
  const float *weights = data[4];
  for (int which = 0; which < 2; which++) {
    const float *old = data[which], *new = data[2 + which];
    float *result = data[5 + which];
    for (int64_t e = 0; e < shapes[0][0]; e++)
      result[e] = old[e] * weights[0] + new[e] * weights[1 + which];
  }
  return 0;
}

/* rectify: x, options -> leaky(x); rectify_gradient: dy, y, options -> dx. Of any shape. */
static void rectify_runs(const Job *j, int64_t first, int64_t end) {
  const float slope = j->slope;
  const float *x = j->data[0];
  float *restrict y = j->data[2];
  for (int64_t e = first * RUN; e < least(end * RUN, j->rows); e++) y[e] = leaky(x[e], slope);
}

static void rectify_gradient_runs(const Job *j, int64_t first, int64_t end) {
  const float slope = j->slope, rest = j->rest;
  const float *dy = j->data[0], *y = j->data[1];
  float *restrict dx = j->data[3];
  for (int64_t e = first * RUN; e < least(end * RUN, j->rows); e++)
    dx[e] = through(dy[e], y[e], slope, rest);
}

static int run_numbers(Work work, void **data, const int64_t *shape, int dimensions,
                       const float *options) {
  int64_t numbers = 1;
  for (int d = 0; d < dimensions; d++) numbers *= shape[d];
  const int64_t size[] = {numbers, 1};
  Job j = rows_job(data, size, options);
  return run(work, &j, pieces(numbers, RUN), bytes(&j));
}
KERNEL(rectify) { return run_numbers(rectify_runs, data, shapes[0], ndims[0], data[1]); }
KERNEL(rectify_gradient) {
  return run_numbers(rectify_gradient_runs, data, shapes[0], ndims[0], data[2]);
}

/* add_and_rectify: x, bias, options -> leaky(x + bias). One piece: a row. */
static void add_and_rectify_rows(const Job *j, int64_t first, int64_t end) {
  const float slope = j->slope, *bias = j->data[1];
  const int64_t c = j->channels;
  for (int64_t r = first; r < end; r++) {
    const float *x = (const float *)j->data[0] + r * c;
    float *restrict y = (float *)j->data[3] + r * c;
    for (int64_t e = 0; e < c; e++) y[e] = leaky(x[e] + bias[e], slope);
  }
}
KERNEL(add_and_rectify) {
  Job j = rows_job(data, shapes[0], data[2]);
  return run(add_and_rectify_rows, &j, j.rows, bytes(&j));
}

/* add_and_rectify_gradient: dy, y, options -> dx, dbias. */
static void add_and_rectify_gradient_lanes(const Job *j, int64_t first, int64_t end) {
  const float slope = j->slope, rest = j->rest;
  const int64_t c = j->channels;
  for (int64_t from = first * LANE; from < least(end * LANE, c); from += RUN) {
    const int64_t size = least(RUN, least(end * LANE, c) - from);
    float sum[RUN] = {0};
    for (int64_t r = 0; r < j->rows; r++) {
      const float *dy = (const float *)j->data[0] + r * c + from,
                  *y = (const float *)j->data[1] + r * c + from;
      float *restrict dx = (float *)j->data[3] + r * c + from;
      for (int64_t e = 0; e < size; e++) {
        dx[e] = through(dy[e], y[e], slope, rest);
        sum[e] += dx[e];
      }
    }
    memcpy((float *)j->data[4] + from, sum, (size_t)size * sizeof(float));
  }
}
KERNEL(add_and_rectify_gradient) {
  Job j = rows_job(data, shapes[0], data[2]);
  return run(add_and_rectify_gradient_lanes, &j, pieces(j.channels, LANE), bytes(&j));
}
