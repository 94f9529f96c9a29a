// SPDX-License-Identifier: Apache-2.0
/* The mask as later layers see it. */
#ifndef CPB_SRC_MASK_H
#define CPB_SRC_MASK_H

#include "../base/memory.h"
#include "slice.h"

/* A stretch of queries whose number of keys is linear in the query: query q sees
 * `keys + slope * (q - begin)` keys. Bands cover the sequence without gaps. */
typedef struct cpb_band {
    int64_t begin;
    int64_t keys;
    int64_t slope;
    int64_t pairs_before; /* pairs of all queries before `begin` */
} cpb_band;

/* Pairs of all queries before q, which lies in the band or one past it. */
static inline int64_t cpb_band_before(const cpb_band *band, int64_t q)
{
    const int64_t rows = q - band->begin;
    return band->pairs_before + rows * band->keys +
           band->slope * (rows * (rows - 1) / 2);
}

struct cpb_mask {
    cpb_arena memory; /* owns everything below, and the mask itself */
    int64_t tokens;
    size_t n_slices;
    cpb_slice *slices; /* sorted by (queries.begin, keys.begin); every query of a slice
                          sees a key of it */
    int64_t *reach;    /* [n_slices] largest queries.end among slices 0 .. i */
    size_t n_documents;
    int64_t *document_ends;
    size_t n_bands;
    cpb_band *bands; /* [n_bands], bands[0].begin is 0 */
    char *text;      /* canonical notation or NULL */
};

/* First i with values[i] > x, n where none is; values ascend. O(log n). */
size_t cpb_first_above(size_t n, const int64_t *values, int64_t x);

/* The same, looked for at a hint in 0 .. n and a little behind it first. O(1) where x
 * mostly ascends slowly and each answer is the next hint. */
static inline size_t cpb_first_near(size_t n, const int64_t *values, size_t hint,
                                    int64_t x)
{
    enum { NEAR = 4 };
    const size_t end = n - hint < NEAR ? n : hint + NEAR;
    if (hint == 0 || values[hint - 1] <= x)
        for (size_t i = hint; i < end; i++)
            if (values[i] > x)
                return i;
    return cpb_first_above(n, values, x);
}

/* Index of the first slice that may hold a query >= q; scan on from there while
 * slices[i].queries.begin is before the queries of interest, and skip those that end
 * before them. O(log slices). */
size_t cpb_mask_first_slice(const cpb_mask *mask, int64_t q);

/* The same with an earlier answer, or 0, as a hint. */
static inline size_t cpb_mask_slice_near(const cpb_mask *mask, size_t hint, int64_t q)
{
    return cpb_first_near(mask->n_slices, mask->reach, hint, q);
}

/* Keys of the query that sees most. O(slices). */
int64_t cpb_mask_most_keys(const cpb_mask *mask);

/* Index of the document that holds position p, p < tokens. O(log documents). */
size_t cpb_document_of(size_t n_documents, const int64_t *document_ends, int64_t p);

/* The same with an earlier answer, or 0, as a hint. */
static inline size_t cpb_document_near(const cpb_mask *mask, size_t hint, int64_t p)
{
    return cpb_first_near(mask->n_documents, mask->document_ends, hint, p);
}

#endif
