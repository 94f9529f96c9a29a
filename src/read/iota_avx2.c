// SPDX-License-Identifier: Apache-2.0
/* Runs by vectors of 256 bits: ordinary stores for what stays in a cache, non-temporal
 * ones, which do not read the lines that they overwrite, for what does not. */
#include "iota.h"

#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>
#include <stdalign.h>
#include <string.h>

#define AVX2 __attribute__((target("avx2")))

enum {
    LINE = 64,   /* bytes of a cache line */
    VECTOR = 32, /* bytes of a vector */
    BLOCK = 8 * LINE,
    RUNS_AHEAD = 4,     /* hides the misses of a run behind the runs between */
    BYTES_AHEAD = 2048, /* the same for the array that is written front to back */
    IN_L2 = 2 << 20     /* bytes of an array up to which it needs no such help */
};

/* How to count in one element type. Values stay below 2^31, so two int32 side by side
 * add like one 64-bit number, without a carry between them: one code serves both types. */
typedef struct ramp {
    cpb_index type;
    size_t bytes;      /* of an element */
    int64_t lanes;     /* elements of a vector */
    int64_t one;       /* 1 in each element of 64 bits */
    __m256i ascending; /* 0, 1, 2, ... */
    __m256i step;      /* `lanes` in each element */
} ramp;

AVX2 static inline ramp ramp_of(cpb_index type)
{
    const bool narrow = type == CPB_INT32;
    ramp r = {.type = type, .bytes = cpb_index_bytes(type)};
    r.lanes = VECTOR / (int64_t)r.bytes;
    r.one = narrow ? (int64_t)1 << 32 | 1 : 1;
    r.ascending = narrow ? _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)
                         : _mm256_setr_epi64x(0, 1, 2, 3);
    r.step = _mm256_set1_epi64x(r.lanes * r.one);
    return r;
}

AVX2 static inline __m256i count_from(const ramp *r, int64_t value)
{
    return _mm256_add_epi64(_mm256_set1_epi64x(value * r->one), r->ascending);
}

/* Fetch the lines of a block that is soon written. The address need not be inside any
 * array: it is not read, only hoped for. */
static inline void prefetch(const void *base, size_t offset, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += LINE)
        __builtin_prefetch((const void *)((uintptr_t)base + offset + i), 1, 3);
}

/* Write a block of consecutive integers that starts with `x`; returns what follows. Four
 * sums side by side keep additions from waiting for each other. */
AVX2 static inline __m256i write_block(unsigned char *out, __m256i x, __m256i step)
{
    const __m256i steps = _mm256_slli_epi64(step, 2);
    __m256i a = x, b = _mm256_add_epi64(a, step), c = _mm256_add_epi64(b, step),
            d = _mm256_add_epi64(c, step);
    for (int i = 0; i < BLOCK; i += 4 * VECTOR) {
        _mm256_storeu_si256((void *)(out + i), a);
        _mm256_storeu_si256((void *)(out + i + VECTOR), b);
        _mm256_storeu_si256((void *)(out + i + 2 * VECTOR), c);
        _mm256_storeu_si256((void *)(out + i + 3 * VECTOR), d);
        a = _mm256_add_epi64(a, steps);
        b = _mm256_add_epi64(b, steps);
        c = _mm256_add_epi64(c, steps);
        d = _mm256_add_epi64(d, steps);
    }
    return a;
}

/* Write one run; what is written later stands at `later`. The last vector may overlap
 * the one before it. */
AVX2 static inline void write_run(const ramp *r, unsigned char *out, int64_t value,
                                  int64_t n, const void *later)
{
    unsigned char *const begin = out, *const end = out + (size_t)n * r->bytes;
    if (n < r->lanes) {
        cpb_iota_write(r->type, out, value, n);
        return;
    }
    __m256i x = count_from(r, value);
    for (; end - out >= BLOCK; out += BLOCK) {
        prefetch(later, (size_t)(out - begin), BLOCK);
        x = write_block(out, x, r->step);
    }
    for (; end - out >= VECTOR; out += VECTOR) {
        _mm256_storeu_si256((void *)out, x);
        x = _mm256_add_epi64(x, r->step);
    }
    if (out < end)
        _mm256_storeu_si256((void *)(end - VECTOR),
                            count_from(r, value + n - r->lanes));
}

static inline size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The run that is written a few runs after run i. */
static inline cpb_range run_ahead(const cpb_iota *iota, size_t i)
{
    return iota->runs[smaller(i + RUNS_AHEAD, iota->n_runs - 1)];
}

AVX2 static void write_cached(const cpb_iota *iota)
{
    const ramp r = ramp_of(iota->type);
    const size_t ahead = (size_t)iota->n * r.bytes > IN_L2 ? BYTES_AHEAD : 0;
    unsigned char *order = iota->order, *const inverse = iota->inverse;
    int64_t slot = 0;
    for (size_t i = 0; i < iota->n_runs; i++) {
        const cpb_range run = iota->runs[i];
        const int64_t n = run.end - run.begin;
        if (order) {
            write_run(&r, order, run.begin, n, order + ahead);
            order += (size_t)n * r.bytes;
        }
        if (inverse)
            write_run(&r, inverse + (size_t)run.begin * r.bytes, slot, n,
                      inverse + (size_t)run_ahead(iota, i).begin * r.bytes);
        slot += n;
    }
}

/* A place where bytes go line by line: the line at `at`, of which the bytes from .. to
 * - 1 wait in `line` until it is whole. */
typedef struct stream {
    alignas(LINE) unsigned char line[LINE];
    unsigned char *at;
    size_t from, to;
} stream;

static inline void stream_open(stream *s, unsigned char *out)
{
    s->from = s->to = (uintptr_t)out % LINE;
    s->at = out - s->from;
}

/* Part of a line goes by ordinary stores, so that neighbours keep theirs. */
static inline void stream_close(stream *s)
{
    if (s->from < s->to)
        memcpy(s->at + s->from, s->line + s->from, s->to - s->from);
}

AVX2 static inline void stream_line(unsigned char *at, __m256i a, __m256i b)
{
    _mm256_stream_si256((void *)at, a);
    _mm256_stream_si256((void *)(at + VECTOR), b);
}

AVX2 static inline void stream_flush(stream *s)
{
    if (s->from == 0)
        stream_line(s->at, _mm256_load_si256((const void *)s->line),
                    _mm256_load_si256((const void *)(s->line + VECTOR)));
    else
        stream_close(s);
    s->at += LINE;
    s->from = s->to = 0;
}

AVX2 static inline void stream_run(stream *s, const ramp *r, int64_t value, int64_t n)
{
    const int64_t per_line = 2 * r->lanes;
    if (s->to > 0) {
        const int64_t room = (int64_t)((LINE - s->to) / r->bytes);
        const int64_t some = n < room ? n : room;
        cpb_iota_write(r->type, s->line + s->to, value, some);
        s->to += (size_t)some * r->bytes;
        if (s->to < LINE)
            return;
        stream_flush(s);
        value += some;
        n -= some;
    }
    __m256i x = count_from(r, value);
    for (; n >= per_line; n -= per_line, value += per_line) {
        const __m256i y = _mm256_add_epi64(x, r->step);
        stream_line(s->at, x, y);
        x = _mm256_add_epi64(y, r->step);
        s->at += LINE;
    }
    cpb_iota_write(r->type, s->line, value, n);
    s->to = (size_t)n * r->bytes;
}

/* Fetch the first and the last line of a run that shares them with others. */
static inline void prefetch_ends(const unsigned char *begin, const unsigned char *end)
{
    if ((uintptr_t)begin % LINE)
        prefetch(begin, 0, 1);
    if ((uintptr_t)end % LINE)
        prefetch(end, 0, 1);
}

AVX2 static void write_streamed(const cpb_iota *iota)
{
    const ramp r = ramp_of(iota->type);
    unsigned char *const inverse = iota->inverse;
    stream order, piece;
    int64_t slot = 0;
    if (iota->order)
        stream_open(&order, iota->order);
    for (size_t i = 0; i < iota->n_runs; i++) {
        const cpb_range run = iota->runs[i];
        const int64_t n = run.end - run.begin;
        if (iota->order)
            stream_run(&order, &r, run.begin, n);
        if (inverse) {
            const cpb_range ahead = run_ahead(iota, i);
            prefetch_ends(inverse + (size_t)ahead.begin * r.bytes,
                          inverse + (size_t)ahead.end * r.bytes);
            stream_open(&piece, inverse + (size_t)run.begin * r.bytes);
            stream_run(&piece, &r, slot, n);
            stream_close(&piece);
        }
        slot += n;
    }
    if (iota->order)
        stream_close(&order);
    _mm_sfence(); /* non-temporal stores are not ordered by anything else */
}

static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2");
}

static const cpb_iota_way avx2 = {"avx2", has_avx2, write_cached, write_streamed};
const cpb_iota_way *const cpb_iota_avx2 = &avx2;

#else

const cpb_iota_way *const cpb_iota_avx2 = NULL;

#endif
