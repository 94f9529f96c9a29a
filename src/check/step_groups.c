// SPDX-License-Identifier: Apache-2.0
/* The groups of a schedule as they are stated, beside those that its placements make. */
#include "step.h"

#include "../base/error.h"

/* Bits of a size of a group, so that first rank and size make one key. */
enum { SIZE_BITS = 20 };

bool cpb_step_same_time(int64_t stated, int64_t counted)
{
    if (stated < 0)
        return false;
    const int64_t distance = stated > counted ? stated - counted : counted - stated;
    return distance <= counted >> CPB_STEP_EXACT_BITS;
}

static cpb_status refute(int64_t g, const char *what, int64_t stated, int64_t counted,
                         cpb_error *error)
{
    return cpb_fail(error, CPB_REFUTED, -1,
                    "group %lld: %s is stated as %lld, a recount gives %lld",
                    (long long)g, what, (long long)stated, (long long)counted);
}

static cpb_status compare_documents(const cpb_step *step, int64_t g,
                                    const cpb_item *items, cpb_error *error)
{
    const cpb_schedule_claim *const claim = step->claim;
    const cpb_group *const group = &claim->groups[g];
    for (int64_t i = 0; i < group->n_documents; i++) {
        const int64_t stated = claim->documents[group->first_document + i];
        if (stated != items[i].value)
            return refute(g, "a document", stated, items[i].value, error);
    }
    return CPB_OK;
}

static cpb_status compare_group(const cpb_step *step, const cpb_group *counted,
                                const cpb_item *items, cpb_error *error)
{
    const int64_t g = step->next_group;
    const cpb_group *const stated = &step->claim->groups[g];
    const struct {
        const char *what;
        int64_t stated, counted;
        bool is_time;
    } members[] = {
        {"the micro-batch", stated->micro_batch, counted->micro_batch, false},
        {"the first rank", stated->first, counted->first, false},
        {"its size", stated->ranks, counted->ranks, false},
        {"its first document", stated->first_document, counted->first_document, false},
        {"the number of documents", stated->n_documents, counted->n_documents, false},
        {"the start", stated->start, counted->start, true},
        {"the end", stated->end, counted->end, true},
    };
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (!(members[i].is_time
                  ? cpb_step_same_time(members[i].stated, members[i].counted)
                  : members[i].stated == members[i].counted))
            return refute(g, members[i].what, members[i].stated, members[i].counted,
                          error);
    return compare_documents(step, g, items, error);
}

/* The documents of a micro-batch by first rank, then size; those of a group ascend. */
static void sort_micro(cpb_step *step, int64_t begin, int64_t end)
{
    for (int64_t i = begin; i < end; i++) {
        int32_t first, ranks;
        const int64_t d = step->sorted[i];
        cpb_step_group(step, &step->claim->placement[d], &first, &ranks);
        step->items[i - begin] =
            (cpb_item){(uint64_t)first << SIZE_BITS | (uint64_t)ranks, d};
    }
    cpb_sort(step->items, step->spare, (size_t)(end - begin));
}

cpb_status cpb_step_groups(cpb_step *step, int32_t micro_batch, int64_t begin,
                           int64_t end, const int64_t *start, const int64_t *stop,
                           cpb_error *error)
{
    cpb_status status = CPB_OK;
    if (!step->claim->groups)
        return CPB_OK;
    sort_micro(step, begin, end);
    for (int64_t from = 0, to = 0, n = end - begin; from < n; from = to) {
        const uint64_t key = step->items[from].key;
        while (to < n && step->items[to].key == key)
            to++;
        const int32_t first = (int32_t)(key >> SIZE_BITS);
        const cpb_group counted = {.micro_batch = micro_batch,
                                   .first = first,
                                   .ranks = (int32_t)(key & ((1 << SIZE_BITS) - 1)),
                                   .first_document = begin + from,
                                   .n_documents = to - from,
                                   .start = start[first],
                                   .end = stop[first]};
        if (step->next_group == step->claim->n_groups)
            return cpb_fail(error, CPB_REFUTED, step->items[from].value,
                            "document %lld is in a group that is not stated",
                            (long long)step->items[from].value);
        CPB_TRY(compare_group(step, &counted, &step->items[from], error));
        CPB_TRY(cpb_step_plan(step, &counted, &step->items[from], error));
        step->next_group++;
    }
done:
    return status;
}
