// SPDX-License-Identifier: Apache-2.0
/* Whole islands that a rank may give away: where they change hands, nothing is cut. */
#ifndef CPB_SRC_FRUGAL_OFFERS_H
#define CPB_SRC_FRUGAL_OFFERS_H

#include "frugal_swap.h"

enum { CPB_MOST_STRETCHES = 48, CPB_FEW_OFFERS = 64, CPB_MOST_OFFERS = 256 };

/* Where islands end, on the grid. */
typedef struct cpb_wholes {
    int32_t n;
    int32_t *end;    /* [n] */
    int64_t *before; /* [n + 1] cost of everything before each, and of everything */
    int32_t longest; /* positions of the longest */
} cpb_wholes;

/* Whole islands of one patch, one behind the other. */
typedef struct cpb_whole_stretch {
    cpb_range range;
    int32_t isle;
    int64_t cost;
} cpb_whole_stretch;

/* Up to two stretches. */
typedef struct cpb_offer {
    int32_t stretch[2]; /* -1 where there is none */
    int64_t length;
    int64_t cost;
    int64_t price; /* what it must save, in positions, for it may cost runs */
} cpb_offer;

/* Of one rank, by length and cost. */
typedef struct cpb_offers {
    int32_t n_stretches;
    cpb_whole_stretch stretch[CPB_MOST_STRETCHES];
    int32_t n;
    cpb_offer offer[CPB_MOST_OFFERS];
    int shift;                        /* of costs in keys */
    cpb_item sorted[CPB_MOST_OFFERS]; /* key: length and cost, value: index */
    cpb_item spare[CPB_MOST_OFFERS];
} cpb_offers;

cpb_status cpb_wholes_find(const cpb_view *view, cpb_arena *arena, cpb_wholes *wholes);

/* The first island that begins at or behind a position. O(log islands). */
int32_t cpb_wholes_from(const cpb_wholes *wholes, int64_t position);

static inline int32_t cpb_whole_begin(const cpb_wholes *wholes, int32_t i)
{
    return i ? wholes->end[i - 1] : 0;
}

/* List what a rank may give: nothing, a stretch, and two, `most` offers in all. */
void cpb_offers_list(const cpb_wholes *wholes, const cpb_board *board, int32_t rank,
                     int32_t most, cpb_offers *offers);

/* The first of the sorted offers that is no shorter, nor as long and cheaper. */
int32_t cpb_offers_from(const cpb_offers *offers, int64_t length, int64_t cost);

static inline const cpb_offer *cpb_offers_at(const cpb_offers *offers, int32_t i)
{
    return &offers->offer[offers->sorted[i].value];
}

/* Make an offer of rank[of] part of a swap. */
void cpb_offer_add(const cpb_offers *offers, const cpb_offer *offer, int32_t of,
                   cpb_swap *swap);

#endif
