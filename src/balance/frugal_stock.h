// SPDX-License-Identifier: Apache-2.0
/* What is not dealt out yet, by density: cheap atoms at the front, costly ones at the
 * back. Sums over the front come from Fenwick trees. */
#ifndef CPB_SRC_FRUGAL_STOCK_H
#define CPB_SRC_FRUGAL_STOCK_H

#include "frugal_board.h"

/* A remaining range of positions. */
typedef struct cpb_ware {
    int64_t origin; /* where the atom began */
    int64_t begin, end;
    int64_t before; /* cost of everything before `begin` */
    int64_t cost;
    int32_t isle;
} cpb_ware;

/* A node of a Fenwick tree, or a sum of some. */
typedef struct cpb_stock_sum {
    int64_t tokens, cost;
} cpb_stock_sum;

typedef struct cpb_stock {
    const cpb_view *view;
    int32_t n;
    int32_t width;          /* largest power of two <= n */
    cpb_ware *whole;        /* [n] as at first */
    cpb_ware *ware;         /* [n] */
    bool *gone;             /* [n] */
    cpb_stock_sum *sum;     /* [n + 1] a Fenwick tree */
    int64_t left;           /* tokens that are not gone */
    int32_t front, back; /* first and last ware that is not gone; front > back: none */
} cpb_stock;

/* All atoms, sorted. */
cpb_status cpb_stock_create(const cpb_view *view, const cpb_isles *isles,
                            cpb_arena *arena, cpb_stock *stock);

/* All atoms again. O(n). */
void cpb_stock_refill(cpb_stock *stock);

/* Cost of the cheapest `tokens`: whole wares from the front on and the begin of one. */
int64_t cpb_stock_cheapest(const cpb_stock *stock, int64_t tokens);

/* Take a ware away, or the begin of it. */
void cpb_stock_remove(cpb_stock *stock, int32_t i);
void cpb_stock_shorten(cpb_stock *stock, int32_t i, int64_t begin);

#endif
