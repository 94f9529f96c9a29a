// SPDX-License-Identifier: Apache-2.0
/* Lists of transfers, and who owns which slot. */
#include "exchange.h"

#include "../base/range.h"
#include "../base/sort.h"

#include <string.h>

static cpb_status grow(cpb_transfers *list)
{
    const size_t room = list->room ? 2 * list->room : 64;
    cpb_transfer *const grown = cpb_arena_take(list->arena, room, sizeof *grown);
    if (!grown)
        return CPB_NO_MEMORY;
    if (list->n)
        memcpy(grown, list->at, list->n * sizeof *grown);
    list->at = grown;
    list->room = room;
    return CPB_OK;
}

static bool slots_continue(int64_t before, int64_t length, int64_t after)
{
    return before < 0 ? after < 0 : before + length == after;
}

static bool continues(const cpb_transfer *a, const cpb_transfer *b)
{
    const int64_t length = cpb_range_length(a->keys);
    return a->step == b->step && a->from == b->from && a->to == b->to &&
           a->keys.end == b->keys.begin &&
           slots_continue(a->source, length, b->source) &&
           slots_continue(a->target, length, b->target);
}

cpb_status cpb_transfers_add(cpb_transfers *list, cpb_transfer transfer)
{
    if (list->n && continues(&list->at[list->n - 1], &transfer)) {
        list->at[list->n - 1].keys.end = transfer.keys.end;
        return CPB_OK;
    }
    if (list->n == list->room && grow(list) != CPB_OK)
        return CPB_NO_MEMORY;
    list->at[list->n++] = transfer;
    return CPB_OK;
}

/* Steps, ranks and positions together fit 64 bits: there are few steps, ranks are below
 * 2^16 and positions below 2^30. */
static uint64_t sort_key(const cpb_transfer *transfer)
{
    return (uint64_t)transfer->step << 46 | (uint64_t)transfer->from << 30 |
           (uint64_t)transfer->keys.begin;
}

cpb_status cpb_transfers_sort(cpb_transfers *list, int32_t ranks, cpb_arena *scratch)
{
    const size_t n = list->n;
    size_t *const first = cpb_arena_zeros(scratch, (size_t)ranks + 2, sizeof *first);
    cpb_item *const items = cpb_arena_take(scratch, n, sizeof *items);
    cpb_item *const spare = cpb_arena_take(scratch, n, sizeof *spare);
    cpb_transfer *const sorted = cpb_arena_take(list->arena, n, sizeof *sorted);
    if (!first || !items || !spare || !sorted)
        return CPB_NO_MEMORY;

    /* Counted one place ahead, so that filling leaves first[r] where rank r begins. */
    for (size_t i = 0; i < n; i++)
        first[list->at[i].to + 2]++;
    for (int32_t r = 0; r < ranks; r++)
        first[r + 2] += first[r + 1];
    for (size_t i = 0; i < n; i++)
        items[first[list->at[i].to + 1]++] =
            (cpb_item){sort_key(&list->at[i]), (int64_t)i};
    for (int32_t r = 0; r < ranks; r++)
        cpb_sort(items + first[r], spare, first[r + 1] - first[r]);
    for (size_t i = 0; i < n; i++)
        sorted[i] = list->at[items[i].value];
    list->at = sorted;
    list->room = n;
    return CPB_OK;
}

cpb_status cpb_places_create(const cpb_plan *plan, cpb_arena *arena, cpb_places *places)
{
    if (cpb_owners_create(plan, arena, &places->owners) != CPB_OK)
        return CPB_NO_MEMORY;
    places->slot = cpb_arena_take(arena, places->owners.n, sizeof *places->slot);
    if (!places->slot)
        return CPB_NO_MEMORY;
    for (int32_t r = 0; r < cpb_plan_ranks(plan); r++) {
        const cpb_range *const runs = cpb_plan_runs(plan, r);
        int64_t slot = 0;
        for (size_t i = 0; i < cpb_plan_n_runs(plan, r); i++) {
            if (runs[i].begin < cpb_plan_tokens(plan))
                places->slot[cpb_owners_find(&places->owners, runs[i].begin)] =
                    (int32_t)slot;
            slot += cpb_range_length(runs[i]);
        }
    }
    return CPB_OK;
}
