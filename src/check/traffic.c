// SPDX-License-Identifier: Apache-2.0
/* From the keys that a rank needs to who gives them, rank by rank and card by card. */
#include "recount.h"

#include "../base/error.h"
#include "../base/range.h"

#include <string.h>

cpb_status cpb_traffic_create(cpb_rank_traffic *traffic, cpb_recount *recount,
                              cpb_error *error)
{
    const size_t ranks = (size_t)recount->claim->ranks, masks = recount->masks->n;
    cpb_arena *const arena = recount->arena;
    traffic->count = cpb_arena_zeros(arena, ranks, sizeof *traffic->count);
    traffic->column = cpb_arena_zeros(arena, ranks, sizeof *traffic->column);
    traffic->node_needs = cpb_arena_zeros(arena, masks, sizeof *traffic->node_needs);
    if (!traffic->count || !traffic->column || !traffic->node_needs)
        return cpb_fail_memory(error);
    for (size_t m = 0; m < masks; m++)
        traffic->node_needs[m].arena = arena;
    return CPB_OK;
}

static int32_t ranks_per_node(const cpb_recount *recount)
{
    return recount->claim->ranks / recount->setup->nodes;
}

/* First run, by position, that ends after p. */
static size_t owner_at(const cpb_holders *holding, int64_t p)
{
    size_t low = 0, high = holding->n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (holding->by_position[middle].range.end <= p)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Who owns the keys of one span: add them to `count`, per rank. */
static void count_owners(const cpb_holders *holding, const cpb_item *span,
                         int64_t *count)
{
    const cpb_range keys = {(int64_t)span->key, span->value};
    for (size_t i = owner_at(holding, keys.begin);
         i < holding->n && holding->by_position[i].range.begin < keys.end; i++) {
        const cpb_owned *const owned = &holding->by_position[i];
        count[owned->rank] += cpb_range_length(cpb_range_intersect(keys, owned->range));
    }
}

static void set_peer(cpb_recount *recount, size_t mask, int32_t a, int32_t b)
{
    const size_t row = mask * (size_t)recount->claim->ranks + (size_t)a;
    recount->peers[row * recount->peer_words + (size_t)b / 64] |= UINT64_C(1)
                                                                  << (b % 64);
}

/* `count` holds the rank's column of the matrix: note it, and clear it. */
static void note_column(cpb_rank_traffic *traffic, cpb_recount *recount, size_t mask,
                        int32_t rank)
{
    const int64_t weight = cpb_recount_weight(recount, mask);
    traffic->count[rank] = 0;
    for (int32_t r = 0; r < recount->claim->ranks; r++) {
        const int64_t keys = traffic->count[r];
        if (keys == 0)
            continue;
        traffic->count[r] = 0;
        cpb_recount_tally(recount, mask, rank)->receive += keys;
        cpb_recount_tally(recount, mask, r)->send += keys;
        set_peer(recount, mask, rank, r);
        set_peer(recount, mask, r, rank);
        traffic->column[r] =
            cpb_exact_plus(&recount->exact, traffic->column[r],
                           cpb_exact_times(&recount->exact, keys, weight));
    }
}

/* Keys into the node that ends with `rank`, and out of the nodes that own them. */
static void close_node(cpb_rank_traffic *traffic, cpb_recount *recount, size_t mask,
                       int32_t rank)
{
    const int32_t width = ranks_per_node(recount), node = rank / width;
    cpb_card *const cards = recount->card + mask * (size_t)recount->setup->nodes;
    cpb_spans *const needs = &traffic->node_needs[mask];
    cpb_spans_settle(needs);
    for (size_t i = 0; i < needs->n; i++)
        count_owners(recount->holding, &needs->at[i], traffic->count);
    for (int32_t r = 0; r < recount->claim->ranks; r++) {
        if (r / width != node) {
            cards[node].in += traffic->count[r];
            cards[r / width].out += traffic->count[r];
        }
        traffic->count[r] = 0;
    }
    cpb_spans_clear(needs);
}

/* Every key to every rank: a node gets what is not its own once, and gives what is its
 * own to each other node. */
static void close_node_of_all(cpb_recount *recount, size_t mask, int32_t rank)
{
    const int32_t width = ranks_per_node(recount), node = rank / width;
    const int32_t nodes = recount->setup->nodes;
    cpb_card *const card = recount->card + mask * (size_t)nodes + node;
    int64_t own = 0;
    for (int32_t r = node * width; r <= rank; r++)
        own += recount->tokens[r];
    card->in = recount->claim->tokens - own;
    card->out = own * (nodes - 1);
}

/* Keep what a rank needs, for the relay form. */
static cpb_status keep_needs(cpb_recount *recount, size_t mask, int32_t rank,
                             const cpb_spans *needs, cpb_error *error)
{
    cpb_item *const at = cpb_arena_take(recount->arena, needs->n, sizeof *at);
    if (!at)
        return cpb_fail_memory(error);
    if (needs->n)
        memcpy(at, needs->at, needs->n * sizeof *at);
    recount->needed[mask * (size_t)recount->claim->ranks + (size_t)rank] =
        (cpb_needed){needs->n, at};
    return CPB_OK;
}

static cpb_status add_exchange(cpb_rank_traffic *traffic, cpb_recount *recount,
                               size_t mask, int32_t rank, cpb_spans *needs,
                               cpb_error *error)
{
    cpb_status status = CPB_OK;
    cpb_spans_settle(needs);
    for (size_t i = 0; i < needs->n; i++)
        count_owners(recount->holding, &needs->at[i], traffic->count);
    note_column(traffic, recount, mask, rank);
    CPB_TRY(keep_needs(recount, mask, rank, needs, error));
    if (recount->setup->nodes == 0)
        return CPB_OK;
    for (size_t i = 0; i < needs->n; i++) {
        const cpb_range keys = {(int64_t)needs->at[i].key, needs->at[i].value};
        CPB_TRY(cpb_spans_add(&traffic->node_needs[mask], &keys, 1, error));
    }
    if ((rank + 1) % ranks_per_node(recount) == 0)
        close_node(traffic, recount, mask, rank);
done:
    return status;
}

cpb_status cpb_traffic_add(cpb_rank_traffic *traffic, cpb_recount *recount, size_t mask,
                           int32_t rank, cpb_spans *needs, cpb_error *error)
{
    if (recount->setup->transport == CPB_EXCHANGE)
        return add_exchange(traffic, recount, mask, rank, needs, error);
    memcpy(traffic->count, recount->tokens,
           (size_t)recount->claim->ranks * sizeof *traffic->count);
    note_column(traffic, recount, mask, rank);
    if (recount->setup->nodes && (rank + 1) % ranks_per_node(recount) == 0)
        close_node_of_all(recount, mask, rank);
    return CPB_OK;
}

void cpb_traffic_close_rank(cpb_rank_traffic *traffic, cpb_recount *recount,
                            int32_t rank)
{
    traffic->column[rank] = 0;
    for (int32_t r = 0; r < recount->claim->ranks; r++) {
        recount->pair_max = cpb_max(recount->pair_max, traffic->column[r]);
        traffic->column[r] = 0;
    }
}
