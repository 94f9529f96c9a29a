// SPDX-License-Identifier: Apache-2.0
/* What a shard visits, unpriced. */
#include "shard_load.h"

#include "../base/error.h"

#include <cpb/score.h>

typedef struct tally {
    const cpb_tiling *tiling;
    cpb_shard_counts *counts;
} tally;

static void add_stretch(void *context, const cpb_stretch *stretch)
{
    const tally *const t = context;
    for (int64_t i = 0; i < stretch->n; i++) {
        const cpb_tile_count count = cpb_stretch_count(stretch, t->tiling, i);
        t->counts->full_tiles += count.full;
        t->counts->partial_tiles += count.nonempty - count.full;
        t->counts->q_tiles += count.nonempty > 0;
    }
}

static cpb_status check_runs(size_t n_runs, const cpb_range *runs, cpb_error *error)
{
    for (size_t i = 0; i < n_runs; i++)
        if (runs[i].begin < 0 || runs[i].begin >= runs[i].end ||
            runs[i].end > INT32_MAX)
            return cpb_fail(
                error, CPB_INVALID, (int64_t)i,
                "run %lld is [%lld, %lld); accepted are ranges that are not "
                "empty, in 0 .. %d",
                (long long)i, (long long)runs[i].begin, (long long)runs[i].end,
                INT32_MAX);
    return CPB_OK;
}

/* Runs as a plan keeps them: neighbours that continue each other are one. */
static cpb_status merge_runs(size_t n_runs, const cpb_range *runs, cpb_arena *arena,
                             cpb_range **merged, size_t *n_merged)
{
    cpb_range *const out = cpb_arena_take(arena, n_runs, sizeof *out);
    size_t n = 0;
    if (!out)
        return CPB_NO_MEMORY;
    for (size_t i = 0; i < n_runs; i++) {
        if (n && out[n - 1].end == runs[i].begin)
            out[n - 1].end = runs[i].end;
        else
            out[n++] = runs[i];
    }
    *merged = out;
    *n_merged = n;
    return CPB_OK;
}

/* `own` ascends. */
static cpb_status check_disjoint(const cpb_own_keys *own, cpb_error *error)
{
    for (size_t i = 1; i < own->n; i++)
        if (own->runs[i].begin < own->runs[i - 1].end)
            return cpb_fail(error, CPB_INVALID, -1, "two runs hold position %lld",
                            (long long)own->runs[i].begin);
    return CPB_OK;
}

cpb_status cpb_count_shard(const cpb_mask *mask, const cpb_setup *setup, size_t n_runs,
                           const cpb_range *runs, const cpb_allocator *allocator,
                           cpb_shard_counts *counts, cpb_error *error)
{
    cpb_arena arena = {.allocator = cpb_allocator_or_default(allocator)};
    cpb_ranges needs = {.arena = &arena};
    cpb_tiling tiling = cpb_setup_profile_tiling(setup);
    cpb_own_keys own;
    cpb_range *merged;
    size_t n;
    cpb_status status;

    *counts = (cpb_shard_counts){0};
    tiling.split = true;
    CPB_TRY(cpb_setup_check(setup, 1, error));
    CPB_TRY(check_runs(n_runs, runs, error));
    CPB_TRY(merge_runs(n_runs, runs, &arena, &merged, &n));
    CPB_TRY(cpb_own_keys_create(merged, n, mask->tokens, &arena, &own));
    CPB_TRY(check_disjoint(&own, error));
    CPB_TRY(cpb_needs_of(mask, merged, n, &needs));
    CPB_TRY(cpb_tiles_visit(mask, &tiling, merged, n, &arena, add_stretch,
                            &(tally){&tiling, counts}));
    counts->tokens = cpb_own_tokens(&own);
    counts->received = cpb_foreign_keys(&needs, &own);
done:
    cpb_arena_free(&arena);
    return status == CPB_NO_MEMORY ? cpb_fail_memory(error) : status;
}
