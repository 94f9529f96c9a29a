// SPDX-License-Identifier: Apache-2.0
/* Proof that no pair lies in two slices.
 *
 * A sweep over the queries keeps the slices that hold the current query in the order of
 * their keys. As long as they are disjoint that order never changes: from one row to
 * the next no end moves by more than one key, so two slices of at least one key each
 * cannot change places without sharing a key on the way. Hence in the first row where
 * any two slices overlap, two neighbours overlap, and it is enough to test each pair of
 * slices, over all its rows at once, when they become neighbours.
 *
 * The idea is that of M. I. Shamos and D. Hoey, "Geometric intersection problems", FOCS
 * 1976. O(n log n), plus moves inside the array of slices that share a query. */
#include "../base/error.h"
#include "../base/sort.h"
#include "build.h"

#include <inttypes.h>
#include <string.h>

typedef struct line {
    size_t n;
    size_t *index; /* [n] slices of the current query, by their keys */
    const cpb_slice *slices;
    const cpb_item *order; /* value: the caller's number of a slice */
} line;

typedef struct pair {
    int64_t query;
    int64_t key;
} pair;

/* The row where the highs of two slices meet, kept inside `rows`; the first row where
 * both move alike. Otherwise one of them moves by one more per row, so they meet on a
 * row. */
static int64_t meeting(const cpb_slice *a, const cpb_slice *b, cpb_range rows)
{
    const int64_t ahead = cpb_slice_high(a, rows.begin) - cpb_slice_high(b, rows.begin);
    const int64_t faster =
        cpb_slice_high_slope(a->kind) - cpb_slice_high_slope(b->kind);
    return cpb_max(rows.begin, cpb_min(rows.begin - ahead * faster, rows.end - 1));
}

/* Whether two slices share a pair, and which.
 *
 * A row shares min(high) - max(low) keys, and from row to row both terms rise by 0 or
 * 1. If one high moves and one stands, the first term rises by 1 up to the row where
 * they meet and stands from there, so the difference never falls before that row and
 * never rises after it. If both highs stand it never rises, if both move it never
 * falls. In each case it is largest in one of two rows. */
static bool share(const cpb_slice *a, const cpb_slice *b, pair *shared)
{
    const cpb_range rows = cpb_range_intersect(a->queries, b->queries);
    if (rows.begin >= rows.end)
        return false;

    const int64_t candidates[] = {meeting(a, b, rows), rows.end - 1};
    for (size_t i = 0; i < sizeof candidates / sizeof *candidates; i++) {
        const int64_t q = candidates[i];
        const int64_t low = cpb_max(cpb_slice_low(a, q), cpb_slice_low(b, q));
        const int64_t high = cpb_min(cpb_slice_high(a, q), cpb_slice_high(b, q));
        if (low < high) {
            *shared = (pair){q, low};
            return true;
        }
    }
    return false;
}

/* First place whose slice starts at or after `key` in row q. */
static size_t place_of(const line *active, int64_t q, int64_t key)
{
    size_t low = 0, high = active->n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (cpb_slice_low(&active->slices[active->index[middle]], q) < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Refuse the slices at two neighbouring places if they overlap; places outside the line
 * hold nothing. */
static cpb_status neighbours_check(const line *active, size_t upper, cpb_error *error)
{
    if (upper == 0 || upper >= active->n)
        return CPB_OK;
    const size_t a = active->index[upper - 1], b = active->index[upper];
    pair shared;
    if (!share(&active->slices[a], &active->slices[b], &shared))
        return CPB_OK;

    const int64_t x = active->order[a].value, y = active->order[b].value;
    const int64_t first = cpb_min(x, y), second = cpb_max(x, y);
    return cpb_fail(error, CPB_INVALID, second,
                    "slices %" PRId64 " and %" PRId64
                    " overlap: both allow query %" PRId64 " and key %" PRId64
                    "; accepted are slices without a pair in common",
                    first, second, shared.query, shared.key);
}

static cpb_status take_in(line *active, size_t i, cpb_error *error)
{
    const cpb_slice *const slice = &active->slices[i];
    const size_t place = place_of(active, slice->queries.begin, slice->keys.begin);
    memmove(active->index + place + 1, active->index + place,
            (active->n - place) * sizeof *active->index);
    active->index[place] = i;
    active->n++;
    const cpb_status status = neighbours_check(active, place, error);
    return status != CPB_OK ? status : neighbours_check(active, place + 1, error);
}

static cpb_status let_out(line *active, size_t i, cpb_error *error)
{
    const cpb_slice *const slice = &active->slices[i];
    const int64_t last = slice->queries.end - 1;
    const size_t place = place_of(active, last, cpb_slice_low(slice, last));
    active->n--;
    memmove(active->index + place, active->index + place + 1,
            (active->n - place) * sizeof *active->index);
    return neighbours_check(active, place, error);
}

cpb_status cpb_disjoint_check(const cpb_mask *mask, const cpb_item *order,
                              const cpb_item *ends, cpb_arena *scratch,
                              cpb_error *error)
{
    const size_t n = mask->n_slices;
    const cpb_slice *const slices = mask->slices;
    line active = {.index = cpb_arena_take(scratch, n, sizeof *active.index),
                   .slices = slices,
                   .order = order};
    if (!active.index)
        return CPB_NO_MEMORY;

    cpb_status status = CPB_OK;
    for (size_t begun = 0, ended = 0; begun < n; begun++) {
        const uint64_t row = (uint64_t)slices[begun].queries.begin;
        while (ended < begun && ends[ended].key <= row) {
            /* Of slices that end together the last comes first: those of one row of
             * blocks then leave from the back, and nothing moves. */
            size_t after = ended + 1;
            while (after < begun && ends[after].key == ends[ended].key)
                after++;
            for (size_t e = after; e > ended; e--)
                CPB_TRY(let_out(&active, (size_t)ends[e - 1].value, error));
            ended = after;
        }
        CPB_TRY(take_in(&active, begun, error));
    }

done:
    return status;
}
