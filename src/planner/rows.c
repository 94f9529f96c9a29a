// SPDX-License-Identifier: Apache-2.0
/* The rows of a batch: one plan each, shards handed out so that biases cancel. */
#include "../base/error.h"
#include "../base/range.h"
#include "../base/sort.h"
#include "../plan/plan.h"

#include <cpb/planner.h>
#include <cpb/score.h>

/* Ranks (or shards) in ascending order of load; ties keep their number. */
static void rank_by_load(const int64_t *load, int32_t ranks, cpb_item *items,
                         cpb_item *spare)
{
    for (int32_t r = 0; r < ranks; r++)
        items[r] = (cpb_item){(uint64_t)load[r], r};
    cpb_sort(items, spare, (size_t)ranks);
}

/* A plan whose rank to[i] holds what rank from[ranks - 1 - i] of `plan` holds. */
static cpb_status relabelled(const cpb_plan *plan, const cpb_item *to,
                             const cpb_item *from, const cpb_allocator *allocator,
                             cpb_arena *scratch, cpb_plan **out, cpb_error *error)
{
    cpb_plan_parts parts = {
        .tokens = cpb_plan_tokens(plan),
        .padding = cpb_plan_padding(plan),
        .ranks = cpb_plan_ranks(plan),
        .promise = *cpb_plan_promise(plan),
        .balancer = cpb_plan_balancer(plan),
    };
    size_t n = 0;
    for (int32_t r = 0; r < parts.ranks; r++)
        n += cpb_plan_n_runs(plan, r);
    cpb_piece *const pieces = cpb_arena_take(scratch, n, sizeof *pieces);
    if (!pieces)
        return cpb_fail_memory(error);
    for (int32_t i = 0; i < parts.ranks; i++) {
        const int32_t shard = (int32_t)from[parts.ranks - 1 - i].value;
        const cpb_range *const runs = cpb_plan_runs(plan, shard);
        for (size_t j = 0; j < cpb_plan_n_runs(plan, shard); j++)
            pieces[parts.n_pieces++] = (cpb_piece){
                (int32_t)to[i].value, (int32_t)runs[j].begin, (int32_t)runs[j].end};
    }
    parts.pieces = pieces;
    return cpb_plan_build(&parts, allocator, out, error);
}

/* Loads carried from row to row. */
typedef struct carry {
    const cpb_options *options;
    cpb_rank_score *cells; /* [ranks] */
    int64_t *load;         /* [ranks] of the row at hand */
    int64_t *carried;      /* [ranks] of the rows before */
    cpb_item *to, *from, *spare;
} carry;

static cpb_status start_carry(carry *c, cpb_arena *arena)
{
    const size_t ranks = (size_t)c->options->ranks;
    c->cells = cpb_arena_take(arena, ranks, sizeof *c->cells);
    c->load = cpb_arena_take(arena, ranks, sizeof *c->load);
    c->carried = cpb_arena_zeros(arena, ranks, sizeof *c->carried);
    c->to = cpb_arena_take(arena, ranks, sizeof *c->to);
    c->from = cpb_arena_take(arena, ranks, sizeof *c->from);
    c->spare = cpb_arena_take(arena, ranks, sizeof *c->spare);
    return c->cells && c->load && c->carried && c->to && c->from && c->spare
               ? CPB_OK
               : CPB_NO_MEMORY;
}

/* Replace a row's plan by its relabelled twin and carry its loads on. */
static cpb_status relabel_row(carry *c, const cpb_masks *row, cpb_arena *arena,
                              cpb_plan **plan, cpb_error *error)
{
    const int32_t ranks = c->options->ranks;
    cpb_score score;
    cpb_plan *twin = NULL;
    cpb_status status;

    CPB_TRY(cpb_score_plan(*plan, row, &c->options->setup, &c->options->allocator, &score,
                           c->cells, NULL, error));
    for (int32_t r = 0; r < ranks; r++)
        c->load[r] = c->cells[r].load;
    rank_by_load(c->carried, ranks, c->to, c->spare);
    rank_by_load(c->load, ranks, c->from, c->spare);
    CPB_TRY(relabelled(*plan, c->to, c->from, &c->options->allocator, arena, &twin,
                       error));
    cpb_plan_free(*plan);
    *plan = twin;
    for (int32_t i = 0; i < ranks; i++)
        c->carried[c->to[i].value] += c->load[c->from[ranks - 1 - i].value];
done:
    return status;
}

cpb_status cpb_plan_create_rows(size_t n_rows, const cpb_masks *rows,
                                const cpb_options *options, bool relabel,
                                cpb_plan **plans, cpb_error *error)
{
    cpb_arena arena = {.allocator = cpb_allocator_or_default(&options->allocator)};
    carry c = {.options = options};
    cpb_status status = CPB_OK;

    for (size_t i = 0; i < n_rows; i++)
        plans[i] = NULL;
    if (relabel && options->sizes != CPB_EQUAL) {
        status = cpb_fail(error, CPB_UNSUPPORTED, -1,
                          "rows can only be relabelled where sizes are equal");
        goto done;
    }
    for (size_t i = 0; i < n_rows; i++) {
        CPB_TRY(cpb_plan_create(&rows[i], options, &plans[i], error));
        if (i == 0 && start_carry(&c, &arena) != CPB_OK) {
            status = cpb_fail_memory(error);
            goto done;
        }
        if (relabel)
            CPB_TRY(relabel_row(&c, &rows[i], &arena, &plans[i], error));
    }
done:
    cpb_arena_free(&arena);
    for (size_t i = 0; status != CPB_OK && i < n_rows; i++) {
        cpb_plan_free(plans[i]);
        plans[i] = NULL;
    }
    return status;
}
