// SPDX-License-Identifier: Apache-2.0
/* First deals: chunks, costliest first, to ranks that may bring a level of their
 * own. */
#ifndef CPB_SRC_START_H
#define CPB_SRC_START_H

#include "../base/memory.h"
#include "../base/sort.h"

/* What is dealt to whom. */
typedef struct cpb_start_table {
    int64_t n;              /* chunks */
    const cpb_item *rising; /* [n] cost and chunk, in ascending order of cost */
    int32_t ranks;
    const int64_t *handicap; /* [ranks] >= 0 level of a rank that holds nothing */
    int64_t base;            /* seats of every rank */
    int64_t extras;          /* ranks that may have one more */
    int32_t pinned;          /* a rank whose base is `pinned_base`, or -1: none */
    int64_t pinned_base;
    bool spread;     /* of equal levels, the rank with fewer chunks comes first */
    cpb_item *order; /* [2 * ranks] scratch */
} cpb_start_table;

/* Who gets what. A level is the handicap plus the costs. */
typedef struct cpb_assignment {
    int32_t *owner; /* [chunks] */
    int64_t *level; /* [ranks] */
} cpb_assignment;

/* A first deal. Seats suffice for all chunks. */
typedef void cpb_start_fn(const cpb_start_table *table, cpb_assignment *out);

/* Rows of as many chunks as ranks, costliest first; in each row the costliest goes
 * to the rank that is lowest. Counts differ by at most one; for tables without a
 * pinned rank. O(n) and a sort of the ranks per row. */
cpb_start_fn cpb_start_rows;

/* Rows dealt in a snake, whatever the levels: what PTRR does. O(n). */
cpb_start_fn cpb_start_snake;

/* Longest first to the lowest rank that has room. O(n log ranks). */
cpb_start_fn cpb_start_longest_first;

#endif
