// SPDX-License-Identifier: Apache-2.0
/* The rows of a batch: one plan each, shards handed out so that biases cancel. */
#include "../base/error.h"
#include "../base/range.h"
#include "../base/sort.h"
#include "../plan/plan.h"
#include "../read/step.h"

#include <cpb/planner.h>

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
    cpb_options options; /* the caller's, with the loads of the rows before */
    cpb_setup raw;       /* the setup without speeds: loads as the balancer sees them */
    size_t columns;      /* masks that ranks wait for one by one, or 1 */
    int64_t *carried;    /* [columns * ranks] what options.carried points to */
    int64_t *load;       /* [ranks] of the row at hand, all masks */
    int64_t *sum;        /* [ranks] of the rows before, all masks */
    cpb_item *to, *from, *spare;
} carry;

static cpb_status start_carry(carry *c, size_t n_masks, cpb_arena *arena)
{
    const cpb_options *const options = &c->options;
    const size_t ranks = (size_t)options->ranks;
    c->columns = options->combine == CPB_COMBINE_LAYERS ? n_masks : 1;
    c->raw = options->setup;
    c->raw.speeds = NULL;
    c->carried = cpb_arena_zeros(arena, c->columns * ranks, sizeof *c->carried);
    c->load = cpb_arena_take(arena, ranks, sizeof *c->load);
    c->sum = cpb_arena_zeros(arena, ranks, sizeof *c->sum);
    c->to = cpb_arena_take(arena, ranks, sizeof *c->to);
    c->from = cpb_arena_take(arena, ranks, sizeof *c->from);
    c->spare = cpb_arena_take(arena, ranks, sizeof *c->spare);
    if (!c->carried || !c->load || !c->sum || !c->to || !c->from || !c->spare)
        return CPB_NO_MEMORY;
    for (size_t i = 0; options->carried && i < c->columns * ranks; i++)
        c->carried[i] = options->carried[i];
    c->options.carried = c->carried;
    return CPB_OK;
}

/* Replace a row's plan by its twin whose costliest shard goes to the rank that carries
 * least, and so on. */
static cpb_status relabel_row(carry *c, const cpb_masks *row, cpb_arena *arena,
                              cpb_plan **plan, cpb_error *error)
{
    const int32_t ranks = c->options.ranks;
    cpb_plan *twin;
    cpb_status status;

    CPB_TRY(cpb_plan_loads(*plan, row, &c->raw, &c->options.allocator, c->load, error));
    rank_by_load(c->sum, ranks, c->to, c->spare);
    rank_by_load(c->load, ranks, c->from, c->spare);
    CPB_TRY(
        relabelled(*plan, c->to, c->from, &c->options.allocator, arena, &twin, error));
    cpb_plan_free(*plan);
    *plan = twin;
    for (int32_t i = 0; i < ranks; i++)
        c->sum[c->to[i].value] += c->load[c->from[ranks - 1 - i].value];
done:
    return status;
}

/* Add the loads of a row to what its ranks carry, mask by mask. */
static cpb_status carry_row(carry *c, const cpb_masks *row, const cpb_plan *plan,
                            cpb_error *error)
{
    const size_t ranks = (size_t)c->options.ranks;
    for (size_t column = 0; column < c->columns; column++) {
        const cpb_masks one = {.n = 1, .mask = &row->mask[column]};
        const cpb_status status =
            cpb_plan_loads(plan, c->columns > 1 ? &one : row, &c->raw,
                           &c->options.allocator, c->load, error);
        if (status != CPB_OK)
            return status;
        for (size_t r = 0; r < ranks; r++)
            c->carried[column * ranks + r] += c->load[r];
    }
    return CPB_OK;
}

static cpb_status check_rows(size_t n_rows, const cpb_masks *rows,
                             const cpb_options *options, bool relabel, cpb_error *error)
{
    if (relabel && options->sizes != CPB_EQUAL)
        return cpb_fail(error, CPB_UNSUPPORTED, -1,
                        "rows can only be relabelled where sizes are equal");
    for (size_t i = 1; i < n_rows; i++)
        if (rows[i].n != rows[0].n)
            return cpb_fail(error, CPB_INVALID, (int64_t)i,
                            "row %lld has %lld masks, row 0 has %lld", (long long)i,
                            (long long)rows[i].n, (long long)rows[0].n);
    return CPB_OK;
}

static cpb_status plan_rows(size_t n_rows, const cpb_masks *rows, carry *c,
                            bool relabel, cpb_arena *arena, cpb_plan **plans,
                            cpb_error *error)
{
    cpb_status status = CPB_OK;
    for (size_t i = 0; i < n_rows; i++) {
        CPB_TRY(cpb_plan_create(&rows[i], &c->options, &plans[i], error));
        if (i == 0 && start_carry(c, rows[0].n, arena) != CPB_OK)
            return cpb_fail_memory(error);
        if (relabel)
            CPB_TRY(relabel_row(c, &rows[i], arena, &plans[i], error));
        CPB_TRY(carry_row(c, &rows[i], plans[i], error));
    }
done:
    return status;
}

cpb_status cpb_plan_create_rows(size_t n_rows, const cpb_masks *rows,
                                const cpb_options *options, bool relabel,
                                cpb_plan **plans, cpb_error *error)
{
    cpb_arena arena = {.allocator = cpb_allocator_or_default(&options->allocator)};
    carry c = {.options = *options};
    cpb_status status;

    for (size_t i = 0; i < n_rows; i++)
        plans[i] = NULL;
    CPB_TRY(check_rows(n_rows, rows, options, relabel, error));
    CPB_TRY(plan_rows(n_rows, rows, &c, relabel, &arena, plans, error));
done:
    cpb_arena_free(&arena);
    for (size_t i = 0; status != CPB_OK && i < n_rows; i++) {
        cpb_plan_free(plans[i]);
        plans[i] = NULL;
    }
    return status;
}
