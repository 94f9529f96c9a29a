// SPDX-License-Identifier: Apache-2.0
/* What the parts of the balancer `frugal` share.
 *
 * Positions are cut into *isles*, which share no traffic: islands of the masks, rounded up
 * to the grid, tiny neighbours bundled. A *board* says who holds what: patches by position,
 * none across the end of an isle. It keeps loads, runs and traffic up to date while
 * patches change hands. */
#ifndef CPB_SRC_FRUGAL_BOARD_H
#define CPB_SRC_FRUGAL_BOARD_H

#include "balance.h"
#include "frugal_peers.h"

#include "../base/sort.h"

/* Sums may pass 2^63. */
__extension__ typedef __int128 cpb_sum;

/* Where positions may be cut without harm: ends of isles, and inside them ends of
 * documents. Built once per view. */
typedef struct cpb_isles {
    int32_t n;
    int32_t *end; /* [n] positions; the last is the number of positions */
    bool *single; /* [n] one island, pads and all: needs reach to its begin */
    bool *ragged; /* [n] its last grid step also holds the first tokens of the next */
    int32_t n_atoms;
    int32_t *atom_end; /* [n_atoms] isles cut at documents */
} cpb_isles;

/* What ranks should hold. */
typedef struct cpb_goals {
    int64_t positions; /* whole grid steps; the view's last position may lie before */
    int32_t *size;     /* [ranks] positions to hold, exactly */
    int64_t *goal;     /* [ranks] share of the cost */
    int64_t *limit;    /* [ranks] cost within the tolerance */
    int64_t total;     /* cost of everything */
    int64_t level;     /* scaled load of everybody at the goal */
    int64_t bound;     /* scaled load of some rank at least, whoever deals */
    bool whole;        /* loads can be met by whole islands later on */
} cpb_goals;

/* Positions of one isle that a rank holds. */
typedef struct cpb_patch {
    int32_t begin, end;
    int32_t rank, isle;
    int32_t prev, next; /* by position, across isles; -1: none */
    int32_t back, fore; /* the rank's others, in no order; -1: none */
    int64_t before;     /* cost of everything before `begin` */
    int64_t cost;       /* part of the rank's load */
} cpb_patch;

/* Keys that the queries of [begin, end) see, under one mask. */
typedef struct cpb_patch_need {
    int32_t begin, end; /* of the patch when it was asked last; both 0: never */
    int32_t n;
    cpb_range keys[CPB_NEED_ROOM];
} cpb_patch_need;

/* Cards: what traffic is counted for. Ranks where there are no nodes. */
typedef struct cpb_board {
    const cpb_view *view;
    const cpb_isles *isles;
    const cpb_goals *goals;
    cpb_arena *arena;
    int32_t per_card; /* ranks */
    int32_t n_cards;

    cpb_patch *patch;
    cpb_patch_need *need;   /* [masks] of each patch, asked when they are wanted; NULL
                               where all isles are nested */
    int32_t n, room, spare; /* patches in use or freed; head of the freed ones */
    int32_t *isle_first;    /* [isles] */
    int32_t last;           /* patch of all */
    int32_t *rank_first;    /* [ranks] */
    int32_t *rank_n;        /* [ranks] patches */
    int32_t *runs;          /* [ranks] */
    int64_t *load;          /* [ranks] */
    int64_t *in, *out;      /* [cards] keys, times the masks' weights */
    int64_t total;          /* sum of `in` */
    int64_t nested_weight;  /* of all masks where they are nested, else 0 */
    cpb_peers peers;
    int64_t *isle_before; /* [isles] cost of everything before them */
    int64_t looked;       /* patches looked at so far: what effort is counted in */

    /* Scratch of one look at an isle. */
    int32_t *mark; /* [cards] */
    int32_t stamp;
    int64_t *reach; /* [cards] */
    cpb_item *keys; /* needs, by card */
    size_t keys_room;
    int32_t *row; /* patches of the isle */
    size_t row_room;

    /* Cards that changed since cpb_board_begin(), with what they were. */
    int32_t *touched; /* [cards] */
    int32_t n_touched;
    int32_t *touch_mark; /* [cards] */
    int32_t touch_stamp;
    int64_t *old_in, *old_out; /* [touched] */
} cpb_board;

cpb_status cpb_isles_find(const cpb_view *view, cpb_arena *arena, cpb_isles *isles);

/* The isle that holds a position. O(log isles). */
int32_t cpb_isles_at(const cpb_isles *isles, int64_t position);

cpb_status cpb_goals_set(const cpb_view *view, cpb_arena *arena, cpb_goals *goals,
                         cpb_error *error);

/* What ranks may take on so that loads that sum to `total` stay within the tolerance, above
 * their mean or above a scaled load that some rank has whoever deals: limit [ranks]. */
void cpb_goals_limits(const cpb_view *view, int64_t total, int64_t bound,
                      int64_t *limit);

/* Everything with rank 0, no traffic. */
cpb_status cpb_board_create(const cpb_view *view, const cpb_isles *isles,
                            const cpb_goals *goals, cpb_arena *arena, cpb_board *board);

/* All to rank 0 again. */
void cpb_board_clear(cpb_board *board);

/* `to` becomes what `from` is; both were created from the same. */
cpb_status cpb_board_copy(const cpb_board *from, cpb_board *to);

/* Hand a range inside one isle and inside patch `id` to a rank; cuts and merges patches.
 * Traffic is left as it is. Returns the patch that holds the range then, -1 when memory
 * ends. */
int32_t cpb_board_give(cpb_board *board, int32_t id, int32_t begin, int32_t end,
                       int32_t rank);

/* The patch of an isle that holds a position. */
int32_t cpb_board_find(const cpb_board *board, int32_t isle, int32_t position);

/* Add (sign 1) or take away (-1) the traffic inside an isle. */
cpb_status cpb_board_flow(cpb_board *board, int32_t isle, int64_t sign);

/* Add or take away the links that patches of some isles have a part in, where peers are
 * limited. An isle may be named twice. */
enum { CPB_LINKED_ISLES = 5 };
cpb_status cpb_board_link(cpb_board *board, int32_t n_isles, const int32_t *isle,
                          int32_t sign);

/* Count all traffic and links anew. */
cpb_status cpb_board_count(cpb_board *board);

/* From here on changes of traffic are noted, and cpb_board_revert() takes them back. */
void cpb_board_begin(cpb_board *board);
void cpb_board_revert(cpb_board *board);

/* More (or fewer) keys in and out of a card. */
void cpb_board_add(cpb_board *board, int32_t card, int64_t in, int64_t out);

/* What an isle has of the island at a position. O(log islands). */
cpb_range cpb_board_island(const cpb_board *board, int32_t isle, int64_t position);

/* The last patch of an isle. */
static inline int32_t cpb_board_last(const cpb_board *board, int32_t isle)
{
    return isle + 1 < board->isles->n ? board->patch[board->isle_first[isle + 1]].prev
                                      : board->last;
}

/* Whether pieces cost more than they do in the original order. */
static inline bool cpb_cuts_cost(const cpb_view *view)
{
    return view->lookup->load || view->lookup->held;
}

/* Cost of everything before the end of a patch. */
static inline int64_t cpb_patch_after(const cpb_board *board, const cpb_patch *patch)
{
    return patch->next >= 0 ? board->patch[patch->next].before : board->goals->total;
}

static inline int64_t cpb_board_cost(const cpb_board *board, int64_t begin, int64_t end)
{
    const cpb_lookup *const lookup = board->view->lookup;
    return lookup->before(lookup, end) - lookup->before(lookup, begin);
}

/* The same as part of the load of a rank that holds these positions and not those next to
 * them. */
static inline int64_t cpb_board_held(const cpb_board *board, int64_t begin, int64_t end)
{
    const cpb_lookup *const lookup = board->view->lookup;
    return lookup->held ? lookup->held(lookup, (cpb_range){begin, end})
                        : cpb_board_cost(board, begin, end);
}

#endif
