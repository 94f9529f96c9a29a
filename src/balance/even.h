// SPDX-License-Identifier: Apache-2.0
/* What the two halves of the balancer `even` share. */
#ifndef CPB_SRC_EVEN_H
#define CPB_SRC_EVEN_H

#include "balance.h"
#include "bound.h"
#include "moves.h"
#include "start.h"

/* How long to search and when to be content. Few seats per rank need more rounds and
 * reach less; with many seats much nearer than anybody notices costs nothing. */
typedef struct cpb_patience {
    int64_t rounds;
    int64_t rounds_by_seats; /* / seats per rank, added */
    int64_t stage;           /* rounds in which the excess must fall by an eighth */
    int64_t stop;            /* parts per million above the bound */
    int64_t stop_by_seats;   /* / seats per rank, where that is more */
    int64_t layer_rounds;    /* with several masks */
    int64_t layer_stop;
} cpb_patience;

/* The patience of a view's effort. */
const cpb_patience *cpb_even_patience(const cpb_view *view);

/* One problem of whole chunks, ready to be dealt. */
typedef struct cpb_even {
    const cpb_view *view;
    cpb_arena *arena;
    int64_t fastest; /* largest speed */
    cpb_seats seats;
    cpb_start_table table;
    cpb_item *items;   /* the table's chunks */
    cpb_item *spare;   /* [n_chunks] scratch */
    int64_t *handicap; /* [ranks] the table's, to be filled in */
    cpb_assignment best;
} cpb_even;

/* Sort the chunks by `cost` [n_chunks]. */
cpb_status cpb_even_sort(cpb_even *even, const int64_t *cost);

/* Where a cap is given, give a short last chunk away beforehand, because it takes
 * less of the cap than others; then make the first deal. Handicaps are filled in. */
void cpb_even_start(cpb_even *even, const int64_t *cost);

/* Lower bound for one column of costs; NULL: those that were sorted. */
cpb_status cpb_even_bound(const cpb_even *even, const int64_t *cost,
                          const int64_t *carried, int64_t *bound);

/* Seat the outcome, with the levels of the table. Takes over `spare`. */
cpb_status cpb_even_seat(cpb_even *even, cpb_seating *seating);

/* `load` and so many parts per million of it. */
int64_t cpb_even_above(int64_t load, int64_t parts);

/* The load that a rank reaches within this scaled load. */
int64_t cpb_even_goal(const cpb_even *even, int32_t rank, int64_t scaled);

/* Deal so that each of several masks has a low largest load of its own. */
cpb_status cpb_even_layers(cpb_even *even);

#endif
