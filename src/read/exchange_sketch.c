// SPDX-License-Identifier: Apache-2.0
/* What ranks lack, the flat form, and how a sketch becomes an exchange. */
#include "exchange.h"

#include "../base/range.h"
#include "../base/sort.h"

cpb_status cpb_sketch_add(cpb_sketch *sketch, int32_t step, int32_t from, int32_t to,
                          cpb_range keys)
{
    return cpb_transfers_add(&sketch->transfers, (cpb_transfer){.step = step,
                                                                .from = from,
                                                                .to = to,
                                                                .keys = keys,
                                                                .source = -1,
                                                                .target = -1});
}

cpb_status cpb_sketch_spread(cpb_sketch *sketch, int32_t step, int32_t from,
                             const cpb_key_cell *cell, cpb_range keys)
{
    for (int32_t i = 0; i < cell->wanting->n; i++) {
        const int32_t to = cell->wanting->ranks[i];
        if (to != from && to != cell->owner &&
            cpb_sketch_add(sketch, step, from, to, keys) != CPB_OK)
            return CPB_NO_MEMORY;
    }
    return CPB_OK;
}

/* Cut the keys where owners change and leave out the rank's own. With one step only
 * owners send, so that sources are known, and keys are cut where these jump as well. */
static cpb_status add_lacks(const cpb_sketch *sketch, const cpb_want *want,
                            cpb_transfers *lacks)
{
    const cpb_owners *const owners = &sketch->places.owners;
    for (size_t o = cpb_owners_find(owners, want->keys.begin);
         o < owners->n && owners->runs[o].begin < want->keys.end; o++) {
        const cpb_range run = owners->runs[o];
        const cpb_range part = cpb_range_intersect(run, want->keys);
        const cpb_transfer lack = {
            .from = owners->rank[o],
            .to = want->rank,
            .keys = part,
            .source = sketch->steps == 1
                          ? sketch->places.slot[o] + part.begin - run.begin
                          : -1,
            .target = -1,
        };
        if (lack.from != lack.to && cpb_transfers_add(lacks, lack) != CPB_OK)
            return CPB_NO_MEMORY;
    }
    return CPB_OK;
}

cpb_status cpb_sketch_wants(const cpb_sketch *sketch, int32_t first_rank,
                            int32_t n_ranks, cpb_wants *wants)
{
    cpb_status status = CPB_OK;
    for (int32_t r = first_rank; status == CPB_OK && r < first_rank + n_ranks; r++) {
        cpb_arena scratch = {.allocator = sketch->arena->allocator};
        cpb_ranges needs = {.arena = &scratch};
        status = sketch->needer->needs(sketch->needer->context,
                                       cpb_plan_runs(sketch->plan, r),
                                       cpb_plan_n_runs(sketch->plan, r), &needs);
        if (status == CPB_OK)
            status = cpb_wants_add(wants, r, &needs);
        cpb_arena_free(&scratch);
    }
    return status;
}

cpb_status cpb_sketch_lacks(const cpb_sketch *sketch, const cpb_wants *wants,
                            cpb_transfers *lacks)
{
    for (size_t i = 0; i < wants->n; i++)
        if (add_lacks(sketch, &wants->at[i], lacks) != CPB_OK)
            return CPB_NO_MEMORY;
    return CPB_OK;
}

cpb_status cpb_form_flat(cpb_sketch *sketch)
{
    cpb_wants wants = {.arena = sketch->arena};
    if (cpb_sketch_wants(sketch, 0, sketch->ranks, &wants) != CPB_OK)
        return CPB_NO_MEMORY;
    return cpb_sketch_lacks(sketch, &wants, &sketch->transfers);
}

/* Sorted and merged transfers with targets; what each rank receives, by position. */
typedef struct landing {
    cpb_transfers transfers;
    size_t *first;        /* [ranks + 1] transfers to a rank */
    cpb_item *by_key;     /* [transfers.n] of each rank apart; key: keys.begin, value:
                             index */
    cpb_traffic *traffic; /* [ranks] */
} landing;

/* Transfers to a rank, laid out one behind the other in their order. Merging never
 * makes more of them, so the list is written over itself. */
static cpb_status lay_out(const cpb_sketch *sketch, landing *l)
{
    const cpb_transfers *const sketched = &sketch->transfers;
    const size_t ranks = (size_t)sketch->ranks;
    l->transfers = (cpb_transfers){
        .arena = sketch->arena, .at = sketched->at, .room = sketched->n};
    l->first = cpb_arena_take(sketch->arena, ranks + 1, sizeof *l->first);
    l->traffic = cpb_arena_zeros(sketch->arena, ranks, sizeof *l->traffic);
    if (!l->first || !l->traffic)
        return CPB_NO_MEMORY;
    size_t i = 0;
    for (int32_t r = 0; r < sketch->ranks; r++) {
        cpb_traffic *const traffic = &l->traffic[r];
        traffic->shard = cpb_plan_size(sketch->plan, r);
        l->first[r] = l->transfers.n;
        for (; i < sketched->n && sketched->at[i].to == r; i++) {
            cpb_transfer landed = sketched->at[i];
            landed.target = traffic->buffer;
            traffic->buffer += cpb_range_length(landed.keys);
            if (cpb_transfers_add(&l->transfers, landed) != CPB_OK)
                return CPB_NO_MEMORY;
        }
    }
    l->first[ranks] = l->transfers.n;
    return CPB_OK;
}

static cpb_status index_keys(const cpb_sketch *sketch, landing *l)
{
    const size_t n = l->transfers.n;
    cpb_item *const spare = cpb_arena_take(sketch->arena, n, sizeof *spare);
    l->by_key = cpb_arena_take(sketch->arena, n, sizeof *l->by_key);
    if (!spare || !l->by_key)
        return CPB_NO_MEMORY;
    for (size_t i = 0; i < n; i++)
        l->by_key[i] = (cpb_item){(uint64_t)l->transfers.at[i].keys.begin, (int64_t)i};
    for (int32_t r = 0; r < sketch->ranks; r++)
        cpb_sort(l->by_key + l->first[r], spare, l->first[r + 1] - l->first[r]);
    return CPB_OK;
}

/* What `rank` receives that holds position p. */
static const cpb_transfer *received_at(const landing *l, int32_t rank, int64_t p)
{
    size_t low = l->first[rank], high = l->first[rank + 1];
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if ((int64_t)l->by_key[middle].key <= p)
            low = middle;
        else
            high = middle;
    }
    return &l->transfers.at[l->by_key[low].value];
}

/* Where a rank holds position p, and up to which end the slots go on. */
static cpb_holding hold_at(const cpb_sketch *sketch, const landing *l, int32_t rank,
                           int64_t p)
{
    const cpb_owners *const owners = &sketch->places.owners;
    const size_t o = cpb_owners_find(owners, p);
    if (owners->rank[o] == rank)
        return (cpb_holding){
            .keys = {p, owners->runs[o].end},
            .slot = sketch->places.slot[o] + p - owners->runs[o].begin,
        };
    const cpb_transfer *const received = received_at(l, rank, p);
    return (cpb_holding){
        .keys = {p, received->keys.end},
        .slot = l->traffic[rank].shard + received->target + p - received->keys.begin,
    };
}

/* Cut transfers where the sender's slots jump. */
static cpb_status find_sources(const cpb_sketch *sketch, const landing *l,
                               cpb_transfers *found)
{
    for (size_t i = 0; i < l->transfers.n; i++) {
        const cpb_transfer whole = l->transfers.at[i];
        for (int64_t p = whole.keys.begin; p < whole.keys.end;) {
            const cpb_holding hold = hold_at(sketch, l, whole.from, p);
            cpb_transfer part = whole;
            part.keys = cpb_range_intersect(whole.keys, hold.keys);
            part.source = hold.slot;
            part.target = whole.target + p - whole.keys.begin;
            if (cpb_transfers_add(found, part) != CPB_OK)
                return CPB_NO_MEMORY;
            p = part.keys.end;
        }
    }
    return CPB_OK;
}

/* Of several steps: who passes keys on has them somewhere in what it received. */
static cpb_status add_sources(const cpb_sketch *sketch, landing *l)
{
    cpb_transfers found = {.arena = sketch->arena};
    if (index_keys(sketch, l) != CPB_OK || find_sources(sketch, l, &found) != CPB_OK)
        return CPB_NO_MEMORY;
    l->transfers = found;
    return CPB_OK;
}

cpb_status cpb_sketch_seal(cpb_sketch *sketch, cpb_exchange **exchange)
{
    landing l;
    if (cpb_transfers_sort(&sketch->transfers, sketch->ranks, sketch->arena) !=
            CPB_OK ||
        lay_out(sketch, &l) != CPB_OK ||
        (sketch->steps > 1 && add_sources(sketch, &l) != CPB_OK))
        return CPB_NO_MEMORY;
    return cpb_exchange_build(&l.transfers, l.traffic, sketch->ranks, sketch->steps,
                              &sketch->arena->allocator, exchange);
}
