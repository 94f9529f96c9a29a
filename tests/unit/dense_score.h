// SPDX-License-Identifier: Apache-2.0
/* The figures of a score by brute force over the dense matrix: the slow, obvious
 * version that a recount and a score are held against. */
#ifndef CPB_TESTING_DENSE_SCORE_H
#define CPB_TESTING_DENSE_SCORE_H

#include "dense_relay.h"
#include "dense_tiles.h"

#include <string.h>

enum { DENSE_TOKENS = 320, DENSE_RANKS = 16, DENSE_MASKS = 3 };

/* A plan as plain arrays. */
typedef struct dense_plan {
    int64_t tokens;
    int64_t padding;
    int32_t ranks;
    int64_t first[DENSE_RANKS + 1];
    cpb_range runs[DENSE_TOKENS];
} dense_plan;

typedef struct dense_score {
    const dense_plan *plan;
    const cpb_masks *masks;
    const cpb_setup *setup;
    int32_t owner[DENSE_TOKENS];
    int64_t slots[DENSE_TOKENS]; /* all shards, one behind the other */
    int64_t slot_first[DENSE_RANKS + 1];
    int64_t tokens[DENSE_RANKS], runs[DENSE_RANKS], segments[DENSE_RANKS];
    dense_count count[DENSE_MASKS][DENSE_RANKS];
    int64_t matrix[DENSE_MASKS][DENSE_RANKS][DENSE_RANKS];
    uint32_t takers[DENSE_TOKENS]; /* of the mask counted last */
    int64_t relayed[DENSE_MASKS][DENSE_RANKS];
    int64_t in[DENSE_MASKS][DENSE_RANKS], out[DENSE_MASKS][DENSE_RANKS];
    int64_t plain[DENSE_MASKS];
    cpb_score score;
    int64_t pairs[DENSE_RANKS];
    int64_t loads[DENSE_RANKS];
} dense_score;

static inline int64_t dense_weight(const dense_score *d, size_t m)
{
    return d->masks->weight ? d->masks->weight[m] : 1;
}

static inline void dense_lay_out(dense_score *d)
{
    int64_t n = 0;
    for (int32_t r = 0; r < d->plan->ranks; r++) {
        d->slot_first[r] = n;
        for (int64_t i = d->plan->first[r]; i < d->plan->first[r + 1]; i++) {
            const cpb_range run = d->plan->runs[i];
            d->runs[r] += run.begin < d->plan->tokens;
            for (int64_t p = run.begin; p < run.end; p++) {
                d->owner[p] = r;
                d->slots[n++] = p;
                d->tokens[r] += p < d->plan->tokens;
            }
        }
        for (int64_t i = d->slot_first[r]; i < n;) {
            if (d->slots[i] >= d->plan->tokens) {
                i++;
                continue;
            }
            d->segments[r]++;
            i = dense_segment_end(d->masks->mask[0], d->slots, i, n);
        }
    }
    d->slot_first[d->plan->ranks] = n;
}

/* Key k as rank s and its node see it: needed by any of their queries? */
static inline void dense_key(dense_score *d, size_t m, int64_t k)
{
    const dense_plan *const plan = d->plan;
    const int32_t nodes = d->setup->nodes, width = nodes ? plan->ranks / nodes : 1;
    const int32_t owner = d->owner[k];
    bool needed[DENSE_RANKS] = {false}, entered[DENSE_RANKS] = {false};
    for (int64_t q = 0; q < plan->tokens; q++)
        if (dense_allows(d->masks->mask[m], q, k)) {
            needed[d->owner[q]] = true;
            d->count[m][d->owner[q]].pairs++;
            d->count[m][d->owner[q]].own_pairs += d->owner[q] == owner;
        }
    d->takers[k] = 0;
    for (int32_t s = 0; s < plan->ranks; s++) {
        if (s == owner || (!needed[s] && d->setup->transport == CPB_EXCHANGE))
            continue;
        d->takers[k] |= UINT32_C(1) << s;
        d->matrix[m][owner][s]++;
        d->count[m][s].receive++;
        d->count[m][owner].send++;
        if (nodes && s / width != owner / width && !entered[s / width]) {
            entered[s / width] = true;
            d->in[m][s / width]++;
            d->out[m][owner / width]++;
        }
    }
}

static inline void dense_relay_mask(dense_score *d, size_t m)
{
    const dense_keys keys = {d->plan->tokens, d->plan->ranks, d->owner, d->takers};
    int64_t most = 0, first[DENSE_TOKENS];
    for (int32_t r = 0; r < d->plan->ranks; r++) {
        d->relayed[m][r] = d->count[m][r].send;
        most = dense_max(most, d->count[m][r].receive);
    }
    if (d->setup->transport == CPB_EXCHANGE)
        dense_relay(&keys, most, d->relayed[m], first);
}

static inline void dense_count_mask(dense_score *d, size_t m)
{
    const cpb_mask *const mask = d->masks->mask[m];
    int64_t plain[DENSE_TOKENS];
    for (int64_t k = 0; k < d->plan->tokens; k++) {
        plain[k] = k;
        dense_key(d, m, k);
    }
    dense_relay_mask(d, m);
    d->plain[m] = dense_tiles(d->setup, mask, plain, d->plan->tokens, true).tiles;
    for (int32_t r = 0; r < d->plan->ranks; r++) {
        dense_count *const c = &d->count[m][r];
        const int64_t *const slots = d->slots + d->slot_first[r];
        const int64_t n = d->slot_first[r + 1] - d->slot_first[r];
        const dense_count timed = dense_tiles(d->setup, mask, slots, n, false);
        c->tiles = dense_tiles(d->setup, mask, slots, n, true).tiles;
        c->full = timed.full;
        c->partial = timed.partial;
        c->q_tiles = timed.q_tiles;
        c->longest = timed.longest;
    }
}

static inline int64_t dense_plain_pass(const dense_score *d, size_t m, int32_t r,
                                       bool forward)
{
    const cpb_profile *const p = &d->setup->profile;
    const cpb_pass *const pass = forward ? &p->forward : &p->backward;
    const dense_count *const c = &d->count[m][r];
    if (d->setup->kernel == CPB_RECURRENT)
        return p->recurrent_token * d->tokens[r] + p->recurrent_run * d->runs[r];
    int64_t time = dense_scaled(d->setup, pass->full_tile) * c->full +
                   dense_scaled(d->setup, pass->partial_tile) * c->partial +
                   dense_scaled(d->setup, pass->q_tile) * c->q_tiles;
    if (forward)
        time = dense_max(time, p->rows_at_once * c->longest);
    const int64_t keys = d->tokens[r] + c->receive;
    return time +
           dense_scaled(d->setup, pass->kv_tile) *
               ((keys + p->tile_k - 1) / p->tile_k) +
           dense_scaled(d->setup, p->received_key) * c->receive +
           dense_scaled(d->setup, p->token) * d->tokens[r];
}

/* Times fastest / own, rounded up. */
static inline int64_t dense_slowed(const dense_score *d, int32_t r, int64_t work)
{
    int64_t fastest = 1;
    if (!d->setup->speeds)
        return work;
    for (int32_t s = 0; s < d->plan->ranks; s++)
        fastest = dense_max(fastest, d->setup->speeds[s]);
    const int64_t slowed = work * fastest / d->setup->speeds[r];
    return slowed + (slowed * d->setup->speeds[r] < work * fastest);
}

static inline int64_t dense_pass(const dense_score *d, size_t m, int32_t r,
                                 bool forward)
{
    return dense_slowed(d, r, dense_plain_pass(d, m, r, forward));
}

static inline int64_t dense_compute(const dense_score *d, size_t m, int32_t r)
{
    return dense_pass(d, m, r, true) +
           (d->setup->backward ? dense_pass(d, m, r, false) : 0);
}

static inline int64_t dense_key_bytes(const dense_score *d)
{
    const cpb_model *const model = &d->setup->model;
    return 2 * model->kv_heads * model->head_dim * model->element_bytes;
}

static inline int64_t dense_time(const dense_score *d, int64_t keys, int64_t rate)
{
    return rate ? keys * dense_key_bytes(d) * 1000000 / rate : 0;
}

/* Peers of rank r under masks from .. to - 1. */
static inline int64_t dense_peers(const dense_score *d, size_t from, size_t to,
                                  int32_t r)
{
    int64_t peers = 0;
    for (int32_t s = 0; s < d->plan->ranks; s++) {
        int64_t keys = 0;
        for (size_t m = from; m < to; m++)
            keys += d->matrix[m][r][s] + d->matrix[m][s][r];
        peers += keys > 0;
    }
    return peers;
}

static inline int64_t dense_wire(const dense_score *d, size_t m)
{
    const cpb_profile *const p = &d->setup->profile;
    int64_t receive = 0, send = 0, in = 0, card = 0, peers = 0;
    for (int32_t r = 0; r < d->plan->ranks; r++) {
        receive = dense_max(receive, d->count[m][r].receive);
        send = dense_max(send, d->count[m][r].send);
        peers = dense_max(peers, dense_peers(d, m, m + 1, r));
        in = dense_max(in, d->in[m][r]);
        card = dense_max(card, dense_max(d->in[m][r], d->out[m][r]));
    }
    if (receive == 0 || d->setup->kernel == CPB_RECURRENT)
        return 0;
    const int64_t latency = p->peer_latency * peers + p->phase_latency;
    if (d->setup->nodes == 0)
        return dense_time(d, dense_max(receive, send), p->net_bytes_per_us) + latency;
    return dense_max(dense_time(d, card, p->net_bytes_per_us),
                     dense_time(d, receive, p->link_bytes_per_us)) +
           latency + (in > 0 ? p->phase_latency : 0);
}

static inline int64_t dense_overlap(const dense_score *d, const dense_count *c,
                                    int64_t compute, int64_t wire)
{
    const int64_t own = c->pairs ? compute * c->own_pairs / c->pairs : compute;
    switch (d->setup->overlap) {
    case CPB_OVERLAP_NONE:
        return compute + wire;
    case CPB_OVERLAP_IDEAL:
        return dense_max(compute, wire);
    default:
        return dense_max(own, wire) + compute - own;
    }
}

static inline int64_t dense_step(const dense_score *d, size_t m)
{
    const int64_t wire = dense_wire(d, m);
    int64_t step = 0;
    for (int32_t r = 0; r < d->plan->ranks; r++) {
        const dense_count *const c = &d->count[m][r];
        int64_t time = dense_overlap(d, c, dense_pass(d, m, r, true), wire);
        if (d->setup->backward)
            time += dense_overlap(d, c, dense_pass(d, m, r, false), wire);
        step = dense_max(step, time);
    }
    return step;
}

static inline int64_t dense_load(const dense_score *d, size_t m, int32_t r)
{
    const int64_t loads[] = {
        [CPB_PAIRS] = dense_slowed(d, r, d->count[m][r].pairs),
        [CPB_TILES] = dense_slowed(d, r, d->count[m][r].tiles),
        [CPB_PROFILE_TIME] = dense_compute(d, m, r),
    };
    return loads[d->setup->cost];
}

static inline void dense_figures_of_rank(dense_score *d, int32_t r, int64_t *sums)
{
    cpb_score *const f = &d->score;
    int64_t load = 0, receive = 0, send = 0, most = 0, in = 0, out = 0, relayed = 0;
    for (size_t m = 0; m < d->masks->n; m++) {
        const int64_t w = dense_weight(d, m);
        const dense_count *const c = &d->count[m][r];
        load += w * dense_load(d, m, r);
        receive += w * c->receive;
        send += w * c->send;
        relayed += w * d->relayed[m][r];
        in += w * d->in[m][r];
        out += w * d->out[m][r];
        most = dense_max(most, c->receive);
        f->tiles += w * c->tiles;
        d->pairs[r] += w * c->pairs;
        sums[1] += w * c->own_pairs;
    }
    d->loads[r] = load;
    sums[0] += load;
    sums[2] += d->pairs[r];
    f->load_max = dense_max(f->load_max, load);
    f->receive_total += receive;
    f->receive_max = dense_max(f->receive_max, receive);
    f->send_max = dense_max(f->send_max, send);
    f->relay_send_max = dense_max(f->relay_send_max, relayed);
    f->net_in_max = dense_max(f->net_in_max, in);
    f->net_out_max = dense_max(f->net_out_max, out);
    f->runs_max = dense_max(f->runs_max, d->runs[r]);
    f->segments_max = dense_max(f->segments_max, d->segments[r]);
    f->memory_max =
        dense_max(f->memory_max, (d->tokens[r] + most) * dense_key_bytes(d));
    f->peers_max = (int32_t)dense_max(f->peers_max, dense_peers(d, 0, d->masks->n, r));
}

/* Fill d->score and d->pairs; the load bound is the mean rounded up, the traffic bounds
 * are what was reached. */
static inline void dense_score_of(dense_score *d, const dense_plan *plan,
                                  const cpb_masks *masks, const cpb_setup *setup)
{
    memset(d, 0, sizeof *d);
    d->plan = plan;
    d->masks = masks;
    d->setup = setup;
    dense_lay_out(d);
    cpb_score *const f = &d->score;
    int64_t sums[3] = {0}, plain = 0;
    for (size_t m = 0; m < masks->n; m++) {
        dense_count_mask(d, m);
        plain += dense_weight(d, m) * d->plain[m];
        f->step_time += dense_weight(d, m) * dense_step(d, m);
    }
    for (int32_t r = 0; r < plan->ranks; r++) {
        dense_figures_of_rank(d, r, sums);
        for (int32_t s = 0; s < plan->ranks; s++) {
            int64_t keys = 0;
            for (size_t m = 0; m < masks->n; m++)
                keys += dense_weight(d, m) * d->matrix[m][r][s];
            f->pair_max = dense_max(f->pair_max, keys);
        }
    }
    f->tiles_added = f->tiles - plain;
    f->load_mean = (double)sums[0] / plan->ranks;
    f->load_bound = (sums[0] + plan->ranks - 1) / plan->ranks;
    f->imbalance = sums[0] ? (double)f->load_max / f->load_mean - 1 : 0;
    f->gap = f->load_bound ? (double)f->load_max / (double)f->load_bound - 1 : 0;
    f->own_work = sums[2] ? (double)sums[1] / (double)sums[2] : 1;
    f->receive_bound = f->receive_total;
    f->receive_max_bound = f->receive_max;
    f->send_max_bound = (f->receive_total + plan->ranks - 1) / plan->ranks;
}

#endif
