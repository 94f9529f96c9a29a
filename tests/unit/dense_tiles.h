// SPDX-License-Identifier: Apache-2.0
/* Pairs and tiles of a shard by brute force over the dense matrix. */
#ifndef CPB_TESTING_DENSE_TILES_H
#define CPB_TESTING_DENSE_TILES_H

#include "testing.h"

/* Counts of one rank under one mask. */
typedef struct dense_count {
    int64_t pairs, own_pairs, receive, send;
    int64_t tiles, full, partial, q_tiles, longest;
} dense_count;

static inline int64_t dense_max(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static inline int64_t dense_scaled(const cpb_setup *setup, int64_t price)
{
    const cpb_model *const now = &setup->model, *const then = &setup->profile.model;
    return price * (now->q_heads * now->head_dim) / (then->q_heads * then->head_dim);
}

/* Whether a slice allows a pair, by the words of its kinds. */
static inline bool dense_slice_allows(const cpb_slice *s, int64_t q, int64_t k)
{
    if (q < s->queries.begin || q >= s->queries.end || k < s->keys.begin ||
        k >= s->keys.end)
        return false;
    const bool causal = s->keys.end - k > s->queries.end - 1 - q;
    const bool inverse = k - s->keys.begin >= q - s->queries.begin;
    return (!(s->kind & 1) || causal) && (!(s->kind & 2) || inverse);
}

static inline bool dense_allows(const cpb_mask *mask, int64_t q, int64_t k)
{
    for (size_t i = 0; i < cpb_mask_n_slices(mask); i++)
        if (dense_slice_allows(&cpb_mask_slices(mask)[i], q, k))
            return true;
    return false;
}

static inline int64_t dense_document(const cpb_mask *mask, int64_t p)
{
    const int64_t *const ends = cpb_mask_document_ends(mask);
    int64_t document = 0;
    while (ends[document] <= p)
        document++;
    return document;
}

/* One stretch of rows against one set of key tiles; without a slice, the whole mask. */
static inline void dense_tile_rows(const cpb_setup *setup, const cpb_mask *mask,
                                   const cpb_slice *slice, const int64_t *rows,
                                   int64_t n, const int64_t *tile, dense_count *c)
{
    const int64_t tokens = cpb_mask_tokens(mask);
    int64_t origin = 0;
    while (slice && !dense_slice_allows(slice, rows[0], origin))
        origin++;
    for (int64_t i = 0; i < n; i += tile[0]) {
        int64_t full = 0, partial = 0;
        for (int64_t k = origin; k < tokens; k += tile[1]) {
            int64_t pairs = 0;
            for (int64_t a = i; a < n && a < i + tile[0]; a++)
                for (int64_t b = k; b < tokens && b < k + tile[1]; b++)
                    pairs += rows[a] < tokens &&
                             (slice ? dense_slice_allows(slice, rows[a], b)
                                    : dense_allows(mask, rows[a], b));
            full += pairs == tile[0] * tile[1];
            partial += pairs > 0 && pairs < tile[0] * tile[1];
        }
        const cpb_pass *const p = &setup->profile.forward;
        c->full += full;
        c->partial += partial;
        c->q_tiles += full + partial > 0;
        if (full + partial > 0)
            c->longest = dense_max(c->longest,
                                   full * dense_scaled(setup, p->full_tile) +
                                       partial * dense_scaled(setup, p->partial_tile) +
                                       dense_scaled(setup, p->q_tile));
    }
}

/* End of the segment that starts at slot i. */
static inline int64_t dense_segment_end(const cpb_mask *mask, const int64_t *slots,
                                        int64_t i, int64_t n)
{
    int64_t end = i + 1;
    while (end < n && slots[end] < cpb_mask_tokens(mask) &&
           slots[end] == slots[end - 1] + 1 &&
           dense_document(mask, slots[end]) == dense_document(mask, slots[i]))
        end++;
    return end;
}

static inline void dense_tile_segments(const cpb_setup *setup, const cpb_mask *mask,
                                       const int64_t *slots, int64_t n,
                                       const int64_t *tile, dense_count *c)
{
    for (int64_t i = 0, end; i < n; i = end) {
        end = i + 1;
        if (slots[i] >= cpb_mask_tokens(mask))
            continue;
        end = dense_segment_end(mask, slots, i, n);
        for (size_t s = 0; s < cpb_mask_n_slices(mask); s++) {
            const cpb_slice *const slice = &cpb_mask_slices(mask)[s];
            const int64_t from = dense_max(slots[i], slice->queries.begin);
            const int64_t to = slots[end - 1] + 1 < slice->queries.end
                                   ? slots[end - 1] + 1
                                   : slice->queries.end;
            if (from < to)
                dense_tile_rows(setup, mask, slice, slots + i + (from - slots[i]),
                                to - from, tile, c);
        }
    }
}

static inline dense_count dense_tiles(const cpb_setup *setup, const cpb_mask *mask,
                                      const int64_t *slots, int64_t n, bool counted)
{
    const int64_t paired[] = {128, 128};
    const int64_t own[] = {setup->profile.tile_q, setup->profile.tile_k};
    const int64_t *const tile = counted && setup->cost == CPB_TILES ? paired : own;
    dense_count c = {0};
    if (setup->kernel == CPB_VARLEN)
        dense_tile_segments(setup, mask, slots, n, tile, &c);
    else
        dense_tile_rows(setup, mask, NULL, slots, n, tile, &c);
    c.tiles = c.full + c.partial;
    return c;
}

#endif
