/* The linear map of convolution.py, which explains it, and its adjoint, for MindSpore. */
#include "kernel.h"

#define SIDE 3 /* of a patch */

struct Job {
  const float *in;
  float *out;
  const float *zeros; /* what lies outside of the image */
  int64_t images, height, width, channels;
};

/* patches: image (N, H, W, C) -> (N H W, 9 C), zeros outside. One piece: a row of pixels. */
static void patches_rows(const Job *j, int64_t first, int64_t end) {
  const int64_t c = j->channels, w = j->width;
  for (int64_t piece = first; piece < end; piece++)
    for (int64_t a = 0; a < SIDE; a++) {
      const int64_t row = piece % j->height + a - 1;
      float *to = j->out + (piece * w * SIDE + a) * SIDE * c;
      if (row < 0 || row >= j->height) {
        for (int64_t k = 0; k < w; k++)
          memset(to + k * SIDE * SIDE * c, 0, (size_t)(SIDE * c) * sizeof(float));
        continue;
      }
      const float *from = j->in + (piece + a - 1) * w * c;
      for (int64_t k = 0; k < w; k++) {
        const int64_t left = k == 0, right = k == w - 1;
        float *patch = to + k * SIDE * SIDE * c;
        if (left) memset(patch, 0, (size_t)c * sizeof(float));
        memcpy(patch + left * c, from + (k - 1 + left) * c,
               (size_t)((SIDE - left - right) * c) * sizeof(float));
        if (right) memset(patch + 2 * c, 0, (size_t)c * sizeof(float));
      }
    }
}

/* from_patches: (N H W, 9 C) -> image, overlaps added. One piece: a row of pixels. */
static void from_patches_rows(const Job *j, int64_t first, int64_t end) {
  const int64_t c = j->channels, w = j->width;
  for (int64_t piece = first; piece < end; piece++)
    for (int64_t k = 0; k < w; k++) {
      const float *s[SIDE * SIDE]; /* where the pixel stands in the patches around it */
      for (int64_t a = 0; a < SIDE; a++)
        for (int64_t b = 0; b < SIDE; b++) {
          const int64_t row = piece % j->height + 1 - a, column = k + 1 - b;
          const int none = row < 0 || row >= j->height || column < 0 || column >= w;
          s[a * SIDE + b] =
              none ? j->zeros
                   : j->in + ((((piece + 1 - a) * w + column) * SIDE + a) * SIDE + b) * c;
        }
      const float *s0 = s[0], *s1 = s[1], *s2 = s[2], *s3 = s[3], *s4 = s[4], *s5 = s[5],
                  *s6 = s[6], *s7 = s[7], *s8 = s[8];
      float *restrict to = j->out + (piece * w + k) * c;
      for (int64_t e = 0; e < c; e++)
        to[e] = (s0[e] + s1[e] + s2[e]) + (s3[e] + s4[e] + s5[e]) + (s6[e] + s7[e] + s8[e]);
    }
}

/* `image` is a shape (N, H, W, C). */
static int run_map(Work work, void **data, const int64_t *image) {
  float *zeros = calloc((size_t)image[3], sizeof(float));
  if (!zeros) return 1;
  Job j = {data[0], data[1], zeros, image[0], image[1], image[2], image[3]};
  const int64_t rows = j.images * j.height;
  const int64_t bytes = SIDE * SIDE * rows * j.width * j.channels * (int64_t)sizeof(float);
  int failed = run(work, &j, rows, bytes);
  free(zeros);
  return failed;
}
KERNEL(patches) { return run_map(patches_rows, data, shapes[0]); }
KERNEL(from_patches) { return run_map(from_patches_rows, data, shapes[1]); }
