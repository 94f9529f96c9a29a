// SPDX-License-Identifier: Apache-2.0
/* Masks from dense matrices.
 *
 * Each row is cut into its runs of allowed keys. A run continues the stretch above it
 * if both its ends stand still or move by one, the same way in every row, so a stretch
 * is a slice. Runs of a row are at least one key apart, hence a stretch has at most one
 * run that can continue it, and one pass over both lists pairs them. */
#include "../base/error.h"
#include "build.h"

#include <assert.h>
#include <inttypes.h>

enum { MOST_TOKENS = 32768 };

/* Rows of one kind under construction. */
typedef struct stretch {
    int64_t first;     /* row */
    int64_t first_low; /* where the first row's keys begin */
    cpb_range keys;    /* of the last row */
    bool has_kind;     /* two rows or more fix the kind */
    unsigned kind;
} stretch;

static void finish(const stretch *s, int64_t end, cpb_slices *slices)
{
    cpb_slices_add(slices, (cpb_range){s->first, end},
                   (cpb_range){s->first_low, s->keys.end}, (cpb_kind)s->kind);
}

/* Take the run into the stretch if it continues it. */
static bool extend(stretch *s, cpb_range run)
{
    const int64_t low = run.begin - s->keys.begin, high = run.end - s->keys.end;
    if (low < 0 || low > 1 || high < 0 || high > 1)
        return false;
    const unsigned kind = (unsigned)low << 1 | (unsigned)high;
    if (s->has_kind && kind != s->kind)
        return false;
    s->has_kind = true;
    s->kind = kind;
    s->keys = run;
    return true;
}

static size_t read_runs(const uint8_t *row, int64_t tokens, cpb_range *runs)
{
    size_t n = 0;
    for (int64_t k = 0; k < tokens; k++) {
        if (!row[k])
            continue;
        const int64_t begin = k;
        while (k < tokens && row[k])
            k++;
        runs[n++] = (cpb_range){begin, k};
    }
    return n;
}

/* Pair the stretches so far with the runs of row q: those that go on move to `after`,
 * the others are closed, runs left over begin anew. Returns how many `after` holds. */
static size_t next_row(int64_t q, size_t n_before, const stretch *before, size_t n_runs,
                       const cpb_range *runs, stretch *after, cpb_slices *slices)
{
    size_t b = 0;
    for (size_t i = 0; i < n_runs; i++) {
        for (; b < n_before && before[b].keys.begin < runs[i].begin - 1; b++)
            finish(&before[b], q, slices);
        after[i] = (stretch){.first = q, .first_low = runs[i].begin, .keys = runs[i]};
        if (b == n_before)
            continue;
        stretch grown = before[b];
        if (extend(&grown, runs[i])) {
            after[i] = grown;
            b++;
        }
    }
    for (; b < n_before; b++)
        finish(&before[b], q, slices);
    return n_runs;
}

static cpb_status read_dense(int64_t tokens, const uint8_t *allowed, cpb_slices *slices)
{
    const size_t room = (size_t)tokens / 2 + 1; /* runs of a row, at most */
    cpb_range *const runs = cpb_arena_take(slices->arena, room, sizeof *runs);
    stretch *before = cpb_arena_take(slices->arena, room, sizeof *before);
    stretch *after = cpb_arena_take(slices->arena, room, sizeof *after);
    if (!runs || !before || !after)
        return CPB_NO_MEMORY;

    size_t n = 0;
    for (int64_t q = 0; q < tokens; q++) {
        const size_t n_runs = read_runs(allowed + q * tokens, tokens, runs);
        n = next_row(q, n, before, n_runs, runs, after, slices);
        stretch *const swap = before;
        before = after;
        after = swap;
    }
    next_row(tokens, n, before, 0, runs, after, slices);
    return slices->failed ? CPB_NO_MEMORY : CPB_OK;
}

cpb_status cpb_mask_create_dense(int64_t tokens, const uint8_t *allowed,
                                 size_t n_documents, const int64_t *lengths,
                                 const cpb_allocator *allocator, cpb_mask **mask,
                                 cpb_error *error)
{
    cpb_arena scratch = {.allocator = cpb_allocator_or_default(allocator)};
    cpb_slices slices = {.arena = &scratch};
    cpb_sequence documents = {.tokens = tokens};
    cpb_status status;

    *mask = NULL;
    CPB_TRY(cpb_tokens_check(tokens, error));
    if (tokens > MOST_TOKENS)
        return cpb_fail(error, CPB_TOO_LARGE, -1,
                        "the dense mask has %" PRId64 " tokens; accepted is 1 to %d",
                        tokens, MOST_TOKENS);
    assert(allowed);
    CPB_TRY(cpb_sequence_check(&documents, n_documents, lengths, error));
    CPB_TRY(read_dense(tokens, allowed, &slices));
    CPB_TRY(cpb_mask_build(&documents, slices.n, slices.items, allocator, mask, error));

done:
    cpb_arena_free(&scratch);
    return status == CPB_NO_MEMORY ? cpb_fail_memory(error) : status;
}
