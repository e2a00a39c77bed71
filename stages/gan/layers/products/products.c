/* Products of matrices, for MindSpore: __init__.py says what they are for.
 *
 * Build with -ffp-contract=fast, see multiply.h.
 */
#include "kernel.h"

#include "helper.h"
#include "multiply.h"

/* A small result that is a long sum is divided over the threads by the terms of the sum. */
#define SMALL (1 << 16)
#define LONG 4096
#define PARTS 8
#define FLOPS_OF_A_THREAD (1 << 23) /* for less, a second thread costs more than it saves */

struct Job {
  Product one;
  const float *a, *b;
  float *c;
  int64_t products; /* so many of each */
  int64_t parts;    /* of each sum; each part has a result of its own in `partial` */
  int64_t strips;   /* into which a result can be divided, of rows or of columns */
  int by_rows;
  float *partial;
};

/* One piece: a strip of a part of a product. */
static void strips(const Job *j, int64_t first, int64_t end) {
  int which;
  float *room = take(&which);
  while (first < end) {
    const int64_t result = first / j->strips, strip = first % j->strips;
    const int64_t last = least(j->strips, strip + end - first);
    const int64_t product = result / j->parts, part = result % j->parts;
    Range r = {j->one.k * part / j->parts, j->one.k * (part + 1) / j->parts, 0, j->one.m, 0, j->one.n};
    if (j->strips == 1) {
      /* the whole result */
    } else if (j->by_rows) {
      r.top = strip * ROWS;
      r.low = least(j->one.m, last * ROWS);
    } else {
      r.left = strip * LANES;
      r.right = least(j->one.n, last * LANES);
    }
    float *c = j->parts > 1 ? j->partial : j->c;
    multiply(&j->one, j->a + product * j->one.m * j->one.k, j->b + product * j->one.k * j->one.n,
             c + result * j->one.m * j->one.n, r, room);
    first += last - strip;
  }
  give_back(room, which);
}

/* One piece: RUN numbers of the results, summed over the parts. */
static void sum_of_parts(const Job *j, int64_t first, int64_t end) {
  const int64_t size = j->one.m * j->one.n;
  for (int64_t e = first * RUN; e < least(end * RUN, size); e++)
    for (int64_t product = 0; product < j->products; product++) {
      const float *from = j->partial + product * j->parts * size + e;
      float sum = from[0];
      for (int64_t part = 1; part < j->parts; part++) sum += from[part * size];
      j->c[product * size + e] = sum;
    }
}

/* Multiplies A and B, the first two arrays, into the array number `result`. The shape of A is
 * (m, k), or (k, m) if it is turned; a stack has an axis more. B or the result may be flat, because
 * MindSpore copies a parameter that is given as it is. */
static int multiply_all(Job *j, const int *ndims, int64_t **shapes, int result) {
  const int64_t *a = shapes[0] + ndims[0] - 2;
  j->one.m = a[j->one.a_turned];
  j->one.k = a[!j->one.a_turned];
  j->one.n = ndims[result] > 1 ? shapes[result][ndims[result] - 1]
                           : shapes[1][ndims[1] - 1 - j->one.b_turned];
  j->products = ndims[0] > 2 ? shapes[0][0] : 1;
  j->parts = !j->one.bias && j->products * j->one.m * j->one.n <= SMALL && j->one.k >= LONG ? PARTS : 1;
  j->by_rows = j->one.a_turned ? j->one.m > j->one.n : j->products * j->one.m > 2 * j->one.n;
  j->strips = j->parts > 1 ? 1 : j->by_rows ? pieces(j->one.m, ROWS) : pieces(j->one.n, LANES);
  const int64_t flops = 2 * j->products * j->one.m * j->one.n * j->one.k;
  const int64_t bytes = flops / FLOPS_OF_A_THREAD * LEAST_BYTES;
  if (j->parts > 1) {
    j->partial = malloc(SIZE(j->products * j->parts * j->one.m * j->one.n));
    if (!j->partial) return 1;
  }
  int failed = run_helped(strips, j, j->products * j->parts * j->strips, bytes);
  if (j->parts > 1) {
    failed = failed || run(sum_of_parts, j, pieces(j->one.m * j->one.n, RUN), 0);
    free(j->partial);
  }
  return failed;
}

static int product_of(void **data, const int *ndims, int64_t **shapes, int a_turned,
                      int b_turned) {
  Job j = {.a = data[0], .b = data[1], .c = data[2]};
  j.one.a_turned = a_turned;
  j.one.b_turned = b_turned;
  return multiply_all(&j, ndims, shapes, 2);
}
KERNEL(product) { return product_of(data, ndims, shapes, 0, 0); }
KERNEL(product_right) { return product_of(data, ndims, shapes, 0, 1); }
KERNEL(product_left) { return product_of(data, ndims, shapes, 1, 0); }
KERNEL(product_both) { return product_of(data, ndims, shapes, 1, 1); }

/* dense: x (rows, inputs), weight (outputs, inputs), bias, options -> leaky(x weight' + bias). */
KERNEL(dense) {
  Job j = {.a = data[0], .b = data[1], .c = data[4]};
  j.one = (Product){.b_turned = 1, .bias = data[2], .slope = *(const float *)data[3]};
  return multiply_all(&j, ndims, shapes, 4);
}
