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

/* Index of the first slice that may hold a query >= q; scan on from there while
 * slices[i].queries.begin is before the queries of interest, and skip those that end
 * before them. O(log slices). */
size_t cpb_mask_first_slice(const cpb_mask *mask, int64_t q);

/* Keys of the query that sees most. O(slices). */
int64_t cpb_mask_most_keys(const cpb_mask *mask);

/* Index of the document that holds position p, p < tokens. O(log documents). */
size_t cpb_document_of(size_t n_documents, const int64_t *document_ends, int64_t p);

#endif
