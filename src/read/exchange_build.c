// SPDX-License-Identifier: Apache-2.0
/* The immutable exchange and its getters. */
#include "exchange.h"

#include "../base/hash.h"
#include "../base/range.h"

#include <assert.h>
#include <string.h>

static size_t n_lists(const cpb_exchange *exchange)
{
    return (size_t)exchange->ranks * (size_t)exchange->steps;
}

static size_t list_of(const cpb_exchange *exchange, int32_t rank, int32_t step)
{
    return (size_t)rank * (size_t)exchange->steps + (size_t)step;
}

static void add_up(size_t *counts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        counts[i + 1] += counts[i];
}

/* Received transfers are in order already. Sent ones keep that order, (to, step, from,
 * keys.begin), inside each (from, step), which leaves (to, keys.begin). `next` is
 * [lists]. */
static void fill(cpb_exchange *exchange, const cpb_transfers *transfers, size_t *next)
{
    const size_t n = transfers->n;
    for (size_t i = 0; i < n; i++) {
        const cpb_transfer *const t = &transfers->at[i];
        exchange->received[i] = *t;
        exchange->first_received[list_of(exchange, t->to, t->step) + 1]++;
        exchange->first_sent[list_of(exchange, t->from, t->step) + 1]++;
    }
    add_up(exchange->first_received, n_lists(exchange));
    add_up(exchange->first_sent, n_lists(exchange));
    memcpy(next, exchange->first_sent, n_lists(exchange) * sizeof *next);
    for (size_t i = 0; i < n; i++) {
        const cpb_transfer *const t = &transfers->at[i];
        exchange->sent[next[list_of(exchange, t->from, t->step)]++] = *t;
    }
}

static void count_keys(cpb_exchange *exchange, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const cpb_transfer *const t = &exchange->received[i];
        if (t->from == t->to)
            continue;
        exchange->traffic[t->to].receive += cpb_range_length(t->keys);
        exchange->traffic[t->from].send += cpb_range_length(t->keys);
    }
}

static uint64_t hash_transfer(uint64_t hash, const cpb_transfer *t)
{
    hash = cpb_hash_word(hash, (uint64_t)t->step);
    hash = cpb_hash_word(hash, (uint64_t)t->from);
    hash = cpb_hash_word(hash, (uint64_t)t->keys.begin);
    hash = cpb_hash_word(hash, (uint64_t)t->keys.end);
    hash = cpb_hash_word(hash, (uint64_t)t->source);
    return cpb_hash_word(hash, (uint64_t)t->target);
}

static uint64_t hash_of(const cpb_exchange *exchange)
{
    uint64_t hash = CPB_HASH_START;
    hash = cpb_hash_word(hash, (uint64_t)exchange->ranks);
    hash = cpb_hash_word(hash, (uint64_t)exchange->steps);
    for (int32_t r = 0; r < exchange->ranks; r++) {
        size_t n;
        const cpb_transfer *const received = cpb_exchange_received(exchange, r, -1, &n);
        hash = cpb_hash_word(hash, (uint64_t)exchange->traffic[r].shard);
        hash = cpb_hash_word(hash, (uint64_t)exchange->traffic[r].buffer);
        hash = cpb_hash_word(hash, n);
        for (size_t i = 0; i < n; i++)
            hash = hash_transfer(hash, &received[i]);
    }
    return hash;
}

cpb_status cpb_exchange_build(const cpb_transfers *transfers,
                              const cpb_traffic *traffic, int32_t ranks, int32_t steps,
                              const cpb_allocator *allocator, cpb_exchange **out)
{
    cpb_arena memory = {.allocator = cpb_allocator_or_default(allocator)};
    cpb_arena scratch = {.allocator = memory.allocator};
    const size_t n = transfers->n;
    const size_t lists = (size_t)ranks * (size_t)steps;

    *out = NULL;
    cpb_exchange *const exchange = cpb_arena_take(&memory, 1, sizeof *exchange);
    const cpb_exchange parts = {
        .ranks = ranks,
        .steps = steps,
        .received = cpb_arena_take(&memory, n, sizeof(cpb_transfer)),
        .sent = cpb_arena_take(&memory, n, sizeof(cpb_transfer)),
        .first_received = cpb_arena_zeros(&memory, lists + 1, sizeof(size_t)),
        .first_sent = cpb_arena_zeros(&memory, lists + 1, sizeof(size_t)),
        .traffic = cpb_arena_take(&memory, (size_t)ranks, sizeof(cpb_traffic)),
    };
    size_t *const next = cpb_arena_take(&scratch, lists, sizeof *next);
    if (!exchange || !parts.received || !parts.sent || !parts.first_received ||
        !parts.first_sent || !parts.traffic || !next) {
        cpb_arena_free(&memory);
        cpb_arena_free(&scratch);
        return CPB_NO_MEMORY;
    }
    *exchange = parts;
    memcpy(exchange->traffic, traffic, (size_t)ranks * sizeof *traffic);
    fill(exchange, transfers, next);
    count_keys(exchange, n);
    exchange->hash = hash_of(exchange);
    exchange->memory = memory;
    *out = exchange;
    cpb_arena_free(&scratch);
    return CPB_OK;
}

void cpb_exchange_free(cpb_exchange *exchange)
{
    if (!exchange)
        return;
    cpb_arena memory = exchange->memory;
    cpb_arena_free(&memory);
}

int32_t cpb_exchange_ranks(const cpb_exchange *exchange)
{
    return exchange->ranks;
}

int32_t cpb_exchange_steps(const cpb_exchange *exchange)
{
    return exchange->steps;
}

uint64_t cpb_exchange_hash(const cpb_exchange *exchange)
{
    return exchange->hash;
}

cpb_traffic cpb_exchange_traffic(const cpb_exchange *exchange, int32_t rank)
{
    assert(rank >= 0 && rank < exchange->ranks);
    return exchange->traffic[rank];
}

/* One step of a rank's transfers, or all of them for step -1. */
static const cpb_transfer *slice_of(const cpb_exchange *exchange,
                                    const cpb_transfer *transfers, const size_t *first,
                                    int32_t rank, int32_t step, size_t *n)
{
    assert(rank >= 0 && rank < exchange->ranks);
    assert(step >= -1 && step < exchange->steps);
    const size_t begin = list_of(exchange, rank, step < 0 ? 0 : step);
    const size_t end = begin + (step < 0 ? (size_t)exchange->steps : 1);
    *n = first[end] - first[begin];
    return transfers + first[begin];
}

const cpb_transfer *cpb_exchange_received(const cpb_exchange *exchange, int32_t rank,
                                          int32_t step, size_t *n)
{
    return slice_of(exchange, exchange->received, exchange->first_received, rank, step,
                    n);
}

const cpb_transfer *cpb_exchange_sent(const cpb_exchange *exchange, int32_t rank,
                                      int32_t step, size_t *n)
{
    return slice_of(exchange, exchange->sent, exchange->first_sent, rank, step, n);
}

cpb_stage cpb_exchange_stage(const cpb_exchange *exchange, int32_t rank, cpb_way way,
                             int32_t i)
{
    const bool back = way == CPB_BACKWARD;
    cpb_stage stage = {.step = back ? exchange->steps - 1 - i : i};
    size_t n_sent, n_received;
    const cpb_transfer *const sent =
        cpb_exchange_sent(exchange, rank, stage.step, &n_sent);
    const cpb_transfer *const received =
        cpb_exchange_received(exchange, rank, stage.step, &n_received);
    stage.gives = back ? received : sent;
    stage.n_gives = back ? n_received : n_sent;
    stage.gets = back ? sent : received;
    stage.n_gets = back ? n_sent : n_received;
    return stage;
}
