// SPDX-License-Identifier: Apache-2.0
/* What a balancer sees and what it hands back. Balancers never see masks, so a fake view
 * with eight integers tests one. */
#ifndef CPB_SRC_BALANCE_H
#define CPB_SRC_BALANCE_H

#include "../base/memory.h"
#include "../base/range.h"

#include <cpb/planner.h>

#include <assert.h>

/* The work to deal out, over positions 0 .. tokens + padding - 1. */
typedef struct cpb_view {
    int32_t ranks;
    int64_t tokens;
    int64_t padding; /* already what the balancer's row asks for */
    cpb_sizes sizes;
    int64_t cap; /* most positions per rank; INT64_MAX where none is given */
    cpb_effort effort;

    int64_t chunk;      /* positions per chunk of the sequence grid */
    int64_t n_chunks;   /* ceil((tokens + padding) / chunk); the last may be short */
    const int64_t *cost; /* [n_chunks] what the row asked for, summed over the masks with
                            their weights; NULL where it asked for nothing */

    /* Masks that ranks wait for one by one, each with its own largest load; 0 where
     * `cost` is all there is. */
    size_t n_columns;
    const int64_t *columns; /* [n_columns * n_chunks] cost under each mask, unweighted */
    const int64_t *weights; /* [n_columns] >= 1, or NULL: all 1 */

    /* Ranks that differ. */
    const int32_t *speeds;  /* [ranks] 1 .. CPB_MAX_SPEED, or NULL: all alike */
    const int64_t *carried; /* [max(n_columns, 1) * ranks] loads >= 0 that ranks have
                               already, per mask; or NULL: none */

    size_t n_documents;
    const int64_t *document_ends; /* [n_documents] the last is `tokens` */

    /* What rows that look at traffic ask for beside; all zero for others. */
    int64_t tolerance_ppm;
    int64_t floor; /* some rank has a scaled load of so much, whoever deals */
    int64_t grid;  /* runs begin and end on multiples of it, but at the last position */
    int64_t tile;  /* shorter runs are not worth their while */
    int32_t nodes; /* cards that the ranks fill in order; 0: every rank has its own */
    int32_t peers; /* most other ranks that a rank should have to do with */
    bool long_runs; /* few runs count, traffic does not */
    size_t n_islands;
    const int64_t *island_ends; /* [n_islands] no query sees a key of another island; the
                                   last is `tokens` */
    size_t n_masks;
    const int64_t *mask_weights; /* [n_masks] */
    const bool *nested; /* [n_masks] every query sees exactly its island up to itself */
    const struct cpb_lookup *lookup;
} cpb_view;

/* Room for the keys of one need. */
enum { CPB_NEED_ROOM = 8 };

/* Costs and needs of any range of positions. */
typedef struct cpb_lookup {
    /* Cost of the queries of [0, position), summed over the masks with their weights, in
     * the original order. */
    int64_t (*before)(const struct cpb_lookup *lookup, int64_t position);
    /* Keys that the queries see under a mask: at most CPB_NEED_ROOM sorted, disjoint
     * ranges, joined over the smallest gaps where they are more. Returns how many. */
    size_t (*need)(const struct cpb_lookup *lookup, size_t mask, cpb_range queries,
                   cpb_range *keys);
    /* Cost of a range that a rank holds and nothing next to it in its document, where that
     * is another than in the original order and loads are sums over such ranges; NULL
     * otherwise. */
    int64_t (*held)(const struct cpb_lookup *lookup, cpb_range queries);
    /* Load of a rank that holds these runs, as a score counts it, before speeds; NULL
     * where costs of runs, held or in the original order, add up to it. `runs` are [n],
     * ascending, neighbours that continue each other merged. */
    cpb_status (*load)(const struct cpb_lookup *lookup, size_t n, const cpb_range *runs,
                       int64_t *load);
} cpb_lookup;

/* Pieces under construction, in an arena. A rank's shard is its pieces in the order
 * dealt. */
typedef struct cpb_deal {
    cpb_arena *arena;
    cpb_piece *pieces;
    size_t n;
    size_t room;
    bool mixed;  /* pieces do not lie rank by rank */
    bool misses; /* a load may lie above the tolerance that the view asks for */
} cpb_deal;

/* Make room for exactly `room` pieces in all; call once, before the first add. */
cpb_status cpb_deal_reserve(cpb_deal *deal, size_t room);

/* Append a piece; empty ranges are ignored. Here to be inlined: rows that cut documents to
 * shreds deal a hundred thousand. */
static inline void cpb_deal_add(cpb_deal *deal, int32_t rank, cpb_range range)
{
    if (range.begin >= range.end)
        return;
    assert(deal->n < deal->room);
    deal->mixed |= deal->n && deal->pieces[deal->n - 1].rank > rank;
    deal->pieces[deal->n++] =
        (cpb_piece){rank, (int32_t)range.begin, (int32_t)range.end};
}

/* Whole-chunk balancers end here: chunk c goes to owner[c], and every rank holds its
 * chunks in ascending order. `owner` is [n_chunks]. */
cpb_status cpb_deal_chunks(cpb_deal *deal, const cpb_view *view, const int32_t *owner);

/* Turn a view into pieces. `deal->arena` is also the place for scratch. Every position of
 * 0 .. tokens + padding - 1 is dealt exactly once.
 * \return CPB_OK; CPB_NO_MEMORY; CPB_UNSUPPORTED with a sentence where a cap cannot be
 *         kept. */
typedef cpb_status cpb_balance_fn(const cpb_view *view, cpb_deal *deal,
                                  cpb_error *error);

/* Which costs a balancer deals by. */
typedef enum cpb_weights {
    CPB_WEIGHTS_NONE,  /* looks at positions alone */
    CPB_WEIGHTS_GIVEN, /* the setup's cost */
    CPB_WEIGHTS_TILES, /* non-empty tiles of chunk x chunk */
    CPB_WEIGHTS_PAIRS, /* exact pairs */
    CPB_WEIGHTS_LOOKUP  /* the setup's cost and the needs, of any range */
} cpb_weights;

/* A row of the table: everything the planner needs to know about a balancer. */
typedef struct cpb_balancer {
    const char *name;
    const char *summary;
    cpb_balance_fn *run;
    cpb_weights weights;
    uint32_t by_chunk;  /* bit 1 << cpb_kernel where it deals whole chunks, not tokens */
    int64_t chunk;      /* default */
    int32_t rank_factor; /* equal sizes: positions are a multiple of
                            rank_factor * ranks * (by_chunk ? chunk : 1) */
    bool keeps_tolerance; /* of the largest load */
    uint32_t kernels;    /* bit 1 << cpb_kernel where it serves */
    uint32_t transports; /* bit 1 << cpb_transport where it serves */
} cpb_balancer;

/* THE list. */
extern const cpb_balancer cpb_balancers[];
extern const size_t cpb_n_balancers;

cpb_balance_fn cpb_balance_contiguous, cpb_balance_head_tail, cpb_balance_per_document,
    cpb_balance_per_document_legacy, cpb_balance_ptrr, cpb_balance_striped,
    cpb_balance_min_heap, cpb_balance_even, cpb_balance_frugal;

#endif
