// SPDX-License-Identifier: Apache-2.0
/* What a document costs, counted row by row. */
#include "step.h"

#include "../base/range.h"

/* x * heads * width of the model / those that the profile was measured with */
static int64_t scaled(cpb_step *step, int64_t price)
{
    const cpb_model *const now = &step->domain->setup.model;
    const cpb_model *const then = &step->domain->setup.profile.model;
    return cpb_exact_share(&step->exact, price, now->q_heads * now->head_dim,
                           then->q_heads * then->head_dim);
}

/* One pass over the causal queries [begin, end) with the keys [0, end). */
static int64_t piece(cpb_step *step, const cpb_pass *pass, int64_t begin, int64_t end)
{
    const int64_t q = step->domain->setup.profile.tile_q;
    const int64_t k = step->domain->setup.profile.tile_k;
    int64_t rows = 0, full = 0, partial = 0;
    for (int64_t row = begin; row < end; row += q, rows++) {
        const int64_t seen = (cpb_min(row + q, end) + k - 1) / k;
        const int64_t whole = row + q <= end ? (row + 1) / k : 0;
        full += whole;
        partial += seen - whole;
    }
    cpb_exact *const exact = &step->exact;
    int64_t time = cpb_exact_times(exact, rows, scaled(step, pass->q_tile));
    time = cpb_exact_plus(exact, time,
                          cpb_exact_times(exact, full, scaled(step, pass->full_tile)));
    return cpb_exact_plus(
        exact, time, cpb_exact_times(exact, partial, scaled(step, pass->partial_tile)));
}

/* All passes over the queries [0, head) and [begin, end), with the keys [0, end). */
static int64_t attention(cpb_step *step, int64_t head, int64_t begin, int64_t end)
{
    const cpb_setup *const setup = &step->domain->setup;
    const cpb_pass *const passes[] = {&setup->profile.forward,
                                      &setup->profile.backward};
    const int64_t k = setup->profile.tile_k;
    int64_t time = 0;
    for (int i = 0; i < (setup->backward ? 2 : 1); i++) {
        const int64_t keys = cpb_exact_times(&step->exact, (end + k - 1) / k,
                                             scaled(step, passes[i]->kv_tile));
        time = cpb_exact_plus(&step->exact, time, keys);
        time = cpb_exact_plus(&step->exact, time, piece(step, passes[i], 0, head));
        time = cpb_exact_plus(&step->exact, time, piece(step, passes[i], begin, end));
    }
    return time;
}

static int64_t passes_of(const cpb_step *step)
{
    return step->domain->setup.backward ? 2 : 1;
}

static int64_t moving(cpb_step *step, int64_t keys, int64_t rate)
{
    const cpb_model *const model = &step->domain->setup.model;
    const int64_t bytes = 2 * model->kv_heads * model->head_dim * model->element_bytes;
    if (!rate)
        return 0;
    const cpb_wide time = (cpb_wide)keys * bytes * 1000000 / rate * passes_of(step);
    return cpb_exact_narrow(&step->exact, time);
}

static int64_t wire(cpb_step *step, int64_t tokens, int32_t first, int32_t ranks)
{
    const cpb_profile *const profile = &step->domain->setup.profile;
    const int32_t per_node = step->domain->ranks_per_node;
    const int64_t received = tokens - tokens / ranks;
    const int64_t latency =
        (profile->phase_latency + profile->peer_latency * (ranks - 1)) *
        passes_of(step);
    if (per_node <= 1)
        return latency + moving(step, received, profile->net_bytes_per_us);
    int32_t fewest = ranks;
    for (int32_t node = first / per_node; node <= (first + ranks - 1) / per_node;
         node++) {
        const int32_t begin = node * per_node > first ? node * per_node : first;
        const int32_t end = (node + 1) * per_node < first + ranks
                                ? (node + 1) * per_node
                                : first + ranks;
        fewest = end - begin < fewest ? end - begin : fewest;
    }
    int64_t time = moving(step, received, profile->link_bytes_per_us);
    if (fewest < ranks)
        time = cpb_max(time, moving(step, tokens - fewest * tokens / ranks,
                                    profile->net_bytes_per_us));
    return latency + time;
}

int64_t cpb_step_cut(const cpb_step *step, int64_t document, int32_t i)
{
    const cpb_placement *const p = &step->claim->placement[document];
    if (i == 0 || i == p->ranks)
        return i ? step->documents->tokens[document] : 0;
    return step->claim->cut[p->cuts + i - 1];
}

/* Attention of the first `end` tokens of a document. */
static int64_t beginning(cpb_step *step, int64_t document, int64_t end)
{
    const int64_t tokens = step->documents->tokens[document];
    const int64_t *const given = step->documents->cost;
    if (!given)
        return attention(step, 0, 0, end);
    return (int64_t)((cpb_wide)given[document] * end / tokens * end / tokens);
}

/* Keys [0, begin) from the ranks before; those that lie in other nodes through the card,
 * once for all ranks of the node that the document has up to the last one. */
static int64_t part_wire(cpb_step *step, const cpb_placement *p, int32_t i,
                         int64_t begin)
{
    const cpb_profile *const profile = &step->domain->setup.profile;
    const int32_t per_node = step->domain->ranks_per_node;
    const int64_t latency =
        (profile->phase_latency + profile->peer_latency * i) * passes_of(step);
    if (per_node <= 1)
        return latency + moving(step, begin, profile->net_bytes_per_us);
    int32_t sharing = 0;
    bool reaches = false;
    for (int32_t r = p->first; r < p->first + p->ranks; r++) {
        sharing += r / per_node == (p->first + i) / per_node;
        reaches |= r / per_node < (p->first + i) / per_node;
    }
    int64_t time = moving(step, begin, profile->link_bytes_per_us);
    if (reaches) {
        const cpb_wide card =
            (cpb_wide)moving(step, begin, profile->net_bytes_per_us) * per_node;
        time = cpb_max(time, cpb_exact_narrow(&step->exact, card / sharing));
    }
    return latency + time;
}

static cpb_duty part(cpb_step *step, int64_t document, int32_t i)
{
    const int64_t begin = cpb_step_cut(step, document, i);
    const int64_t end = cpb_step_cut(step, document, i + 1);
    cpb_duty duty = {
        .tokens = end - begin,
        .received = begin,
        .attention = beginning(step, document, end) - beginning(step, document, begin),
    };
    if (!step->documents->cost)
        duty.attention = cpb_max(duty.attention, attention(step, 0, begin, end));
    duty.own = (int64_t)((cpb_wide)duty.attention * duty.tokens / (begin + end));
    if (i)
        duty.wire = part_wire(step, &step->claim->placement[document], i, begin);
    return duty;
}

cpb_duty cpb_step_price(cpb_step *step, int64_t document, int32_t i)
{
    const cpb_placement *const p = &step->claim->placement[document];
    const int64_t *const given = step->documents->cost;
    const int64_t tokens = step->documents->tokens[document];
    const int64_t whole = given ? given[document] : attention(step, 0, 0, tokens);
    if (p->cuts >= 0)
        return part(step, document, i);
    if (p->ranks == 1)
        return (cpb_duty){.tokens = tokens, .attention = whole, .own = whole};
    const int64_t most = (tokens + p->ranks - 1) / p->ranks;
    cpb_duty duty = {
        .tokens = most,
        .received = tokens - tokens / p->ranks,
        .attention = (whole + p->ranks - 1) / p->ranks,
        .wire = wire(step, tokens, p->first, p->ranks),
    };
    if (!given)
        duty.attention = cpb_max(duty.attention, attention(step, most - most / 2,
                                                           tokens - most / 2, tokens));
    duty.own = duty.attention / p->ranks;
    return duty;
}

int64_t cpb_step_padded(const cpb_step *step, const cpb_duty *duty)
{
    const int64_t multiple = step->domain->token_multiple;
    const int64_t over = duty->tokens % multiple;
    return duty->tokens + (over ? multiple - over : 0);
}

int64_t cpb_step_time(cpb_step *step, const cpb_duty *duty)
{
    cpb_exact *const exact = &step->exact;
    const cpb_profile *const profile = &step->domain->setup.profile;
    const int64_t passes = passes_of(step);
    if (!duty->tokens)
        return 0;
    int64_t hidden = 0;
    if (step->domain->setup.overlap == CPB_OVERLAP_TWO_STAGE)
        hidden = cpb_min(duty->own, duty->wire);
    else if (step->domain->setup.overlap == CPB_OVERLAP_IDEAL)
        hidden = cpb_min(duty->attention, duty->wire);
    int64_t time = cpb_exact_plus(exact, step->domain->fixed, duty->attention);
    time = cpb_exact_plus(exact, time, duty->wire - hidden);
    time = cpb_exact_plus(exact, time,
                          cpb_exact_times(exact, passes * scaled(step, profile->token),
                                          cpb_step_padded(step, duty)));
    return cpb_exact_plus(exact, time,
                          cpb_exact_times(exact,
                                          passes * scaled(step, profile->received_key),
                                          duty->received));
}
