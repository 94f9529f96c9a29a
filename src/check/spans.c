// SPDX-License-Identifier: Apache-2.0
/* Unions of key ranges: append, and now and then sort and merge. */
#include "spans.h"

#include "../base/error.h"
#include "../base/range.h"

#include <string.h>

enum { FIRST_ROOM = 64 };

void cpb_spans_clear(cpb_spans *spans)
{
    spans->n = 0;
    spans->open = 0;
}

void cpb_spans_settle(cpb_spans *spans)
{
    cpb_sort(spans->at, spans->scratch, spans->n);
    size_t kept = 0;
    for (size_t i = 0; i < spans->n; i++) {
        const cpb_item span = spans->at[i];
        if (kept && (int64_t)span.key <= spans->at[kept - 1].value)
            spans->at[kept - 1].value = cpb_max(spans->at[kept - 1].value, span.value);
        else
            spans->at[kept++] = span;
    }
    spans->n = kept;
    spans->open = 0;
}

/* Merge first: growing is only for what merging cannot halve, so that memory follows
 * the size of the union and not the number of rows. */
static cpb_status make_room(cpb_spans *spans, size_t n, cpb_error *error)
{
    if (spans->room - spans->n >= n)
        return CPB_OK;
    cpb_spans_settle(spans);
    const size_t need = spans->n + n;
    if (need <= spans->room / 2)
        return CPB_OK;

    const size_t room = need < FIRST_ROOM ? FIRST_ROOM : 2 * need;
    cpb_item *const at = cpb_arena_take(spans->arena, room, sizeof *at);
    cpb_item *const scratch = cpb_arena_take(spans->arena, room, sizeof *scratch);
    if (!at || !scratch)
        return cpb_fail_memory(error);
    if (spans->n)
        memcpy(at, spans->at, spans->n * sizeof *at);
    spans->at = at;
    spans->scratch = scratch;
    spans->room = room;
    return CPB_OK;
}

static bool touches(const cpb_item *span, cpb_range range)
{
    return range.begin <= span->value && (int64_t)span->key <= range.end;
}

/* Whether every range of the row touches its own span of the row before. */
static bool follows(const cpb_spans *spans, const cpb_range *row, size_t n)
{
    if (spans->open != n)
        return false;
    const cpb_item *const last = spans->at + (spans->n - n);
    for (size_t i = 0; i < n; i++)
        if (!touches(&last[i], row[i]))
            return false;
    return true;
}

cpb_status cpb_spans_add(cpb_spans *spans, const cpb_range *row, size_t n,
                         cpb_error *error)
{
    if (n == 0)
        return CPB_OK;
    if (follows(spans, row, n)) {
        cpb_item *const last = spans->at + (spans->n - n);
        for (size_t i = 0; i < n; i++) {
            last[i].key = (uint64_t)cpb_min((int64_t)last[i].key, row[i].begin);
            last[i].value = cpb_max(last[i].value, row[i].end);
        }
        return CPB_OK;
    }
    const cpb_status status = make_room(spans, n, error);
    if (status != CPB_OK)
        return status;
    for (size_t i = 0; i < n; i++)
        spans->at[spans->n++] = (cpb_item){(uint64_t)row[i].begin, row[i].end};
    spans->open = n;
    return CPB_OK;
}
