/* The linear maps of maps.py, which explains them, as custom operators of MindSpore. */
#include "kernel.h"

struct Job {
  const float *in;
  float *out;
  const float *zeros;                      /* what lies outside of the image */
  int64_t images, height, width, channels; /* of the image, whether it is read or written */
};

#define INLINE static inline __attribute__((always_inline))
#define PRODUCTS 9

/* Planes of results lie a power of two apart, so writing a number to each in turn would evict the
 * last one from the cache. So runs of numbers are collected for each plane first (twice as fast),
 * and runs of several tiles together, because few channels are copied as slowly as many. */
typedef struct {
  float *to; /* in the first plane: where the collected numbers belong */
  int64_t plane, size;
  float collected[PRODUCTS * RUN];
} Planes;

static void start_planes(Planes *planes, float *to, int64_t plane) {
  planes->to = to;
  planes->plane = plane;
  planes->size = 0;
}

static void spread(Planes *planes) {
  for (int u = 0; u < PRODUCTS; u++)
    memcpy(planes->to + u * planes->plane, planes->collected + u * RUN,
           (size_t)planes->size * sizeof(float));
  planes->to += planes->size;
  planes->size = 0;
}

/* Room for `wanted` further numbers of each plane, or for as many as fit: `size` of them. The
 * first plane's begin at the result, the others' RUN apart. */
INLINE float *room(Planes *planes, int64_t wanted, int64_t *size) {
  if (planes->size == RUN) spread(planes);
  float *at = planes->collected + planes->size;
  *size = least(RUN - planes->size, wanted);
  planes->size += *size;
  return at;
}

/* A pixel of an image, or zeros where there is none. */
static const float *pixel(const Job *j, int64_t image, int64_t row, int64_t column) {
  if (row < 0 || row >= j->height || column < 0 || column >= j->width) return j->zeros;
  return j->in + ((image * j->height + row) * j->width + column) * j->channels;
}

/* Two pixels that lie side by side. With a constant number of channels this is no call. */
INLINE void pair(float *to, const float *from, int64_t c) {
  memcpy(to, from, (size_t)(2 * c) * sizeof(float));
}

/* columns: image -> (images h w, 16 channels). One piece: a row of positions. A column of an image
 * lies outside of it only at the two ends of a row. */
INLINE void columns_of(const Job *j, int64_t first, int64_t end, int64_t c) {
  const int64_t h = j->height / 2, w = j->width / 2;
  const size_t one = (size_t)c * sizeof(float);
  for (int64_t piece = first; piece < end; piece++)
    for (int a = 0; a < 2; a++)
      for (int p = 0; p < 2; p++) {
        const int64_t row = 2 * (piece % h) - 1 + 2 * a + p;
        float *left = j->out + (piece * w * 16 + a * 8 + p * 2) * c, *right = left + 4 * c;
        if (row < 0 || row >= j->height) {
          for (int64_t k = 0; k < w; k++) {
            memset(left + k * 16 * c, 0, 2 * one);
            memset(right + k * 16 * c, 0, 2 * one);
          }
          continue;
        }
        const float *from = j->in + (piece / h * j->height + row) * j->width * c;
        memset(left, 0, one);
        memcpy(left + c, from, one);
        for (int64_t k = 1; k < w; k++) {
          pair(right + (k - 1) * 16 * c, from + (2 * k - 1) * c, c);
          pair(left + k * 16 * c, from + (2 * k - 1) * c, c);
        }
        memcpy(right + (w - 1) * 16 * c, from + (j->width - 1) * c, one);
        memset(right + (w - 1) * 16 * c + c, 0, one);
      }
}

INLINE void sum(float *restrict to, const float *const from[2][2], int64_t size) {
  for (int64_t e = 0; e < size; e++)
    to[e] = (from[0][0][e] + from[0][1][e]) + (from[1][0][e] + from[1][1][e]);
}

/* from_columns: (images h w, 16 channels) -> image. One piece: a row of pixels. Two neighbours of
 * a block lie side by side in the columns, too. At each end of a row there is one of them. */
INLINE void from_columns_of(const Job *j, int64_t first, int64_t end, int64_t c) {
  const int64_t h = j->height / 2, w = j->width / 2;
  for (int64_t piece = first; piece < end; piece++) {
    const int64_t image = piece / j->height, row = piece % j->height;
    const int64_t i = (row + 1) / 2, p = (row + 1) % 2;
    for (int64_t k = 0; k <= w; k++) {
      const int q = k == 0;
      const float *from[2][2];
      for (int a = 0; a < 2; a++)
        for (int b = 0; b < 2; b++) {
          const int64_t y = i - a, x = k - b;
          from[a][b] =
              y < 0 || y >= h || x < 0 || x >= w
                  ? j->zeros
                  : j->in + ((((image * h + y) * w + x) * 4 + a * 2 + b) * 4 + p * 2 + q) * c;
        }
      float *to = j->out + (piece * j->width + 2 * k - 1 + q) * c;
      if (q || k == w)
        sum(to, from, c);
      else
        sum(to, from, 2 * c);
    }
  }
}

/* Grey and colour images have so few channels that a call or a loop for each pixel takes longer
 * than its numbers. So both maps know the number of channels when this is compiled. */
#define FOR_FEW_CHANNELS(name)                                                                     \
  static void name##_rows(const Job *j, int64_t first, int64_t end) {                              \
    if (j->channels == 1)                                                                          \
      name##_of(j, first, end, 1);                                                                 \
    else if (j->channels == 3)                                                                     \
      name##_of(j, first, end, 3);                                                                 \
    else                                                                                           \
      name##_of(j, first, end, j->channels);                                                       \
  }
FOR_FEW_CHANNELS(columns)
FOR_FEW_CHANNELS(from_columns)

/* tiles: image -> (9, images h/2 w/2, 4 channels). One piece: a row of tiles. */
static void tiles_rows(const Job *j, int64_t first, int64_t end) {
  const int64_t rows = j->height / 4, across = j->width / 4, c = j->channels;
  Planes planes;
  start_planes(&planes, j->out + first * across * 4 * c, j->images * rows * across * 4 * c);
  for (int64_t piece = first; piece < end; piece++) {
    const int64_t image = piece / rows, i = piece % rows;
    for (int64_t k = 0; k < across; k++)
      for (int p = 0; p < 2; p++)
        for (int q = 0; q < 2; q++) {
          const float *d[9];
          for (int y = 0; y < 3; y++)
            for (int x = 0; x < 3; x++)
              d[3 * y + x] = pixel(j, image, 4 * i - 1 + 2 * y + p, 4 * k - 1 + 2 * x + q);
          const float *d0 = d[0], *d1 = d[1], *d2 = d[2], *d3 = d[3], *d4 = d[4], *d5 = d[5],
                      *d6 = d[6], *d7 = d[7], *d8 = d[8];
          for (int64_t from = 0, size; from < c; from += size) {
            float *restrict v = room(&planes, c - from, &size);
            for (int64_t s = 0; s < size; s++) {
              const int64_t e = from + s;
              const float m0 = d3[e], m1 = d4[e], m2 = d5[e];
              const float t0 = d0[e] - m0, t1 = d1[e] - m1, t2 = d2[e] - m2;
              const float b0 = m0 - d6[e], b1 = m1 - d7[e], b2 = m2 - d8[e];
              v[s] = t0 - t1;
              v[s + 1 * RUN] = t1;
              v[s + 2 * RUN] = t1 - t2;
              v[s + 3 * RUN] = m0 - m1;
              v[s + 4 * RUN] = m1;
              v[s + 5 * RUN] = m1 - m2;
              v[s + 6 * RUN] = b0 - b1;
              v[s + 7 * RUN] = b1;
              v[s + 8 * RUN] = b1 - b2;
            }
          }
        }
  }
  spread(&planes);
}

/* from_tiles: (9, images h/2 w/2, 4 channels) -> image. One piece: a row of pixels, two at a
 * time, as in from_columns. */
static void from_tiles_rows(const Job *j, int64_t first, int64_t end) {
  const int64_t rows = j->height / 4, across = j->width / 4, c = j->channels;
  const int64_t plane = j->images * rows * across * 4 * c;
  for (int64_t piece = first; piece < end; piece++) {
    const int64_t image = piece / j->height, row = piece % j->height;
    const int64_t i = (row + 1) / 2, p = (row + 1) % 2;
    for (int64_t k = 0; k <= j->width / 2; k++) {
      const int64_t q = k == 0, size = (q || k == j->width / 2 ? 1 : 2) * c;
      /* Products of the one or two tiles above and below with those left and right. */
      const int64_t y_tile[3] = {i / 2, i % 2 ? i / 2 : i / 2 - 1, i / 2};
      const int64_t x_tile[3] = {k / 2, k % 2 ? k / 2 : k / 2 - 1, k / 2};
      const int u_of[3] = {0, 2, 1}, odd_rows = i % 2, odd_columns = k % 2;
      const float *s[9];
      for (int y = 0; y < 3; y++)
        for (int x = 0; x < 3; x++) {
          const int64_t ty = y_tile[y], tx = x_tile[x];
          const int none = ty < 0 || ty >= rows || tx < 0 || tx >= across;
          s[3 * y + x] = none ? j->zeros
                              : j->in + (3 * u_of[y] + u_of[x]) * plane +
                                    (((image * rows + ty) * across + tx) * 4 + p * 2 + q) * c;
        }
      const float *s0 = s[0], *s1 = s[1], *s2 = s[2], *s3 = s[3], *s4 = s[4], *s5 = s[5],
                  *s6 = s[6], *s7 = s[7], *s8 = s[8];
      float *restrict to = j->out + (piece * j->width + 2 * k - 1 + q) * c;
      /* Along an axis, place 0 is term 0, place 1 term 2, place 2 term 1. */
      if (odd_rows && odd_columns)
        for (int64_t e = 0; e < size; e++) {
          const float r0 = (s2[e] + s1[e]) - s0[e], r2 = (s5[e] + s4[e]) - s3[e],
                      r1 = (s8[e] + s7[e]) - s6[e];
          to[e] = (r1 + r2) - r0;
        }
      else if (odd_rows)
        for (int64_t e = 0; e < size; e++) {
          const float r0 = s0[e] - s1[e], r2 = s3[e] - s4[e], r1 = s6[e] - s7[e];
          to[e] = (r1 + r2) - r0;
        }
      else if (odd_columns)
        for (int64_t e = 0; e < size; e++) {
          const float r0 = (s2[e] + s1[e]) - s0[e], r2 = (s5[e] + s4[e]) - s3[e];
          to[e] = r0 - r2;
        }
      else
        for (int64_t e = 0; e < size; e++) to[e] = (s0[e] - s1[e]) - (s3[e] - s4[e]);
    }
  }
}

/* join: (9, images h/2 w/2, channels) -> image. One piece: a row of tiles. */
static void join_rows(const Job *j, int64_t first, int64_t end) {
  const int64_t rows = j->height / 2, across = j->width / 2, c = j->channels;
  const int64_t plane = j->images * rows * across * c;
  for (int64_t piece = first; piece < end; piece++) {
    for (int64_t k = 0; k < across; k++) {
      const float *m = j->in + (piece * across + k) * c;
      float *restrict top = j->out + (piece * 2 * j->width + 2 * k) * c;
      float *restrict low = top + j->width * c;
      for (int64_t e = 0; e < c; e++) {
        const float m3 = m[e + 3 * plane], m4 = m[e + 4 * plane], m5 = m[e + 5 * plane];
        const float t0 = m[e] + m3, t1 = m[e + plane] + m4, t2 = m[e + 2 * plane] + m5;
        const float b0 = m3 - m[e + 6 * plane], b1 = m4 - m[e + 7 * plane],
                    b2 = m5 - m[e + 8 * plane];
        top[e] = t0 + t1;
        top[e + c] = t1 - t2;
        low[e] = b0 + b1;
        low[e + c] = b1 - b2;
      }
    }
  }
}

/* split: image -> (9, images h/2 w/2, channels). One piece: a row of tiles. */
static void split_rows(const Job *j, int64_t first, int64_t end) {
  const int64_t rows = j->height / 2, across = j->width / 2, c = j->channels;
  Planes planes;
  start_planes(&planes, j->out + first * across * c, j->images * rows * across * c);
  for (int64_t piece = first; piece < end; piece++) {
    for (int64_t k = 0; k < across; k++) {
      const float *top = j->in + (piece * 2 * j->width + 2 * k) * c, *low = top + j->width * c;
      for (int64_t from = 0, size; from < c; from += size) {
        float *restrict m = room(&planes, c - from, &size);
        for (int64_t s = 0; s < size; s++) {
          const int64_t e = from + s;
          const float a = top[e], b = top[e + c], x = low[e], y = low[e + c];
          const float left = a + x, right = b + y;
          m[s] = a;
          m[s + 1 * RUN] = a + b;
          m[s + 2 * RUN] = -b;
          m[s + 3 * RUN] = left;
          m[s + 4 * RUN] = left + right;
          m[s + 5 * RUN] = -right;
          m[s + 6 * RUN] = -x;
          m[s + 7 * RUN] = -(x + y);
          m[s + 8 * RUN] = y;
        }
      }
    }
  }
  spread(&planes);
}

/* filters: (4, size) -> (9, size), here with channels = size. One piece: RUN numbers. */

static void filters_rows(const Job *j, int64_t first, int64_t end) {
  const int64_t size = j->channels;
  const float *w = j->in;
  Planes planes;
  start_planes(&planes, j->out + first * RUN, size);
  for (int64_t from = first * RUN, run; from < least(end * RUN, size); from += run) {
    float *restrict u = room(&planes, size - from, &run);
    for (int64_t s = 0; s < run; s++) {
      const int64_t e = from + s;
      const float w0 = w[e], w1 = w[e + size], w2 = w[e + 2 * size], w3 = w[e + 3 * size];
      const float left = w0 + w2, right = w1 + w3;
      u[s] = w0;
      u[s + RUN] = w0 + w1;
      u[s + 2 * RUN] = w1;
      u[s + 3 * RUN] = left;
      u[s + 4 * RUN] = left + right;
      u[s + 5 * RUN] = right;
      u[s + 6 * RUN] = w2;
      u[s + 7 * RUN] = w2 + w3;
      u[s + 8 * RUN] = w3;
    }
  }
  spread(&planes);
}

static void from_filters_rows(const Job *j, int64_t first, int64_t end) {
  const int64_t size = j->channels;
  const float *u = j->in;
  float *restrict w = j->out;
  for (int64_t e = first * RUN; e < least(end * RUN, size); e++) {
    const float t1 = u[e + size], m0 = u[e + 3 * size], m1 = u[e + 4 * size], m2 = u[e + 5 * size],
                b1 = u[e + 7 * size];
    const float left = m0 + m1, right = m2 + m1;
    w[e] = (u[e] + t1) + left;
    w[e + size] = (u[e + 2 * size] + t1) + right;
    w[e + 2 * size] = (u[e + 6 * size] + b1) + left;
    w[e + 3 * size] = (u[e + 8 * size] + b1) + right;
  }
}

static int64_t bytes(const Job *j) {
  return j->images * j->height * j->width * j->channels * (int64_t)sizeof(float);
}

/* `image` is a shape (N, H, W, C); a piece of the work is that many of its rows. */
static int run_map(Work work, void **data, const int64_t *image, int64_t rows) {
  float *zeros = calloc((size_t)(2 * image[3]), sizeof(float));
  if (!zeros) return 1;
  Job j = {data[0], data[1], zeros, image[0], image[1], image[2], image[3]};
  int failed = run(work, &j, j.images * (j.height / rows), bytes(&j));
  free(zeros);
  return failed;
}
KERNEL(columns) { return run_map(columns_rows, data, shapes[0], 2); }
KERNEL(from_columns) { return run_map(from_columns_rows, data, shapes[1], 1); }
KERNEL(tiles) { return run_map(tiles_rows, data, shapes[0], 4); }
KERNEL(from_tiles) { return run_map(from_tiles_rows, data, shapes[1], 1); }
KERNEL(join) { return run_map(join_rows, data, shapes[1], 2); }
KERNEL(split) { return run_map(split_rows, data, shapes[0], 2); }

/* One piece: RUN numbers of each of the filter's matrices, `channels` of them in all. */
static int run_filters(Work work, void **data, const int64_t *nine) {
  Job j = {data[0], data[1], NULL, 1, 1, 1, nine[1] * nine[2]};
  return run(work, &j, pieces(j.channels, RUN), 4 * bytes(&j));
}
KERNEL(filters) { return run_filters(filters_rows, data, shapes[1]); }
KERNEL(from_filters) { return run_filters(from_filters_rows, data, shapes[0]); }
