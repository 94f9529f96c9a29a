// SPDX-License-Identifier: Apache-2.0
/* A growing set of keys, kept as ranges. */
#ifndef CPB_SRC_CHECK_SPANS_H
#define CPB_SRC_CHECK_SPANS_H

#include "../base/memory.h"
#include "../base/sort.h"

/* Starts as {.arena = ...}. A span is an item whose key is the begin and whose value is
 * the end; sorted, disjoint and apart only after cpb_spans_settle(). */
typedef struct cpb_spans {
    cpb_arena *arena;
    cpb_item *at;
    cpb_item *scratch;
    size_t n;
    size_t room;
    size_t open; /* the last `open` spans were touched by the row added last */
} cpb_spans;

/* Forget the keys, keep the memory. */
void cpb_spans_clear(cpb_spans *spans);

/* Add the keys of one row: n sorted, disjoint ranges. Rows that follow each other
 * mostly see nearly the same keys, so a row first tries to widen the spans of the row
 * before. Amortised O(n log spans). CPB_OK or CPB_NO_MEMORY. */
cpb_status cpb_spans_add(cpb_spans *spans, const cpb_range *row, size_t n,
                         cpb_error *error);

/* Sort the spans and merge those that overlap or touch. */
void cpb_spans_settle(cpb_spans *spans);

#endif
