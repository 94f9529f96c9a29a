// SPDX-License-Identifier: Apache-2.0
/* Single figures of a score, for planners that need no more. */
#include "step.h"

#include "scoring.h"

#include "../base/error.h"

/* What the layers take together if no rank waits for the wire. */
static int64_t longest_compute(const cpb_scoring *s)
{
    cpb_wide sum = 0;
    for (size_t m = 0; m < s->masks->n; m++) {
        cpb_wide longest = 0;
        for (int32_t r = 0; r < s->ranks; r++) {
            const cpb_wide compute = cpb_layer_compute(&s->layers[m], r);
            longest = compute > longest ? compute : longest;
        }
        sum += cpb_scoring_weight(s, m) * longest;
    }
    return sum < INT64_MAX ? (int64_t)sum : INT64_MAX;
}

/* Keys that go in and out of ranks, summed over the masks. */
static void note_keys(const cpb_scoring *s, cpb_step_figures *figures)
{
    for (int32_t r = 0; r < s->ranks; r++) {
        int64_t receive = 0, send = 0;
        for (size_t m = 0; m < s->masks->n; m++) {
            receive += cpb_scoring_weight(s, m) * s->layers[m].cells[r].receive;
            send += cpb_scoring_weight(s, m) * s->layers[m].cells[r].send;
        }
        figures->keys += receive;
        if (!s->setup->nodes)
            figures->busiest = cpb_max(figures->busiest, cpb_max(receive, send));
    }
}

/* Keys through cards of nodes. */
static void note_cards(const cpb_scoring *s, cpb_step_figures *figures)
{
    for (int32_t i = 0; i < s->setup->nodes; i++) {
        int64_t in = 0, out = 0;
        for (size_t m = 0; m < s->masks->n; m++) {
            in += cpb_scoring_weight(s, m) * s->layers[m].net_in[i];
            out += cpb_scoring_weight(s, m) * s->layers[m].net_out[i];
        }
        figures->busiest = cpb_max(figures->busiest, cpb_max(in, out));
    }
}

cpb_status cpb_step_within(const cpb_plan *plan, const cpb_masks *masks,
                           const cpb_setup *setup, int64_t limit,
                           const cpb_allocator *allocator, cpb_step_figures *figures,
                           cpb_error *error)
{
    cpb_arena arena = {.allocator = cpb_allocator_or_default(allocator)};
    cpb_scoring s;
    cpb_status status;

    *figures = (cpb_step_figures){.time = INT64_MAX};
    CPB_TRY(cpb_scoring_start(&s, plan, masks, setup, &arena, NULL, error));
    s.limit = limit;
    CPB_TRY(cpb_scoring_gather(&s, NULL, error));
    if (s.stopped)
        goto done;
    CPB_TRY(cpb_scoring_step(&s, &figures->time, error));
    figures->compute = longest_compute(&s);
    note_keys(&s, figures);
    note_cards(&s, figures);
done:
    cpb_arena_free(&arena);
    return status;
}

cpb_status cpb_plan_loads(const cpb_plan *plan, const cpb_masks *masks,
                          const cpb_setup *setup, const cpb_allocator *allocator,
                          int64_t *load, cpb_error *error)
{
    cpb_arena arena = {.allocator = cpb_allocator_or_default(allocator)};
    cpb_scoring s;
    cpb_status status;

    CPB_TRY(cpb_scoring_start(&s, plan, masks, setup, &arena, NULL, error));
    CPB_TRY(cpb_scoring_gather(&s, NULL, error));
    CPB_TRY(cpb_scoring_sum(&s, error));
    for (int32_t r = 0; r < s.ranks; r++)
        load[r] = s.cells[r].load;
done:
    cpb_arena_free(&arena);
    return status;
}

cpb_status cpb_plan_peers(const cpb_plan *plan, const cpb_masks *masks,
                          const cpb_setup *setup, const cpb_allocator *allocator,
                          int32_t *peers, cpb_error *error)
{
    cpb_arena arena = {.allocator = cpb_allocator_or_default(allocator)};
    cpb_scoring s;
    cpb_status status;

    *peers = 0;
    CPB_TRY(cpb_scoring_start(&s, plan, masks, setup, &arena, NULL, error));
    CPB_TRY(cpb_scoring_gather(&s, NULL, error));
    CPB_TRY(cpb_scoring_sum(&s, error));
    for (int32_t r = 0; r < s.ranks; r++)
        *peers = *peers > s.cells[r].peers ? *peers : s.cells[r].peers;
done:
    cpb_arena_free(&arena);
    return status;
}
