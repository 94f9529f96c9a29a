// SPDX-License-Identifier: Apache-2.0
/* Order and inverse of a list of runs: stretches of consecutive integers, written at the
 * speed of memset. There are several ways to write them, all with the same result. */
#ifndef CPB_SRC_IOTA_H
#define CPB_SRC_IOTA_H

#include <cpb/order.h>

/* Runs that cover 0 .. n - 1 once, and the arrays [n] to write. */
typedef struct cpb_iota {
    cpb_index type;
    int64_t n;
    size_t n_runs;
    const cpb_range *runs; /* [n_runs] none empty */
    void *order;           /* the runs' positions, one run behind the other; or NULL */
    void *inverse;         /* where each position stands in the order; or NULL */
} cpb_iota;

/* One way to write both arrays. */
typedef struct cpb_iota_way {
    const char *name;
    bool (*serves)(void); /* whether this processor has what the way needs */
    void (*cached)(const cpb_iota *iota);   /* arrays that fit a cache */
    void (*streamed)(const cpb_iota *iota); /* arrays that only pass through */
} cpb_iota_way;

/* The i-th way, the plainest first; NULL past the last. */
const cpb_iota_way *cpb_iota_way_at(size_t i);

/* Bytes of one element. */
static inline size_t cpb_index_bytes(cpb_index type)
{
    return type == CPB_INT32 ? sizeof(int32_t) : sizeof(int64_t);
}

/* Write value, value + 1, ... to `out` [n], element by element. */
void cpb_iota_write(cpb_index type, void *out, int64_t value, int64_t n);

/* Vectors of 256 bits; NULL where the compiler cannot make them. */
extern const cpb_iota_way *const cpb_iota_avx2;

#endif
