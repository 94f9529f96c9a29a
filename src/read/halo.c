// SPDX-License-Identifier: Apache-2.0
/* Halos: the positions just before each run. */
#include "halo.h"

#include "../base/error.h"
#include "../base/range.h"
#include "../mask/mask.h"

cpb_status cpb_halo_check(const cpb_halo_rule *rule, cpb_error *error)
{
    return rule->length >= 0
               ? CPB_OK
               : cpb_fail(
                     error, CPB_INVALID, -1,
                     "a halo of %lld positions is negative; 0 and more are accepted",
                     (long long)rule->length);
}

/* Where the document begins that holds position p. */
static int64_t document_begin(const cpb_halo_rule *rule, int64_t p)
{
    if (!rule->n_documents)
        return 0;
    const size_t d = cpb_document_of(rule->n_documents, rule->document_ends, p);
    return d ? rule->document_ends[d - 1] : 0;
}

/* The halo of a run; empty for a run of pads. */
static cpb_range halo_of(const cpb_halo_needer *needer, cpb_range run)
{
    const cpb_halo_rule *const rule = needer->rule;
    if (run.begin >= needer->tokens)
        return (cpb_range){run.begin, run.begin};
    const int64_t reach = run.begin - cpb_min(rule->length, run.begin);
    return (cpb_range){cpb_max(document_begin(rule, run.begin), reach), run.begin};
}

cpb_status cpb_halo_needs(const void *context, const cpb_range *runs, size_t n_runs,
                          cpb_ranges *needs)
{
    for (size_t i = 0; i < n_runs; i++) {
        const cpb_range halo = halo_of(context, runs[i]);
        if (halo.begin < halo.end && cpb_ranges_add(needs, halo) != CPB_OK)
            return CPB_NO_MEMORY;
    }
    return cpb_ranges_normalise(needs);
}

/* The caller's array: counts what it has no room for. */
typedef struct halo_list {
    cpb_halo *at;
    size_t room;
    size_t n;
} halo_list;

static void add_owners(const cpb_places *places, int64_t run, cpb_range before,
                       halo_list *halos)
{
    const cpb_owners *const owners = &places->owners;
    if (before.begin >= before.end)
        return;
    for (size_t o = cpb_owners_find(owners, before.begin);
         o < owners->n && owners->runs[o].begin < before.end; o++) {
        const cpb_range keys = cpb_range_intersect(owners->runs[o], before);
        if (halos->at && halos->n < halos->room)
            halos->at[halos->n] = (cpb_halo){
                .run = run,
                .keys = keys,
                .owner = owners->rank[o],
                .slot = places->slot[o] + keys.begin - owners->runs[o].begin,
            };
        halos->n++;
    }
}

cpb_status cpb_halo_write(const cpb_plan *plan, int32_t rank, const cpb_halo_rule *rule,
                          const cpb_allocator *allocator, size_t room, cpb_halo *array,
                          size_t *n, cpb_error *error)
{
    cpb_arena scratch = {.allocator = cpb_allocator_or_default(allocator)};
    const cpb_halo_needer needer = {rule, cpb_plan_tokens(plan)};
    halo_list halos = {.at = array, .room = room};
    cpb_places places;
    cpb_status status;

    *n = 0;
    CPB_TRY(cpb_halo_check(rule, error));
    if (cpb_places_create(plan, &scratch, &places) != CPB_OK) {
        status = cpb_fail_memory(error);
        goto done;
    }
    for (size_t i = 0; i < cpb_plan_n_runs(plan, rank); i++)
        add_owners(&places, (int64_t)i, halo_of(&needer, cpb_plan_runs(plan, rank)[i]),
                   &halos);
    *n = halos.n;
done:
    cpb_arena_free(&scratch);
    return status;
}
