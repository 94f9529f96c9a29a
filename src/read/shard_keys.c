// SPDX-License-Identifier: Apache-2.0
/* Key layouts: sorted holdings, whatever brought the keys. */
#include "shard.h"

#include "../base/error.h"
#include "../base/sort.h"
#include "../plan/plan.h"
#include "iota.h"

#include <assert.h>

/* Every token's slot in the plan's order. */
static cpb_status hold_all(cpb_keys *keys, const cpb_plan *plan, cpb_arena *scratch)
{
    const size_t n_runs = cpb_plan_all_runs(plan);
    const int64_t tokens = cpb_plan_tokens(plan);
    const cpb_range *const runs = cpb_plan_runs(plan, 0); /* those of all ranks */
    cpb_item *const items = cpb_arena_take(scratch, n_runs, sizeof *items);
    cpb_item *const spare = cpb_arena_take(scratch, n_runs, sizeof *spare);
    int64_t *const slot = cpb_arena_take(scratch, n_runs, sizeof *slot);
    keys->at = cpb_arena_take(&keys->memory, n_runs, sizeof *keys->at);
    if (!items || !spare || !slot || !keys->at)
        return CPB_NO_MEMORY;

    for (size_t i = 0; i < n_runs; i++) {
        items[i] = (cpb_item){(uint64_t)runs[i].begin, (int64_t)i};
        slot[i] = keys->slots;
        keys->slots += cpb_range_length(runs[i]);
    }
    cpb_sort(items, spare, n_runs);
    for (size_t i = 0; i < n_runs; i++) {
        const cpb_range run = runs[items[i].value];
        const cpb_range held = {run.begin, cpb_min(run.end, tokens)};
        if (held.begin < held.end)
            keys->at[keys->n++] = (cpb_holding){held, slot[items[i].value]};
    }
    return CPB_OK;
}

/* What a rank holds after an exchange. */
static cpb_status hold_received(cpb_keys *keys, const cpb_plan *plan,
                                const cpb_exchange *exchange, int32_t rank)
{
    const cpb_traffic traffic = cpb_exchange_traffic(exchange, rank);
    size_t room;
    (void)cpb_exchange_received(exchange, rank, -1, &room);
    room += cpb_plan_n_runs(plan, rank);
    keys->slots = traffic.shard + traffic.buffer;
    keys->at = cpb_arena_take(&keys->memory, room, sizeof *keys->at);
    if (!keys->at)
        return CPB_NO_MEMORY;
    return cpb_exchange_held(exchange, plan, rank, &keys->memory.allocator, room,
                             keys->at, &keys->n, NULL);
}

/* One slot per key, by position. All keys are held: pads come behind them. */
static void ascend(cpb_keys *keys, int64_t padding)
{
    int64_t slot = 0;
    for (size_t i = 0; i < keys->n; i++) {
        keys->at[i].slot = slot;
        slot += cpb_range_length(keys->at[i].keys);
    }
    keys->slots = slot + padding;
}

static bool continues(const cpb_holding *before, const cpb_holding *after)
{
    return before->keys.end == after->keys.begin &&
           before->slot + cpb_range_length(before->keys) == after->slot;
}

static void merge(cpb_keys *keys)
{
    size_t n = 0;
    for (size_t i = 0; i < keys->n; i++) {
        if (n && continues(&keys->at[n - 1], &keys->at[i]))
            keys->at[n - 1].keys.end = keys->at[i].keys.end;
        else
            keys->at[n++] = keys->at[i];
    }
    keys->n = n;
}

cpb_status cpb_keys_create(const cpb_plan *plan, const cpb_exchange *exchange,
                           int32_t rank, cpb_key_order order,
                           const cpb_allocator *allocator, cpb_keys **out,
                           cpb_error *error)
{
    assert(!exchange || (rank >= 0 && rank < cpb_exchange_ranks(exchange)));
    cpb_arena memory = {.allocator = cpb_allocator_or_default(allocator)};
    cpb_arena scratch = {.allocator = memory.allocator};
    cpb_status status = CPB_NO_MEMORY;

    *out = NULL;
    cpb_keys *const keys = cpb_arena_zeros(&memory, 1, sizeof *keys);
    if (!keys)
        goto done;
    keys->memory = memory;
    keys->order = order;
    CPB_TRY(exchange ? hold_received(keys, plan, exchange, rank)
                     : hold_all(keys, plan, &scratch));
    if (order == CPB_ASCENDING)
        ascend(keys, exchange ? 0 : cpb_plan_padding(plan));
    merge(keys);
    *out = keys;
done:
    cpb_arena_free(&scratch);
    if (status == CPB_OK)
        return CPB_OK;
    cpb_keys_free(keys);
    return cpb_fail_memory(error);
}

void cpb_keys_free(cpb_keys *keys)
{
    if (!keys)
        return;
    cpb_arena memory = keys->memory; /* it owns the layout too */
    cpb_arena_free(&memory);
}

int64_t cpb_keys_slots(const cpb_keys *keys)
{
    return keys->slots;
}

const cpb_holding *cpb_keys_holdings(const cpb_keys *keys, size_t *n)
{
    *n = keys->n;
    return keys->at;
}

static void write_pads(cpb_index type, unsigned char *slots, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        cpb_iota_write(type, slots + (size_t)i * cpb_index_bytes(type), -1, 1);
}

void cpb_keys_positions(const cpb_keys *keys, cpb_index type, void *positions)
{
    unsigned char *const out = positions;
    write_pads(type, out, keys->slots);
    for (size_t i = 0; i < keys->n; i++)
        cpb_iota_write(type, out + (size_t)keys->at[i].slot * cpb_index_bytes(type),
                       keys->at[i].keys.begin, cpb_range_length(keys->at[i].keys));
}

size_t cpb_keys_find(const cpb_keys *keys, size_t hint, int64_t position)
{
    size_t low = 0, high = keys->n;
    if (hint < high && keys->at[hint].keys.end > position) {
        if (hint == 0 || keys->at[hint - 1].keys.end <= position)
            return hint;
        high = hint;
    }
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (keys->at[middle].keys.end > position)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}
