// SPDX-License-Identifier: Apache-2.0
/* What communication calls want to know: counts, capacities, slots of constant shape,
 * and where a rank holds its keys. */
#include "exchange.h"

#include "../base/error.h"
#include "../base/range.h"
#include "../base/sort.h"

#include <assert.h>

/* The other rank of a transfer. */
static int32_t partner(const cpb_transfer *transfer, int32_t rank)
{
    return transfer->from == rank ? transfer->to : transfer->from;
}

static void count(const cpb_transfer *list, size_t n, int32_t rank, int32_t ranks,
                  int64_t *keys, int64_t *first)
{
    for (int32_t p = 0; p < ranks; p++) {
        if (keys)
            keys[p] = 0;
        if (first)
            first[p] = 0;
    }
    int64_t sum = 0;
    size_t i = 0;
    for (int32_t p = 0; p < ranks; p++) {
        const int64_t before = sum;
        for (; i < n && partner(&list[i], rank) == p; i++)
            sum += cpb_range_length(list[i].keys);
        if (keys)
            keys[p] = sum - before;
        if (first)
            first[p] = before;
    }
}

void cpb_exchange_counts(const cpb_exchange *exchange, int32_t rank, cpb_way way,
                         int32_t i, const cpb_counts *counts)
{
    const cpb_stage stage = cpb_exchange_stage(exchange, rank, way, i);
    count(stage.gives, stage.n_gives, rank, exchange->ranks, counts->give,
          counts->give_first);
    count(stage.gets, stage.n_gets, rank, exchange->ranks, counts->get,
          counts->get_first);
}

/* The largest value so far, and where it was found. */
typedef struct highest {
    int64_t value;
    int32_t rank;
    int32_t partner;
    int32_t step;
} highest;

static void raise(highest *peak, int64_t value, int32_t rank, int32_t to, int32_t step)
{
    if (value <= peak->value)
        return;
    peak->value = value;
    peak->rank = rank;
    peak->partner = to;
    peak->step = step;
}

typedef struct peaks {
    highest receive;
    highest pair;
    highest transfers;
} peaks;

static peaks find_peaks(const cpb_exchange *exchange)
{
    peaks p = {.receive = {.value = 0}};
    for (int32_t r = 0; r < exchange->ranks; r++) {
        size_t n_sent, n_received;
        const cpb_transfer *const sent = cpb_exchange_sent(exchange, r, -1, &n_sent);
        (void)cpb_exchange_received(exchange, r, -1, &n_received);
        raise(&p.receive, exchange->traffic[r].buffer, r, r, 0);
        raise(&p.transfers, cpb_max((int64_t)n_sent, (int64_t)n_received), r, r, 0);
        int64_t keys = 0;
        for (size_t i = 0; i < n_sent; i++) {
            if (i && (sent[i].to != sent[i - 1].to || sent[i].step != sent[i - 1].step))
                keys = 0;
            keys += cpb_range_length(sent[i].keys);
            raise(&p.pair, keys, r, sent[i].to, sent[i].step);
        }
    }
    return p;
}

cpb_capacity cpb_exchange_least(const cpb_exchange *exchange)
{
    const peaks p = find_peaks(exchange);
    return (cpb_capacity){
        .receive = p.receive.value,
        .pair = p.pair.value,
        .transfers = p.transfers.value,
    };
}

static bool above(const highest *peak, int64_t capacity)
{
    return capacity >= 0 && peak->value > capacity;
}

cpb_status cpb_exchange_fits(const cpb_exchange *exchange, const cpb_capacity *capacity,
                             cpb_error *error)
{
    const peaks p = find_peaks(exchange);
    if (above(&p.receive, capacity->receive))
        return cpb_fail(error, CPB_UNSUPPORTED, p.receive.rank,
                        "rank %d receives %lld keys, above the receive capacity of "
                        "%lld; fall back to `allgather`",
                        p.receive.rank, (long long)p.receive.value,
                        (long long)capacity->receive);
    if (above(&p.pair, capacity->pair))
        return cpb_fail(error, CPB_UNSUPPORTED, p.pair.rank,
                        "rank %d sends %lld keys to rank %d in step %d, above the pair "
                        "capacity of %lld; fall back to `allgather`",
                        p.pair.rank, (long long)p.pair.value, p.pair.partner,
                        p.pair.step, (long long)capacity->pair);
    if (above(&p.transfers, capacity->transfers))
        return cpb_fail(error, CPB_UNSUPPORTED, p.transfers.rank,
                        "rank %d has a list of %lld transfers, above the capacity of "
                        "%lld transfers; fall back to `allgather`",
                        p.transfers.rank, (long long)p.transfers.value,
                        (long long)capacity->transfers);
    return CPB_OK;
}

/* An index array of either type. */
typedef struct slot_array {
    cpb_index type;
    void *at;
} slot_array;

static void put(const slot_array *slots, int64_t i, int64_t value)
{
    if (slots->type == CPB_INT32)
        ((int32_t *)slots->at)[i] = (int32_t)value;
    else
        ((int64_t *)slots->at)[i] = value;
}

cpb_status cpb_exchange_write_slots(const cpb_exchange *exchange, int32_t rank,
                                    cpb_way way, int32_t i, cpb_side side, int64_t pair,
                                    cpb_index type, void *array, cpb_error *error)
{
    const cpb_stage stage = cpb_exchange_stage(exchange, rank, way, i);
    const cpb_transfer *const list = side == CPB_GIVES ? stage.gives : stage.gets;
    const size_t n = side == CPB_GIVES ? stage.n_gives : stage.n_gets;
    const bool sources = (side == CPB_GIVES) == (way == CPB_FORWARD);
    const slot_array out = {.type = type, .at = array};

    assert(pair >= 0);
    size_t t = 0;
    for (int32_t p = 0; p < exchange->ranks; p++) {
        int64_t keys = 0;
        for (; t < n && partner(&list[t], rank) == p; t++) {
            const int64_t length = cpb_range_length(list[t].keys);
            if (length > pair - keys)
                return cpb_fail(error, CPB_UNSUPPORTED, p,
                                "ranks %d and %d have more than the pair capacity of "
                                "%lld keys in step %d; fall back to `allgather`",
                                rank, p, (long long)pair, stage.step);
            const int64_t slot = sources ? list[t].source : list[t].target;
            for (int64_t k = 0; k < length; k++)
                put(&out, p * pair + keys + k, slot + k);
            keys += length;
        }
        for (; keys < pair; keys++)
            put(&out, p * pair + keys, -1);
    }
    return CPB_OK;
}

/* Own runs without pads, then received transfers; returns how many. */
static size_t collect(const cpb_exchange *exchange, const cpb_plan *plan, int32_t rank,
                      cpb_holding *all)
{
    const int64_t tokens = cpb_plan_tokens(plan);
    const cpb_range *const runs = cpb_plan_runs(plan, rank);
    size_t n = 0, n_received;
    int64_t slot = 0;
    for (size_t i = 0; i < cpb_plan_n_runs(plan, rank); i++) {
        const cpb_range keys = {runs[i].begin, cpb_min(runs[i].end, tokens)};
        if (keys.begin < keys.end)
            all[n++] = (cpb_holding){keys, slot};
        slot += cpb_range_length(runs[i]);
    }
    const cpb_transfer *const received =
        cpb_exchange_received(exchange, rank, -1, &n_received);
    for (size_t i = 0; i < n_received; i++)
        all[n++] = (cpb_holding){received[i].keys, slot + received[i].target};
    return n;
}

static cpb_status write_sorted(const cpb_holding *all, size_t n, cpb_arena *scratch,
                               size_t room, cpb_holding *held)
{
    cpb_item *const items = cpb_arena_take(scratch, n, sizeof *items);
    cpb_item *const spare = cpb_arena_take(scratch, n, sizeof *spare);
    if (!items || !spare)
        return CPB_NO_MEMORY;
    for (size_t i = 0; i < n; i++)
        items[i] = (cpb_item){(uint64_t)all[i].keys.begin, (int64_t)i};
    cpb_sort(items, spare, n);
    for (size_t i = 0; held && i < n && i < room; i++)
        held[i] = all[items[i].value];
    return CPB_OK;
}

cpb_status cpb_exchange_held(const cpb_exchange *exchange, const cpb_plan *plan,
                             int32_t rank, const cpb_allocator *allocator, size_t room,
                             cpb_holding *held, size_t *n, cpb_error *error)
{
    cpb_arena scratch = {.allocator = cpb_allocator_or_default(allocator)};
    size_t n_received;
    (void)cpb_exchange_received(exchange, rank, -1, &n_received);
    cpb_status status = CPB_NO_MEMORY;
    cpb_holding *const all =
        cpb_arena_take(&scratch, cpb_plan_n_runs(plan, rank) + n_received, sizeof *all);

    *n = 0;
    if (all) {
        *n = collect(exchange, plan, rank, all);
        status = write_sorted(all, *n, &scratch, room, held);
    }
    cpb_arena_free(&scratch);
    return status == CPB_OK ? CPB_OK : cpb_fail_memory(error);
}
