// SPDX-License-Identifier: Apache-2.0
/* From counts to figures: sums with weights, largest over ranks, modelled times. */
#include "recount.h"

#include "../base/range.h"

static const int64_t ps_per_us = 1000000;

void cpb_recount_scale(cpb_recount *recount)
{
    const cpb_profile *const profile = &recount->setup->profile;
    const cpb_model *const model = &recount->setup->model;
    cpb_exact *const exact = &recount->exact;
    const int64_t now = cpb_exact_times(exact, model->q_heads, model->head_dim);
    const int64_t then =
        cpb_exact_times(exact, profile->model.q_heads, profile->model.head_dim);
    const int64_t *const from[] = {
        &profile->forward.full_tile,  &profile->forward.partial_tile,
        &profile->forward.q_tile,     &profile->forward.kv_tile,
        &profile->backward.full_tile, &profile->backward.partial_tile,
        &profile->backward.q_tile,    &profile->backward.kv_tile,
        &profile->received_key,       &profile->token,
    };
    int64_t *const to[] = {
        &recount->forward.full_tile,  &recount->forward.partial_tile,
        &recount->forward.q_tile,     &recount->forward.kv_tile,
        &recount->backward.full_tile, &recount->backward.partial_tile,
        &recount->backward.q_tile,    &recount->backward.kv_tile,
        &recount->received_key,       &recount->token,
    };
    for (size_t i = 0; i < sizeof to / sizeof *to; i++)
        *to[i] = cpb_exact_share(exact, *from[i], now, then);
    for (int32_t r = 0; recount->setup->speeds && r < recount->claim->ranks; r++)
        recount->fastest = cpb_max(recount->fastest, recount->setup->speeds[r]);
    recount->key_bytes = cpb_exact_times(
        exact, cpb_exact_times(exact, 2 * model->kv_heads, model->head_dim),
        model->element_bytes);
}

/* Add price * count to a sum. */
static void charge(cpb_exact *exact, int64_t *sum, int64_t price, int64_t count)
{
    *sum = cpb_exact_plus(exact, *sum, cpb_exact_times(exact, price, count));
}

static int64_t attention_pass(cpb_recount *recount, const cpb_tally *tally,
                              int64_t tokens, bool forward)
{
    const cpb_pass *const pass = forward ? &recount->forward : &recount->backward;
    cpb_exact *const exact = &recount->exact;
    int64_t time = 0;
    charge(exact, &time, pass->full_tile, tally->full);
    charge(exact, &time, pass->partial_tile, tally->partial);
    charge(exact, &time, pass->q_tile, tally->q_tiles);
    if (forward)
        time =
            cpb_max(time, cpb_exact_times(exact, recount->setup->profile.rows_at_once,
                                          tally->longest));
    charge(exact, &time, pass->kv_tile,
           cpb_ceil_div(tokens + tally->receive, recount->setup->profile.tile_k));
    charge(exact, &time, recount->received_key, tally->receive);
    charge(exact, &time, recount->token, tokens);
    return time;
}

/* What `work` becomes on a rank that is slower than the fastest: rounded up. */
static int64_t slowed(cpb_recount *recount, int32_t rank, int64_t work)
{
    const int32_t *const speeds = recount->setup->speeds;
    if (!speeds)
        return work;
    const cpb_wide scaled = (cpb_wide)work * recount->fastest;
    return cpb_exact_narrow(&recount->exact,
                            scaled / speeds[rank] + (scaled % speeds[rank] != 0));
}

/* One pass at the pace of the fastest rank. */
static int64_t plain_pass_time(cpb_recount *recount, size_t mask, int32_t rank,
                               bool forward)
{
    const cpb_profile *const profile = &recount->setup->profile;
    const int64_t tokens = recount->tokens[rank];
    int64_t time = 0;
    if (recount->setup->kernel == CPB_RECURRENT) {
        charge(&recount->exact, &time, profile->recurrent_token, tokens);
        charge(&recount->exact, &time, profile->recurrent_run, recount->runs[rank]);
    } else {
        time = attention_pass(recount, cpb_recount_tally(recount, mask, rank), tokens,
                              forward);
    }
    return time;
}

/* Compute of one pass of a rank. */
static int64_t pass_time(cpb_recount *recount, size_t mask, int32_t rank, bool forward)
{
    return slowed(recount, rank, plain_pass_time(recount, mask, rank, forward));
}

static int64_t compute_time(cpb_recount *recount, size_t mask, int32_t rank)
{
    const int64_t forward = pass_time(recount, mask, rank, true);
    return recount->setup->backward
               ? cpb_exact_plus(&recount->exact, forward,
                                pass_time(recount, mask, rank, false))
               : forward;
}

/* Load of a rank for one mask. */
static int64_t load_of(cpb_recount *recount, size_t mask, int32_t rank)
{
    const cpb_tally *const tally = cpb_recount_tally(recount, mask, rank);
    if (recount->setup->cost == CPB_PAIRS)
        return slowed(recount, rank, tally->pairs);
    if (recount->setup->cost == CPB_TILES)
        return slowed(recount, rank, tally->tiles);
    return compute_time(recount, mask, rank);
}

/* Bits set in a rank's row over the masks `from` .. `to - 1` together. */
static int64_t peers_of(const cpb_recount *recount, size_t from, size_t to,
                        int32_t rank)
{
    const size_t ranks = (size_t)recount->claim->ranks, words = recount->peer_words;
    int64_t peers = 0;
    for (size_t i = 0; i < words; i++) {
        uint64_t bits = 0;
        for (size_t m = from; m < to; m++)
            bits |= recount->peers[(m * ranks + (size_t)rank) * words + i];
        for (; bits; bits &= bits - 1)
            peers++;
    }
    return peers;
}

static int64_t bytes_time(cpb_recount *recount, int64_t keys, int64_t rate)
{
    const int64_t bytes = cpb_exact_times(&recount->exact, keys, recount->key_bytes);
    return rate ? cpb_exact_share(&recount->exact, bytes, ps_per_us, rate) : 0;
}

/* The busiest of one mask. */
typedef struct busiest {
    int64_t receive;
    int64_t send;
    int64_t peers;
    int64_t card_in;
    int64_t card_out;
} busiest;

static busiest find_busiest(const cpb_recount *recount, size_t mask)
{
    busiest most = {0};
    for (int32_t r = 0; r < recount->claim->ranks; r++) {
        const cpb_tally *const tally = cpb_recount_tally(recount, mask, r);
        most.receive = cpb_max(most.receive, tally->receive);
        most.send = cpb_max(most.send, tally->send);
        most.peers = cpb_max(most.peers, peers_of(recount, mask, mask + 1, r));
    }
    const int32_t nodes = recount->setup->nodes;
    for (int32_t node = 0; node < nodes; node++) {
        const cpb_card card = recount->card[mask * (size_t)nodes + (size_t)node];
        most.card_in = cpb_max(most.card_in, card.in);
        most.card_out = cpb_max(most.card_out, card.out);
    }
    return most;
}

static int64_t wire_time(cpb_recount *recount, size_t mask)
{
    const cpb_profile *const profile = &recount->setup->profile;
    const busiest most = find_busiest(recount, mask);
    if (most.receive == 0 || recount->setup->kernel == CPB_RECURRENT)
        return 0;
    int64_t time, phases = 1;
    if (recount->setup->nodes) {
        time = cpb_max(bytes_time(recount, cpb_max(most.card_in, most.card_out),
                                  profile->net_bytes_per_us),
                       bytes_time(recount, most.receive, profile->link_bytes_per_us));
        phases += most.card_in > 0;
    } else {
        time = bytes_time(recount, cpb_max(most.receive, most.send),
                          profile->net_bytes_per_us);
    }
    charge(&recount->exact, &time, profile->phase_latency, phases);
    charge(&recount->exact, &time, profile->peer_latency, most.peers);
    return time;
}

/* Time of one pass of a rank with the wire beside it. */
static int64_t overlapped(cpb_recount *recount, const cpb_tally *tally, int64_t compute,
                          int64_t wire)
{
    cpb_exact *const exact = &recount->exact;
    if (recount->setup->overlap == CPB_OVERLAP_NONE)
        return cpb_exact_plus(exact, compute, wire);
    if (recount->setup->overlap == CPB_OVERLAP_IDEAL)
        return cpb_max(compute, wire);
    const int64_t own =
        tally->pairs ? cpb_exact_share(exact, compute, tally->own_pairs, tally->pairs)
                     : compute;
    return cpb_exact_plus(exact, cpb_max(own, wire), compute - own);
}

static int64_t step_time(cpb_recount *recount, size_t mask)
{
    const int64_t wire = wire_time(recount, mask);
    int64_t longest = 0;
    for (int32_t r = 0; r < recount->claim->ranks; r++) {
        const cpb_tally *const tally = cpb_recount_tally(recount, mask, r);
        int64_t time =
            overlapped(recount, tally, pass_time(recount, mask, r, true), wire);
        if (recount->setup->backward)
            time = cpb_exact_plus(
                &recount->exact, time,
                overlapped(recount, tally, pass_time(recount, mask, r, false), wire));
        longest = cpb_max(longest, time);
    }
    return longest;
}

static int64_t memory_of(cpb_recount *recount, int32_t rank)
{
    int64_t receive = 0;
    for (size_t m = 0; m < recount->masks->n; m++)
        receive = cpb_max(receive, cpb_recount_tally(recount, m, rank)->receive);
    return cpb_exact_times(&recount->exact, recount->tokens[rank] + receive,
                           recount->key_bytes);
}

/* Sums of a rank over the masks, and sums over the ranks. */
typedef struct sums {
    cpb_wide load;
    int64_t pairs;
    int64_t own_pairs;
} sums;

static void price_rank(cpb_recount *recount, int32_t rank, cpb_outcome *outcome,
                       sums *all)
{
    cpb_exact *const exact = &recount->exact;
    cpb_score *const score = &outcome->score;
    int64_t load = 0, receive = 0, send = 0, relay_send = 0;
    for (size_t m = 0; m < recount->masks->n; m++) {
        const cpb_tally *const tally = cpb_recount_tally(recount, m, rank);
        const int64_t weight = cpb_recount_weight(recount, m);
        charge(exact, &load, load_of(recount, m, rank), weight);
        charge(exact, &receive, tally->receive, weight);
        charge(exact, &send, tally->send, weight);
        charge(exact, &relay_send, tally->relay_send, weight);
        charge(exact, &score->tiles, tally->tiles, weight);
        charge(exact, &all->pairs, tally->pairs, weight);
        charge(exact, &all->own_pairs, tally->own_pairs, weight);
    }
    outcome->loads[rank] = load;
    all->load += load;
    score->receive_total = cpb_exact_plus(exact, score->receive_total, receive);
    score->receive_max = cpb_max(score->receive_max, receive);
    score->send_max = cpb_max(score->send_max, send);
    score->relay_send_max = cpb_max(score->relay_send_max, relay_send);
    score->load_max = cpb_max(score->load_max, load);
    score->runs_max = cpb_max(score->runs_max, recount->runs[rank]);
    score->segments_max = cpb_max(score->segments_max, recount->segments[rank]);
    score->memory_max = cpb_max(score->memory_max, memory_of(recount, rank));
    score->peers_max = (int32_t)cpb_max(score->peers_max,
                                        peers_of(recount, 0, recount->masks->n, rank));
}

static void price_node(cpb_recount *recount, int32_t node, cpb_score *score)
{
    const size_t nodes = (size_t)recount->setup->nodes;
    int64_t in = 0, out = 0;
    for (size_t m = 0; m < recount->masks->n; m++) {
        const cpb_card card = recount->card[m * nodes + (size_t)node];
        charge(&recount->exact, &in, card.in, cpb_recount_weight(recount, m));
        charge(&recount->exact, &out, card.out, cpb_recount_weight(recount, m));
    }
    score->net_in_max = cpb_max(score->net_in_max, in);
    score->net_out_max = cpb_max(score->net_out_max, out);
}

static void price_figures(cpb_recount *recount, cpb_outcome *outcome)
{
    cpb_exact *const exact = &recount->exact;
    cpb_score *const score = &outcome->score;
    const int32_t ranks = recount->claim->ranks;
    sums all = {0};
    int64_t plain = 0;
    for (int32_t r = 0; r < ranks; r++)
        price_rank(recount, r, outcome, &all);
    for (int32_t node = 0; node < recount->setup->nodes; node++)
        price_node(recount, node, score);
    for (size_t m = 0; m < recount->masks->n; m++) {
        const int64_t weight = cpb_recount_weight(recount, m);
        charge(exact, &plain, recount->plain_tiles[m], weight);
        charge(exact, &score->step_time, step_time(recount, m), weight);
    }
    score->tiles_added = score->tiles - plain;
    score->pair_max = recount->pair_max;
    score->load_mean = (double)all.load / ranks;
    if (all.load)
        score->imbalance = (double)score->load_max / score->load_mean - 1;
    score->own_work = all.pairs ? (double)all.own_pairs / (double)all.pairs : 1;
}

void cpb_recount_price(cpb_recount *recount, cpb_outcome *outcome)
{
    for (int32_t r = 0; r < recount->claim->ranks; r++) {
        outcome->pairs[r] = 0;
        for (size_t m = 0; m < recount->masks->n; m++)
            charge(&recount->exact, &outcome->pairs[r],
                   cpb_recount_tally(recount, m, r)->pairs,
                   cpb_recount_weight(recount, m));
    }
    outcome->score = (cpb_score){0};
    if (recount->figures)
        price_figures(recount, outcome);
}
