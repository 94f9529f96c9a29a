// SPDX-License-Identifier: Apache-2.0
/* The entry points: masks, halos and moves become exchanges. */
#include "exchange.h"

#include "../base/error.h"
#include "../base/range.h"
#include "halo.h"

#include <assert.h>
#include <stdio.h>

/* A form. */
typedef struct form_row {
    const char *name;
    cpb_form_fn *fill;
    int32_t steps;
    bool nodes; /* whether it wants to know them */
} form_row;

static const form_row forms[] = {
    [CPB_FLAT] = {"flat", cpb_form_flat, 1, false},
    [CPB_TWO_LEVEL] = {"two-level", cpb_form_two_level, 2, true},
    [CPB_RELAY] = {"relay", cpb_form_relay, 2, false},
};

static cpb_status check_options(const cpb_exchange_options *options, int32_t ranks,
                                cpb_error *error)
{
    const size_t known = sizeof forms / sizeof *forms;
    if ((size_t)options->form >= known)
        return cpb_fail(error, CPB_INVALID, -1, "form %lld is outside 0 .. %lld",
                        (long long)options->form, (long long)known - 1);
    const form_row *const form = &forms[options->form];
    if (!form->nodes && options->nodes != 0)
        return cpb_fail(error, CPB_INVALID, -1,
                        "%d nodes were given, but form `%s` knows none; 0 is accepted",
                        options->nodes, form->name);
    if (!form->nodes || (options->nodes > 0 && ranks % options->nodes == 0))
        return CPB_OK;
    char what[40];
    snprintf(what, sizeof what, "nodes of form `%s`", form->name);
    return cpb_fail_to_divide(error, options->nodes, what, ranks, "rank");
}

static cpb_status create(const cpb_plan *plan, const cpb_needer *needer,
                         const cpb_exchange_options *options,
                         const cpb_allocator *allocator, cpb_exchange **exchange,
                         cpb_error *error)
{
    cpb_arena arena = {.allocator = cpb_allocator_or_default(allocator)};
    const form_row *const form = &forms[options->form];
    cpb_sketch sketch = {
        .plan = plan,
        .needer = needer,
        .ranks = cpb_plan_ranks(plan),
        .nodes = options->nodes,
        .steps = form->steps,
        .arena = &arena,
        .transfers = {.arena = &arena},
    };
    cpb_status status = cpb_places_create(plan, &arena, &sketch.places);
    if (status == CPB_OK)
        status = form->fill(&sketch);
    if (status == CPB_OK)
        status = cpb_sketch_seal(&sketch, exchange);
    cpb_arena_free(&arena);
    return status == CPB_OK ? CPB_OK : cpb_fail_memory(error);
}

static cpb_status mask_needs(const void *context, const cpb_range *runs, size_t n_runs,
                             cpb_ranges *needs)
{
    return cpb_needs_of(context, runs, n_runs, needs);
}

cpb_status cpb_exchange_create(const cpb_plan *plan, const cpb_mask *mask,
                               const cpb_exchange_options *options,
                               const cpb_allocator *allocator, cpb_exchange **exchange,
                               cpb_error *error)
{
    const cpb_exchange_options flat = {.form = CPB_FLAT};
    const cpb_needer needer = {mask_needs, mask};
    cpb_status status;

    assert(plan && mask && exchange);
    *exchange = NULL;
    options = options ? options : &flat;
    if (cpb_mask_tokens(mask) != cpb_plan_tokens(plan))
        return cpb_fail(
            error, CPB_INVALID, -1, "the mask has %lld tokens, the plan has %lld",
            (long long)cpb_mask_tokens(mask), (long long)cpb_plan_tokens(plan));
    CPB_TRY(check_options(options, cpb_plan_ranks(plan), error));
    CPB_TRY(create(plan, &needer, options, allocator, exchange, error));
done:
    return status;
}

cpb_status cpb_exchange_create_halo(const cpb_plan *plan, const cpb_halo_rule *rule,
                                    const cpb_allocator *allocator,
                                    cpb_exchange **exchange, cpb_error *error)
{
    const cpb_exchange_options flat = {.form = CPB_FLAT};
    cpb_status status;

    assert(plan && rule && exchange);
    const cpb_halo_needer halo = {rule, cpb_plan_tokens(plan)};
    const cpb_needer needer = {cpb_halo_needs, &halo};
    *exchange = NULL;
    CPB_TRY(cpb_halo_check(rule, error));
    CPB_TRY(create(plan, &needer, &flat, allocator, exchange, error));
done:
    return status;
}

/* Walk both partitions of the sequence at once: a transfer lies in one run of each. */
static cpb_status meet(const cpb_places *old, const cpb_places *new,
                       cpb_transfers *transfers)
{
    const cpb_owners *const a = &old->owners, *const b = &new->owners;
    for (size_t i = 0, j = 0; i < a->n && j < b->n;) {
        const cpb_range keys = cpb_range_intersect(a->runs[i], b->runs[j]);
        const cpb_transfer transfer = {
            .from = a->rank[i],
            .to = b->rank[j],
            .keys = keys,
            .source = old->slot[i] + keys.begin - a->runs[i].begin,
            .target = new->slot[j] + keys.begin - b->runs[j].begin,
        };
        if (cpb_transfers_add(transfers, transfer) != CPB_OK)
            return CPB_NO_MEMORY;
        i += keys.end == a->runs[i].end;
        j += keys.end == b->runs[j].end;
    }
    return CPB_OK;
}

static cpb_status move(const cpb_plan *from, const cpb_plan *to, cpb_arena *arena,
                       cpb_exchange **exchange)
{
    const int32_t before = cpb_plan_ranks(from), after = cpb_plan_ranks(to);
    const int32_t ranks = before > after ? before : after;
    cpb_transfers transfers = {.arena = arena};
    cpb_places old, new;
    cpb_traffic *const traffic = cpb_arena_zeros(arena, (size_t)ranks, sizeof *traffic);
    if (!traffic || cpb_places_create(from, arena, &old) != CPB_OK ||
        cpb_places_create(to, arena, &new) != CPB_OK ||
        meet(&old, &new, &transfers) != CPB_OK ||
        cpb_transfers_sort(&transfers, ranks, arena) != CPB_OK)
        return CPB_NO_MEMORY;
    for (int32_t r = 0; r < before; r++)
        traffic[r].shard = cpb_plan_size(from, r);
    for (int32_t r = 0; r < after; r++)
        traffic[r].buffer = cpb_plan_size(to, r);
    return cpb_exchange_build(&transfers, traffic, ranks, 1, &arena->allocator,
                              exchange);
}

cpb_status cpb_exchange_create_move(const cpb_plan *from, const cpb_plan *to,
                                    const cpb_allocator *allocator,
                                    cpb_exchange **exchange, cpb_error *error)
{
    cpb_arena arena = {.allocator = cpb_allocator_or_default(allocator)};

    assert(from && to && exchange);
    *exchange = NULL;
    if (cpb_plan_tokens(from) != cpb_plan_tokens(to))
        return cpb_fail(error, CPB_INVALID, -1,
                        "one plan has %lld tokens, the other has %lld; both must be of "
                        "the same sequence",
                        (long long)cpb_plan_tokens(from),
                        (long long)cpb_plan_tokens(to));
    const cpb_status status = move(from, to, &arena, exchange);
    cpb_arena_free(&arena);
    return status == CPB_OK ? CPB_OK : cpb_fail_memory(error);
}
