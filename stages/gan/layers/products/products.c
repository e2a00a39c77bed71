/* Products of matrices, for MindSpore: __init__.py says what they are for.
 *
 * A tile of the result, ROWS x (VECTORS vectors), stays in registers while a block of the sum is
 * added to it. For that, the right matrix is packed: the columns of a tile lie side by side, row
 * after row. The left matrix is read where it lies, or packed if it is transposed. (Goto and
 * van de Geijn 2008, "Anatomy of high-performance matrix multiplication".)
 *
 * Each number of a result is a sum over k in blocks, whose bounds depend on the sizes alone. Within
 * a block the terms are added one after the other, each with one rounding. So the bits do not
 * depend on the tile that a number lies in, nor on the number of threads.
 *
 * Build with -ffp-contract=fast: otherwise a product and a sum are two instructions.
 */
#include "kernel.h"

#include "helper.h" /* beside this file */

#if defined __AVX512F__
#define LANES 16
#define ROWS 8
#define VECTORS 3
#elif defined __AVX__
#define LANES 8
#define ROWS 6
#define VECTORS 2
#elif defined __aarch64__
#define LANES 4
#define ROWS 8
#define VECTORS 3
#else
#define LANES 4
#define ROWS 6
#define VECTORS 2
#endif
#define LINE 16 /* numbers of a line of the cache */
#define WIDTH (VECTORS * LANES)
#define INLINE static inline __attribute__((always_inline))
#define SIZE(count) ((size_t)(count) * sizeof(float))

typedef float Vector __attribute__((vector_size(LANES * sizeof(float))));
typedef int32_t Whole __attribute__((vector_size(LANES * sizeof(int32_t))));

/* What is packed at a time stays in the second cache. */
#define DEPTH 384             /* terms of a block of the sum, at most */
#define ACROSS (11 * WIDTH)   /* columns of the right matrix */
#define DOWN (16 * ROWS)      /* rows of the left matrix */
/* A small result that is a long sum is divided over the threads by the terms of the sum. */
#define SMALL (1 << 16)
#define LONG 4096
#define PARTS 8
#define FLOPS_OF_A_THREAD (1 << 23) /* for less, a second thread costs more than it saves */

struct Job {
  const float *a, *b;
  float *c;
  int64_t m, n, k;        /* C (m, n) is the product of A (m, k) and B (k, n) */
  int a_turned, b_turned; /* A lies there as (k, m), B as (n, k) */
  int64_t products;       /* so many of each */
  int64_t parts;          /* of each sum; each part has a result of its own in `partial` */
  int64_t strips;         /* into which a result can be divided, of rows or of columns */
  int by_rows;
  float *partial;
  const float *bias; /* NULL, or added to each row of the result, which is then rectified: */
  float slope;       /* below zero it is multiplied by this */
};

/* Numbers packed by one thread. */
#define ROOM (DEPTH * (ACROSS + DOWN))

INLINE Vector load(const float *from) {
  Vector v;
  memcpy(&v, from, sizeof v);
  return v;
}
INLINE Vector some(const float *from, int64_t count) {
  float numbers[LANES] = {0};
  memcpy(numbers, from, SIZE(count));
  return load(numbers);
}
INLINE void store(float *to, Vector v) { memcpy(to, &v, sizeof v); }

/* Two vectors, number by number in turn: the first halves of both, and the second halves. */
#if LANES == 16
#define FIRST 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define SECOND 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#elif LANES == 8
#define FIRST 0, 8, 1, 9, 2, 10, 3, 11
#define SECOND 4, 12, 5, 13, 6, 14, 7, 15
#else
#define FIRST 0, 4, 1, 5
#define SECOND 2, 6, 3, 7
#endif
#ifdef __clang__
#define TAKE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define TAKE(a, b, ...) __builtin_shuffle(a, b, (Whole){__VA_ARGS__})
#endif

/* LANES rows of LANES numbers, `step` apart, turned into columns that lie `wide` apart. */
INLINE void turn(const float *from, int64_t step, float *to, int64_t wide) {
  Vector now[LANES], next[LANES];
#pragma GCC unroll 16
  for (int i = 0; i < LANES; i++) now[i] = load(from + i * step);
#pragma GCC unroll 4
  for (int round = 1; round < LANES; round *= 2) {
#pragma GCC unroll 8
    for (int i = 0; i < LANES / 2; i++) {
      next[2 * i] = TAKE(now[i], now[i + LANES / 2], FIRST);
      next[2 * i + 1] = TAKE(now[i], now[i + LANES / 2], SECOND);
    }
#pragma GCC unroll 16
    for (int i = 0; i < LANES; i++) now[i] = next[i];
  }
#pragma GCC unroll 16
  for (int i = 0; i < LANES; i++) store(to + i * wide, now[i]);
}

/* The vectors of the next tile: the last four are two tiles of two. */
INLINE int64_t vectors_of(int64_t columns) {
  const int64_t vectors = pieces(columns, LANES);
  return VECTORS == 3 && vectors == 4 ? 2 : least(VECTORS, vectors);
}

/* Packs `columns` of B from (row, column) on, `k` rows of them: tile after tile. The last tile is
 * as many vectors wide as it needs, and filled up with zeros. */
static void pack_right(const float *b, int64_t wide, int64_t k, int64_t columns, float *to) {
  for (int64_t p = 0; p < k; p++) {
    const float *from = b + p * wide;
    for (int64_t j = 0, width; j < columns; j += width) {
      const int64_t vectors = vectors_of(columns - j);
      float *row = to + j * k + p * vectors * LANES;
      width = vectors * LANES;
      if (columns - j >= width) {
        for (int v = 0; v < vectors; v++) store(row + v * LANES, load(from + j + v * LANES));
      } else {
        memcpy(row, from + j, SIZE(columns - j));
        memset(row + (columns - j), 0, SIZE(width - (columns - j)));
      }
    }
  }
}

/* The same of a B that lies there as (n, k). */
static void pack_turned_right(const float *b, int64_t wide, int64_t k, int64_t columns,
                              float *to) {
  for (int64_t first = 0, width; first < columns; first += width) {
    width = vectors_of(columns - first) * LANES;
    for (int64_t j = 0; j < width; j += LANES) {
      const int64_t full = least(LANES, columns - first - j);
      const float *from = b + (first + j) * wide;
      float *out = to + first * k + j;
      int64_t p = 0;
      if (full == LANES)
        for (; p + LANES <= k; p += LANES) turn(from + p, wide, out + p * width, width);
      for (; p < k; p++)
        for (int64_t i = 0; i < LANES; i++) out[p * width + i] = i < full ? from[i * wide + p] : 0;
    }
  }
}

/* Packs `rows` of an A that lies there as (k, m): ROWS numbers of each column side by side. */
static void pack_turned_left(const float *a, int64_t wide, int64_t k, int64_t rows, float *to) {
  for (int64_t p = 0; p < k; p++) {
    const float *from = a + p * wide;
    int64_t i = 0;
    for (; i + ROWS <= rows; i += ROWS) memcpy(to + i * k + p * ROWS, from + i, SIZE(ROWS));
    if (i < rows) {
      memcpy(to + i * k + p * ROWS, from + i, SIZE(rows - i));
      memset(to + i * k + p * ROWS + (rows - i), 0, SIZE(ROWS - (rows - i)));
    }
  }
}

/* Where a tile of the result goes: `rows` x `columns` of it are there. `first` says that this is
 * the first block of the sum. With a bias it is the last one. */
typedef struct {
  float *c;
  int64_t wide, rows, columns;
  int first;
  const float *bias;
  float slope;
  const float *next; /* the left rows that are read next, or NULL */
} Place;

INLINE Vector rectified(Vector v, float slope) {
  const Whole above = v > (Vector){0};
  return (Vector)(((Whole)v & above) | ((Whole)(v * slope) & ~above));
}

/* A tile of `vectors` vectors. The left rows lie `wide` apart, or are packed. */
INLINE void tile(int vectors, int packed, int64_t k, const float *a, int64_t wide, const float *b,
                 const Place *place) {
  Vector sum[ROWS][VECTORS] = {0};
  const float *row[ROWS];
  for (int i = 0; i < ROWS; i++) row[i] = a + least(i, place->rows - 1) * wide;
#pragma GCC unroll 8
  for (int i = 0; i < ROWS; i++) {
    const float *c = place->c + least(i, place->rows - 1) * place->wide;
#pragma GCC unroll 3
    for (int v = 0; v < vectors; v++) __builtin_prefetch(c + v * LANES, 1);
  }
  for (int64_t p = 0; p < k;) {
    const int64_t end = least(k, p + LINE);
    if (!packed && place->next)
#pragma GCC unroll 8
      for (int i = 0; i < ROWS; i++) __builtin_prefetch(place->next + i * wide + p);
    for (; p < end; p++, b += vectors * LANES) {
      Vector right[VECTORS];
#pragma GCC unroll 3
      for (int v = 0; v < vectors; v++) right[v] = load(b + v * LANES);
#pragma GCC unroll 8
      for (int i = 0; i < ROWS; i++) {
        const Vector left = (packed ? a[p * ROWS + i] : row[i][p]) - (Vector){0};
#pragma GCC unroll 3
        for (int v = 0; v < vectors; v++) sum[i][v] += left * right[v];
      }
    }
  }
  for (int i = 0; i < ROWS; i++) {
    if (i >= place->rows) break;
    float *c = place->c + i * place->wide;
#pragma GCC unroll 3
    for (int v = 0; v < vectors; v++) {
      const int64_t there = least(LANES, place->columns - v * LANES);
      float *to = c + v * LANES, numbers[LANES] = {0};
      if (!place->first) sum[i][v] += there == LANES ? load(to) : some(to, there);
      if (place->bias) {
        const float *bias = place->bias + v * LANES;
        sum[i][v] += there == LANES ? load(bias) : some(bias, there);
        sum[i][v] = rectified(sum[i][v], place->slope);
      }
      if (there == LANES) {
        store(to, sum[i][v]);
      } else {
        store(numbers, sum[i][v]);
        memcpy(to, numbers, SIZE(there));
      }
    }
  }
}

#define TILE(vectors, packed)                                                                      \
  static void tile_##vectors##_##packed(int64_t k, const float *a, int64_t wide, const float *b,   \
                                        const Place *place) {                                      \
    tile(vectors, packed, k, a, wide, b, place);                                                   \
  }
TILE(1, 0)
TILE(1, 1)
TILE(2, 0)
TILE(2, 1)
#if VECTORS == 3
TILE(3, 0)
TILE(3, 1)
#endif
typedef void (*Tile)(int64_t, const float *, int64_t, const float *, const Place *);
static const Tile TILES[VECTORS][2] = {
    {tile_1_0, tile_1_1},
    {tile_2_0, tile_2_1},
#if VECTORS == 3
    {tile_3_0, tile_3_1},
#endif
};

/* Terms [from, end) of the numbers in rows [top, low) and columns [left, right), into `c`. */
typedef struct {
  int64_t from, end, top, low, left, right;
} Range;

static void multiply(const Job *j, const float *a, const float *b, float *c, Range r,
                     float *room) {
  const int64_t blocks = pieces(r.end - r.from, DEPTH), depth = pieces(r.end - r.from, blocks);
  float *packed_left = room + DEPTH * ACROSS;
  for (int64_t left = r.left; left < r.right; left += ACROSS) {
    const int64_t columns = least(ACROSS, r.right - left);
    for (int64_t from = r.from; from < r.end; from += depth) {
      const int64_t k = least(depth, r.end - from);
      if (j->b_turned)
        pack_turned_right(b + left * j->k + from, j->k, k, columns, room);
      else
        pack_right(b + from * j->n + left, j->n, k, columns, room);
      for (int64_t top = r.top; top < r.low; top += DOWN) {
        const int64_t rows = least(DOWN, r.low - top);
        if (j->a_turned) pack_turned_left(a + from * j->m + top, j->m, k, rows, packed_left);
        for (int64_t x = 0, vectors; x < columns; x += vectors * LANES) {
          vectors = vectors_of(columns - x);
          for (int64_t y = 0; y < rows; y += ROWS) {
            const float *rows_of_a = a + (top + y) * j->k + from;
            const int more = x == 0 && top + y + 2 * ROWS <= r.low;
            const Place place = {
                .c = c + (top + y) * j->n + left + x,
                .wide = j->n,
                .rows = rows - y,
                .columns = columns - x,
                .first = from == r.from,
                .bias = j->bias && from + k == r.end ? j->bias + left + x : NULL,
                .slope = j->slope,
                .next = more ? rows_of_a + ROWS * j->k : NULL,
            };
            const Tile by = TILES[vectors - 1][j->a_turned];
            by(k, j->a_turned ? packed_left + y * k : rows_of_a, j->k, room + x * k, &place);
          }
        }
      }
    }
  }
}

/* Memory to pack into is kept: new memory costs a fault for each of its pages. */
static struct {
  int taken;
  float *room;
} kept[2 * MOST_THREADS];

static float *take(int *which) {
  float *room = NULL;
  for (*which = 0; *which < 2 * MOST_THREADS; (*which)++)
    if (!__atomic_exchange_n(&kept[*which].taken, 1, __ATOMIC_ACQUIRE)) break;
  if (*which < 2 * MOST_THREADS) room = kept[*which].room;
  if (!room && posix_memalign((void **)&room, 64, SIZE(ROOM))) abort();
  if (*which < 2 * MOST_THREADS) kept[*which].room = room;
  return room;
}

static void give_back(float *room, int which) {
  if (which == 2 * MOST_THREADS)
    free(room);
  else
    __atomic_store_n(&kept[which].taken, 0, __ATOMIC_RELEASE);
}

/* One piece: a strip of a part of a product. */
static void strips(const Job *j, int64_t first, int64_t end) {
  int which;
  float *room = take(&which);
  while (first < end) {
    const int64_t result = first / j->strips, strip = first % j->strips;
    const int64_t last = least(j->strips, strip + end - first);
    const int64_t product = result / j->parts, part = result % j->parts;
    Range r = {j->k * part / j->parts, j->k * (part + 1) / j->parts, 0, j->m, 0, j->n};
    if (j->strips == 1) {
      /* the whole result */
    } else if (j->by_rows) {
      r.top = strip * ROWS;
      r.low = least(j->m, last * ROWS);
    } else {
      r.left = strip * LANES;
      r.right = least(j->n, last * LANES);
    }
    float *c = j->parts > 1 ? j->partial : j->c;
    multiply(j, j->a + product * j->m * j->k, j->b + product * j->k * j->n,
             c + result * j->m * j->n, r, room);
    first += last - strip;
  }
  give_back(room, which);
}

/* One piece: RUN numbers of the results, summed over the parts. */
static void sum_of_parts(const Job *j, int64_t first, int64_t end) {
  const int64_t size = j->m * j->n;
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
  j->m = a[j->a_turned];
  j->k = a[!j->a_turned];
  j->n = ndims[result] > 1 ? shapes[result][ndims[result] - 1]
                           : shapes[1][ndims[1] - 1 - j->b_turned];
  j->products = ndims[0] > 2 ? shapes[0][0] : 1;
  j->parts = !j->bias && j->products * j->m * j->n <= SMALL && j->k >= LONG ? PARTS : 1;
  j->by_rows = j->a_turned ? j->m > j->n : j->products * j->m > 2 * j->n;
  j->strips = j->parts > 1 ? 1 : j->by_rows ? pieces(j->m, ROWS) : pieces(j->n, LANES);
  const int64_t flops = 2 * j->products * j->m * j->n * j->k;
  const int64_t bytes = flops / FLOPS_OF_A_THREAD * LEAST_BYTES;
  if (j->parts > 1) {
    j->partial = malloc(SIZE(j->products * j->parts * j->m * j->n));
    if (!j->partial) return 1;
  }
  int failed = run_helped(strips, j, j->products * j->parts * j->strips, bytes);
  if (j->parts > 1) {
    failed = failed || run(sum_of_parts, j, pieces(j->m * j->n, RUN), 0);
    free(j->partial);
  }
  return failed;
}

static int product_of(void **data, const int *ndims, int64_t **shapes, int a_turned,
                      int b_turned) {
  Job j = {.a = data[0], .b = data[1], .c = data[2], .a_turned = a_turned, .b_turned = b_turned};
  return multiply_all(&j, ndims, shapes, 2);
}
KERNEL(product) { return product_of(data, ndims, shapes, 0, 0); }
KERNEL(product_right) { return product_of(data, ndims, shapes, 0, 1); }
KERNEL(product_left) { return product_of(data, ndims, shapes, 1, 0); }
KERNEL(product_both) { return product_of(data, ndims, shapes, 1, 1); }

/* dense: x (rows, inputs), weight (outputs, inputs), bias, options -> leaky(x weight' + bias). */
KERNEL(dense) {
  Job j = {.a = data[0], .b = data[1], .c = data[4], .b_turned = 1, .bias = data[2]};
  j.slope = *(const float *)data[3];
  return multiply_all(&j, ndims, shapes, 4);
}
