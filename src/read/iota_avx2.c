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
    HALF = VECTOR / 2,
    BLOCK = 8 * LINE,
    RUNS_AHEAD = 8,      /* hides the misses of a run behind the runs between */
    BYTES_AHEAD = 2048,  /* the same for the array that is written front to back */
    RUNS_FAR_AHEAD = 16, /* the same where lines come from memory */
    STAGE = 4096,        /* bytes that surely stay in the nearest cache */
    IN_L2 = 2 << 20      /* bytes of an array up to which it needs no such help */
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

/* Fetch the lines of bytes that are soon written. */
static inline void prefetch(const unsigned char *at, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += LINE)
        __builtin_prefetch(at + i, 1, 3);
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

/* The last `elements` of a run of n. */
AVX2 static inline __m256i count_last(const ramp *r, int64_t value, int64_t n,
                                      int64_t elements)
{
    return count_from(r, value + n - elements);
}

/* Write less than a line: two vectors, or halves of vectors, that may overlap. */
AVX2 static inline void write_short(const ramp *r, unsigned char *out, int64_t value,
                                    int64_t n)
{
    const size_t bytes = (size_t)n * r->bytes;
    unsigned char *const end = out + bytes;
    if (bytes >= VECTOR) {
        const __m256i last = count_last(r, value, n, r->lanes);
        _mm256_storeu_si256((void *)out, count_from(r, value));
        _mm256_storeu_si256((void *)(end - VECTOR), last);
    } else if (bytes >= HALF) {
        const __m256i first = count_from(r, value);
        const __m256i last = count_last(r, value, n, r->lanes / 2);
        _mm_storeu_si128((void *)out, _mm256_castsi256_si128(first));
        _mm_storeu_si128((void *)(end - HALF), _mm256_castsi256_si128(last));
    } else {
        cpb_iota_write(r->type, out, value, n);
    }
}

/* Write one run; as many bytes at `fetched` are fetched for a run that follows, none if it
 * is NULL. The last vector may overlap the one before it. */
AVX2 static inline void write_run(const ramp *r, unsigned char *out, int64_t value,
                                  int64_t n, const unsigned char *fetched)
{
    unsigned char *const begin = out, *const end = out + (size_t)n * r->bytes;
    if (n < 2 * r->lanes) {
        write_short(r, out, value, n);
        return;
    }
    __m256i x = count_from(r, value);
    for (; end - out >= BLOCK; out += BLOCK) {
        if (fetched)
            prefetch(fetched + (out - begin), BLOCK);
        x = write_block(out, x, r->step);
    }
    for (; end - out >= VECTOR; out += VECTOR) {
        _mm256_storeu_si256((void *)out, x);
        x = _mm256_add_epi64(x, r->step);
    }
    if (out < end)
        _mm256_storeu_si256((void *)(end - VECTOR), count_last(r, value, n, r->lanes));
}

static inline size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The run that is written `ahead` runs after run i. */
static inline cpb_range run_ahead(const cpb_iota *iota, size_t i, size_t ahead)
{
    return iota->runs[smaller(i + ahead, iota->n_runs - 1)];
}

/* Where `count` elements from p stand, to be fetched; NULL where they pass the end. */
static inline const unsigned char *
later(const cpb_iota *iota, const unsigned char *array, int64_t p, int64_t count)
{
    return p + count <= iota->n ? array + (size_t)p * cpb_index_bytes(iota->type)
                                : NULL;
}

AVX2 static void write_cached(const cpb_iota *iota)
{
    const ramp r = ramp_of(iota->type);
    const bool help = (size_t)iota->n * r.bytes > IN_L2;
    const int64_t ahead = help ? BYTES_AHEAD / (int64_t)r.bytes : iota->n;
    unsigned char *const order = iota->order, *const inverse = iota->inverse;
    int64_t slot = 0;
    for (size_t i = 0; i < iota->n_runs; i++) {
        const cpb_range run = iota->runs[i];
        const int64_t n = run.end - run.begin;
        const int64_t begin_ahead = run_ahead(iota, i, RUNS_AHEAD).begin;
        if (order)
            write_run(&r, order + (size_t)slot * r.bytes, run.begin, n,
                      later(iota, order, slot + ahead, n));
        if (inverse)
            write_run(&r, inverse + (size_t)run.begin * r.bytes, slot, n,
                      later(iota, inverse, begin_ahead, n));
        slot += n;
    }
}

/* The next bytes of an array that is written front to back, kept in the nearest cache
 * until they are many whole lines: bytes from .. to - 1 belong at `at` + from. */
typedef struct stage {
    alignas(LINE) unsigned char bytes[STAGE];
    unsigned char *at; /* starts a line, as `bytes` does */
    size_t from, to;
} stage;

static inline void stage_open(stage *s, unsigned char *out)
{
    s->from = s->to = (uintptr_t)out % LINE;
    s->at = out - s->from;
}

/* Whole lines pass the caches; parts of lines at both ends, whose other bytes are not
 * ours, do not. */
AVX2 static void stage_flush(stage *s)
{
    const size_t head = (s->from + LINE - 1) / LINE * LINE, tail = s->to / LINE * LINE;
    if (head > tail) {
        memcpy(s->at + s->from, s->bytes + s->from, s->to - s->from);
        return;
    }
    memcpy(s->at + s->from, s->bytes + s->from, head - s->from);
    for (size_t i = head; i < tail; i += VECTOR)
        _mm256_stream_si256((void *)(s->at + i),
                            _mm256_load_si256((const void *)(s->bytes + i)));
    memcpy(s->at + tail, s->bytes + tail, s->to - tail);
    s->at += STAGE;
    s->from = s->to = 0;
}

AVX2 static inline void stage_run(stage *s, const ramp *r, int64_t value, int64_t n)
{
    while (n > 0) {
        const int64_t room = (int64_t)((STAGE - s->to) / r->bytes);
        const int64_t some = n < room ? n : room;
        write_run(r, s->bytes + s->to, value, some, NULL);
        s->to += (size_t)some * r->bytes;
        value += some;
        n -= some;
        if (s->to == STAGE)
            stage_flush(s);
    }
}

/* Write one run past the caches, but for the parts of lines at its ends. */
AVX2 static inline void stream_run(const ramp *r, unsigned char *out, int64_t value,
                                   int64_t n)
{
    unsigned char *const end = out + (size_t)n * r->bytes;
    const size_t head = (LINE - (uintptr_t)out % LINE) % LINE;
    if (end - out < (ptrdiff_t)(head + LINE)) {
        write_run(r, out, value, n, NULL);
        return;
    }
    write_short(r, out, value, (int64_t)(head / r->bytes));
    value += (int64_t)(head / r->bytes);
    out += head;
    __m256i x = count_from(r, value);
    for (; end - out >= LINE; out += LINE, value += 2 * r->lanes) {
        const __m256i y = _mm256_add_epi64(x, r->step);
        _mm256_stream_si256((void *)out, x);
        _mm256_stream_si256((void *)(out + VECTOR), y);
        x = _mm256_add_epi64(y, r->step);
    }
    write_short(r, out, value, (end - out) / (int64_t)r->bytes);
}

/* Fetch the first and the last line of a run where it shares them with others. */
static inline void prefetch_ends(const unsigned char *begin, const unsigned char *end)
{
    if ((uintptr_t)begin % LINE)
        prefetch(begin, 1);
    if ((uintptr_t)end % LINE)
        prefetch(end, 1);
}

AVX2 static void write_streamed(const cpb_iota *iota)
{
    const ramp r = ramp_of(iota->type);
    unsigned char *const inverse = iota->inverse;
    stage order;
    int64_t slot = 0;
    if (iota->order)
        stage_open(&order, iota->order);
    for (size_t i = 0; i < iota->n_runs; i++) {
        const cpb_range run = iota->runs[i];
        const int64_t n = run.end - run.begin;
        if (iota->order)
            stage_run(&order, &r, run.begin, n);
        if (inverse) {
            const cpb_range ahead = run_ahead(iota, i, RUNS_FAR_AHEAD);
            prefetch_ends(inverse + (size_t)ahead.begin * r.bytes,
                          inverse + (size_t)ahead.end * r.bytes);
            stream_run(&r, inverse + (size_t)run.begin * r.bytes, slot, n);
        }
        slot += n;
    }
    if (iota->order)
        stage_flush(&order);
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
