// SPDX-License-Identifier: Apache-2.0
/* The plan of each group as it is stated, by hash and by runs, beside the one that the
 * placements of its documents make. */
#include "step.h"

#include "../base/error.h"
#include "../base/hash.h"

/* The runs of a group, in arrays that serve all groups. */
typedef struct group_runs {
    const cpb_step *step;
    int64_t *first; /* [ranks of the group + 1] where those of a rank begin */
    cpb_range *run; /* [first[ranks]] of each rank ascending, neighbours merged */
    int64_t *n;     /* [ranks of the group] how many there are */
    int64_t tokens;
} group_runs;

/* Put [begin, end) behind the runs of a rank. */
static void add(group_runs *g, int32_t rank, int64_t begin, int64_t end)
{
    cpb_range *const last = g->run + g->first[rank] + g->n[rank] - 1;
    if (begin == end)
        return;
    if (g->n[rank] && last->end == begin)
        last->end = end;
    else
        g->run[g->first[rank] + g->n[rank]++] = (cpb_range){begin, end};
}

/* Put the tokens of a document, which start at `base` of the pack, on its ranks, the first
 * of which is `at`. */
static void add_document(group_runs *g, int64_t d, int32_t at, int64_t base)
{
    const cpb_placement *const p = &g->step->claim->placement[d];
    int64_t head = base, tail = base + g->step->documents->tokens[d];
    for (int32_t i = 0; i < p->ranks; i++) {
        if (p->cuts >= 0) {
            add(g, at + i, base + cpb_step_cut(g->step, d, i),
                base + cpb_step_cut(g->step, d, i + 1));
            continue;
        }
        const int64_t held =
            cpb_step_part(g->step, d, g->step->documents->tokens[d], i);
        add(g, at + i, head, head + held - held / 2);
        add(g, at + i, tail - held / 2, tail);
        head += held - held / 2;
        tail -= held / 2;
    }
}

static void make(group_runs *g, const cpb_group *group, const cpb_item *items)
{
    const cpb_placement *const placement = g->step->claim->placement;
    for (int32_t r = 0; r <= group->ranks; r++)
        g->first[r] = g->n[r] = 0;
    for (int64_t i = 0; i < group->n_documents; i++) {
        const cpb_placement *const p = &placement[items[i].value];
        for (int32_t k = 0; k < p->ranks; k++)
            g->first[p->first - group->first + k + 1] += 2;
    }
    for (int32_t r = 0; r < group->ranks; r++)
        g->first[r + 1] += g->first[r];
    g->tokens = 0;
    for (int64_t i = 0; i < group->n_documents; i++) {
        const int64_t d = items[i].value;
        add_document(g, d, placement[d].first - group->first, g->tokens);
        g->tokens += g->step->documents->tokens[d];
    }
}

static uint64_t hash_of(const group_runs *g, int32_t ranks)
{
    const uint64_t head[] = {CPB_PLAN_VERSION, CPB_ALGORITHM, (uint64_t)g->tokens, 0,
                             (uint64_t)ranks};
    uint64_t hash = CPB_HASH_START;
    for (size_t i = 0; i < sizeof head / sizeof *head; i++)
        hash = cpb_hash_word(hash, head[i]);
    for (int32_t r = 0; r < ranks; r++) {
        hash = cpb_hash_word(hash, (uint64_t)g->n[r]);
        for (int64_t i = 0; i < g->n[r]; i++) {
            hash = cpb_hash_word(hash, (uint64_t)g->run[g->first[r] + i].begin);
            hash = cpb_hash_word(hash, (uint64_t)g->run[g->first[r] + i].end);
        }
    }
    return hash;
}

/* Hold the stated runs of the k-th of all ranks against those of rank r of the group. */
static cpb_status compare_rank(const group_runs *g, int64_t k, int32_t r, int64_t n,
                               cpb_error *error)
{
    const cpb_step *const step = g->step;
    const int64_t from = step->claim->first_run[k];
    const int64_t stated = step->claim->first_run[k + 1] - from;
    if (stated != n)
        return cpb_fail(error, CPB_REFUTED, -1,
                        "group %lld: rank %d is stated to have %lld runs, a recount "
                        "gives %lld",
                        (long long)step->next_group, r, (long long)stated,
                        (long long)n);
    for (int64_t i = 0; i < n; i++) {
        const cpb_range a = step->claim->runs[from + i], b = g->run[g->first[r] + i];
        if (a.begin != b.begin || a.end != b.end)
            return cpb_fail(error, CPB_REFUTED, -1,
                            "group %lld: rank %d is stated to hold [%lld, %lld), a "
                            "recount gives [%lld, %lld)",
                            (long long)step->next_group, r, (long long)a.begin,
                            (long long)a.end, (long long)b.begin, (long long)b.end);
    }
    return CPB_OK;
}

static cpb_status compare(cpb_step *step, const group_runs *g, int32_t ranks,
                          cpb_error *error)
{
    cpb_status status = CPB_OK;
    const cpb_schedule_claim *const claim = step->claim;
    const bool is_plan = g->tokens <= CPB_MAX_TOKENS;
    const uint64_t counted = is_plan ? hash_of(g, ranks) : 0;
    if (claim->plans && claim->plans[step->next_group] != counted)
        return cpb_fail(error, CPB_REFUTED, -1,
                        "group %lld: the hash of its plan is stated as %016llx, a "
                        "recount gives %016llx",
                        (long long)step->next_group,
                        (unsigned long long)claim->plans[step->next_group],
                        (unsigned long long)counted);
    for (int32_t r = 0; claim->first_run && r < ranks; r++)
        CPB_TRY(compare_rank(g, step->next_rank + r, r, is_plan ? g->n[r] : 0, error));
    step->next_rank += ranks;
done:
    return status;
}

cpb_status cpb_step_plan(cpb_step *step, const cpb_group *group, const cpb_item *items,
                         cpb_error *error)
{
    cpb_arena arena = {.allocator = step->arena->allocator};
    group_runs g = {.step = step};
    cpb_status status;
    size_t pieces = 0;
    if (!step->claim->plans && !step->claim->first_run)
        return CPB_OK;
    for (int64_t i = 0; i < group->n_documents; i++)
        pieces += 2 * (size_t)step->claim->placement[items[i].value].ranks;
    g.first = cpb_arena_take(&arena, (size_t)group->ranks + 1, sizeof *g.first);
    g.n = cpb_arena_take(&arena, (size_t)group->ranks + 1, sizeof *g.n);
    g.run = cpb_arena_take(&arena, pieces, sizeof *g.run);
    if (g.first && g.n && g.run) {
        make(&g, group, items);
        status = compare(step, &g, group->ranks, error);
    } else {
        status = cpb_fail_memory(error);
    }
    cpb_arena_free(&arena);
    return status;
}
