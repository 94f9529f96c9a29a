// SPDX-License-Identifier: Apache-2.0
/* What a schedule hands on: cells, plans of groups, reroutes. */
#include "schedule.h"

#include "../base/error.h"
#include "../plan/plan.h"

#include <assert.h>

/* Groups ascend by first rank, but one of several ranks may reach over later ones: ranks
 * are walked once, from the end of what was walked. */
static void list_micro(cpb_timeline *t, cpb_schedule *s, int64_t begin, int64_t end)
{
    const int64_t multiple = t->batch->price.token_multiple;
    int32_t walked = 0;
    cpb_timeline_load(t, begin, end);
    for (int64_t g = begin; g < end; g++) {
        const cpb_group *const group = &t->groups[g];
        for (int32_t r = (int32_t)cpb_max(walked, group->first);
             r < group->first + group->ranks; r++) {
            const cpb_share *const load = &t->load[r];
            if (!load->tokens)
                continue;
            s->cells[s->n_cells++] = (cpb_cell){
                .micro_batch = group->micro_batch,
                .rank = r,
                .tokens = cpb_ceil_div(load->tokens, multiple) * multiple,
                .start = group->start,
                .time = cpb_price_time(&t->batch->price, load),
            };
        }
        walked = (int32_t)cpb_max(walked, group->first + group->ranks);
    }
}

cpb_status cpb_schedule_list_cells(cpb_timeline *t, cpb_schedule *s, cpb_error *error)
{
    int64_t most = 0;
    for (int64_t g = 0; g < t->n_groups; g++)
        most += t->groups[g].ranks;
    s->cells = cpb_arena_take(&s->memory, (size_t)most, sizeof *s->cells);
    if (!s->cells)
        return cpb_fail_memory(error);
    for (int64_t begin = 0, end = 0; begin < t->n_groups; begin = end) {
        while (end < t->n_groups &&
               t->groups[end].micro_batch == t->groups[begin].micro_batch)
            end++;
        list_micro(t, s, begin, end);
    }
    return CPB_OK;
}

/* The tokens [begin, end) of a document that is not cut evenly, on its i-th rank. */
static void part_of(const cpb_schedule *s, int64_t document, int32_t i, int64_t *begin,
                    int64_t *end)
{
    const cpb_placement *const p = &s->placement[document];
    *begin = i ? s->cuts[p->cuts + i - 1] : 0;
    *end = i + 1 < p->ranks ? s->cuts[p->cuts + i] : s->tokens[document];
}

/* One piece for each rank. */
static size_t cut_parts(const cpb_schedule *s, int64_t document, int32_t first,
                        int64_t base, cpb_piece *pieces)
{
    const cpb_placement *const p = &s->placement[document];
    for (int32_t i = 0; i < p->ranks; i++) {
        int64_t begin, end;
        part_of(s, document, i, &begin, &end);
        pieces[i] = (cpb_piece){p->first + i - first, (int32_t)(base + begin),
                                (int32_t)(base + end)};
    }
    return (size_t)p->ranks;
}

/* Tokens of a document on its i-th rank. */
static int64_t tokens_on(const cpb_schedule *s, int64_t document, int32_t i)
{
    const cpb_placement *const p = &s->placement[document];
    int64_t begin, end;
    if (p->cuts < 0)
        return cpb_price_tokens(s->tokens[document], p->ranks, i);
    part_of(s, document, i, &begin, &end);
    return end - begin;
}

/* Head and tail pieces of a document that starts at `base` of the pack. Heads ascend over
 * the ranks, tails descend, so that every rank's keys cost the same. */
static size_t cut_evenly(const cpb_schedule *s, int64_t document, int32_t first,
                         int64_t base, cpb_piece *pieces)
{
    const cpb_placement *const p = &s->placement[document];
    const int64_t tokens = s->tokens[document];
    int64_t head = base, tail = base + tokens;
    size_t n = 0;
    for (int32_t i = 0; i < p->ranks; i++) {
        const int64_t held = cpb_price_tokens(tokens, p->ranks, i);
        const int64_t in_tail = p->ranks > 1 ? held / 2 : 0;
        const int32_t rank = p->first + i - first;
        if (held > in_tail)
            pieces[n++] =
                (cpb_piece){rank, (int32_t)head, (int32_t)(head + held - in_tail)};
        if (in_tail)
            pieces[n++] = (cpb_piece){rank, (int32_t)(tail - in_tail), (int32_t)tail};
        head += held - in_tail;
        tail -= in_tail;
    }
    return n;
}

cpb_status cpb_schedule_plan(const cpb_schedule *s, int64_t g,
                             const cpb_allocator *allocator, cpb_plan **plan,
                             cpb_error *error)
{
    assert(g >= 0 && g < s->n_groups && plan);
    const cpb_group *const group = &s->groups[g];
    const int64_t *const documents = &s->order[group->first_document];
    cpb_arena scratch = {.allocator = cpb_allocator_or_default(allocator)};
    cpb_plan_parts parts = {
        .ranks = group->ranks,
        .promise = {.sizes = CPB_UNEVEN,
                    .chunk = 1,
                    .granularity = 1,
                    .cap = -1,
                    .algorithm = CPB_ALGORITHM,
                    .tolerance_ppm = 10000},
        .balancer = "",
    };
    cpb_status status;
    size_t most = 0;
    *plan = NULL;
    for (int64_t i = 0; i < group->n_documents; i++) {
        parts.tokens += s->tokens[documents[i]];
        most += 2 * (size_t)s->placement[documents[i]].ranks;
    }
    if (parts.tokens > CPB_MAX_TOKENS)
        return cpb_fail(error, CPB_TOO_LARGE, g,
                        "group %lld packs %lld tokens; a plan has at most %lld",
                        (long long)g, (long long)parts.tokens,
                        (long long)CPB_MAX_TOKENS);
    cpb_piece *const pieces = cpb_arena_take(&scratch, most, sizeof *pieces);
    if (!pieces)
        return cpb_fail_memory(error);
    int64_t base = 0;
    for (int64_t i = 0; i < group->n_documents; i++) {
        cpb_piece *const to = pieces + parts.n_pieces;
        parts.n_pieces += s->placement[documents[i]].cuts < 0
                              ? cut_evenly(s, documents[i], group->first, base, to)
                              : cut_parts(s, documents[i], group->first, base, to);
        base += s->tokens[documents[i]];
    }
    parts.pieces = pieces;
    CPB_TRY(cpb_plan_build(&parts, allocator, plan, error));
done:
    cpb_arena_free(&scratch);
    return status;
}

int64_t cpb_schedule_reroutes(const cpb_schedule *s, cpb_reroute *list)
{
    int64_t n = 0;
    for (int64_t d = 0; d < s->n; d++) {
        const cpb_placement *const p = &s->placement[d];
        if (p->left != CPB_LEFT_NOT || s->holder[d] < 0)
            continue;
        for (int32_t i = 0; i < p->ranks; i++) {
            const int64_t tokens = tokens_on(s, d, i);
            if (p->first + i == s->holder[d] || !tokens)
                continue;
            if (list)
                list[n] = (cpb_reroute){d, s->holder[d], p->first + i, tokens,
                                        tokens * s->token_bytes};
            n++;
        }
    }
    return n;
}
