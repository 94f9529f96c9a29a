// SPDX-License-Identifier: Apache-2.0
/* Laws of the documents of a schedule, one by one. */
#include "step.h"

#include "../base/error.h"
#include "../base/range.h"

void cpb_step_group(const cpb_step *step, const cpb_placement *p, int32_t *first,
                    int32_t *ranks)
{
    const int32_t block = step->claim->block;
    *first = block ? p->first / block * block : p->first;
    *ranks = block ? block : p->ranks;
}

/* One group of all ranks is the flat form, which knows no sizes but those of a list. */
static bool is_allowed_size(const cpb_domain *domain, int32_t size, int32_t block)
{
    if (domain->sizes == CPB_SIZES_ANY)
        return true;
    if (domain->sizes == CPB_SIZES_POWERS && !domain->groups_only &&
        block == domain->ranks)
        return true;
    if (domain->sizes == CPB_SIZES_POWERS)
        return (size & (size - 1)) == 0;
    for (size_t i = 0; i < domain->n_size; i++)
        if (domain->size[i] == size)
            return true;
    return false;
}

/* Cuts ascend strictly inside the document, where keys are exchanged on demand. */
static cpb_status check_cuts(const cpb_step *step, int64_t d, cpb_error *error)
{
    const cpb_placement *const p = &step->claim->placement[d];
    const cpb_schedule_claim *const claim = step->claim;
    int64_t before = 0;
    if (p->cuts == -1)
        return CPB_OK;
    if (step->domain->groups_only)
        return cpb_fail(error, CPB_REFUTED, d,
                        "document %lld is not cut evenly, but its group has no "
                        "exchange on demand",
                        (long long)d);
    if (p->cuts < 0 || p->ranks < 2 || p->cuts > claim->n_cuts - (p->ranks - 1))
        return cpb_fail(error, CPB_REFUTED, d,
                        "document %lld has its cuts from %d on, outside 0 .. %lld",
                        (long long)d, p->cuts, (long long)claim->n_cuts - 1);
    for (int32_t i = 0; i + 1 < p->ranks; i++) {
        const int64_t at = claim->cut[p->cuts + i];
        if (at <= before || at >= step->documents->tokens[d])
            return cpb_fail(error, CPB_REFUTED, d,
                            "document %lld is cut at %lld, outside %lld .. %lld",
                            (long long)d, (long long)at, (long long)before + 1,
                            (long long)step->documents->tokens[d] - 1);
        before = at;
    }
    return CPB_OK;
}

static cpb_status check_group(const cpb_step *step, int64_t d, cpb_error *error)
{
    const cpb_placement *const p = &step->claim->placement[d];
    const cpb_domain *const domain = step->domain;
    int32_t first, ranks;
    if (p->micro_batch < 0 || p->micro_batch >= step->claim->micro_batches)
        return cpb_fail(error, CPB_REFUTED, d,
                        "document %lld is in micro-batch %d, outside 0 .. %d",
                        (long long)d, p->micro_batch, step->claim->micro_batches - 1);
    if (p->ranks < 1 || p->first < 0 || p->first > domain->ranks - p->ranks)
        return cpb_fail(error, CPB_REFUTED, d,
                        "document %lld is on %d ranks from %d, outside 0 .. %d",
                        (long long)d, p->ranks, p->first, domain->ranks - 1);
    cpb_step_group(step, p, &first, &ranks);
    if (first + ranks > domain->ranks || p->first + p->ranks > first + ranks)
        return cpb_fail(
            error, CPB_REFUTED, d,
            "document %lld is on %d ranks from %d, outside every block of %d",
            (long long)d, p->ranks, p->first, ranks);
    if (!is_allowed_size(step->domain, ranks, step->claim->block))
        return cpb_fail(error, CPB_REFUTED, d,
                        "document %lld is in a group of %d ranks, which is no allowed "
                        "size",
                        (long long)d, ranks);
    if (domain->sizes != CPB_SIZES_ANY && first % ranks)
        return cpb_fail(error, CPB_REFUTED, d,
                        "document %lld is in a group of %d ranks from %d, which is no "
                        "multiple of its size",
                        (long long)d, ranks, first);
    return check_cuts(step, d, error);
}

static cpb_status check_left(const cpb_step *step, int64_t d, cpb_error *error)
{
    const cpb_placement *const p = &step->claim->placement[d];
    const int64_t tokens = step->documents->tokens[d];
    const int64_t waited = step->documents->waited ? step->documents->waited[d] : 0;
    const char *wrong = NULL;
    if (p->left == CPB_LEFT_NOT && !tokens)
        wrong = "is in the step, but has no tokens";
    else if (p->left == CPB_LEFT_EMPTY && tokens)
        wrong = "is left over as empty, but has tokens";
    else if (p->left == CPB_LEFT_HELD && (!tokens || waited >= step->domain->hold))
        wrong = "is held back, but may not be";
    else if (p->left < CPB_LEFT_NOT || p->left > CPB_LEFT_HELD)
        wrong = "is left over without a known reason";
    else if (p->left != CPB_LEFT_NOT && p->micro_batch != -1)
        wrong = "is left over, but has a micro-batch";
    if (wrong)
        return cpb_fail(error, CPB_REFUTED, d, "document %lld %s", (long long)d, wrong);
    return p->left == CPB_LEFT_NOT ? check_group(step, d, error) : CPB_OK;
}

static cpb_status check_micro(const cpb_step *step, cpb_error *error)
{
    const cpb_domain *const domain = step->domain;
    const int32_t n = step->claim->micro_batches;
    if (n < 1 || n > CPB_MAX_MICRO_BATCHES || n < domain->micro_least ||
        (domain->micro_most && n > domain->micro_most) || n % domain->micro_multiple)
        return cpb_fail(error, CPB_REFUTED, -1,
                        "%d micro-batches are outside %d .. %d, or no multiple of %d",
                        n, (int)cpb_max(1, domain->micro_least),
                        domain->micro_most ? domain->micro_most : CPB_MAX_MICRO_BATCHES,
                        domain->micro_multiple);
    if (step->claim->block < 0 || step->claim->block > domain->ranks)
        return cpb_fail(error, CPB_REFUTED, -1,
                        "blocks of %d ranks are outside 0 .. %d", step->claim->block,
                        domain->ranks);
    return CPB_OK;
}

/* Places among the documents of the step. */
static void order_places(cpb_step *step)
{
    cpb_item *const items = step->items;
    const int64_t *const place = step->documents->place;
    for (int64_t i = 0; i < step->n_in; i++) {
        const int64_t d = step->sorted[i];
        items[i] = (cpb_item){(uint64_t)(place ? place[d] : d), d};
    }
    cpb_sort(items, step->spare, (size_t)step->n_in);
    for (int64_t i = 0; i < step->n_in; i++)
        step->kth[items[i].value] = i;
}

cpb_status cpb_step_laws(cpb_step *step, cpb_error *error)
{
    const size_t n = (size_t)step->documents->n;
    cpb_status status;
    step->items = cpb_arena_take(step->arena, n, sizeof *step->items);
    step->spare = cpb_arena_take(step->arena, n, sizeof *step->spare);
    step->sorted = cpb_arena_take(step->arena, n, sizeof *step->sorted);
    step->kth = cpb_arena_take(step->arena, n, sizeof *step->kth);
    if (!step->items || !step->spare || !step->sorted || !step->kth)
        return cpb_fail_memory(error);
    CPB_TRY(check_micro(step, error));
    for (size_t d = 0; d < n; d++) {
        CPB_TRY(check_left(step, (int64_t)d, error));
        if (step->claim->placement[d].left == CPB_LEFT_NOT)
            step->items[step->n_in++] =
                (cpb_item){(uint64_t)step->claim->placement[d].micro_batch, (int64_t)d};
    }
    cpb_sort(step->items, step->spare, (size_t)step->n_in);
    for (int64_t i = 0; i < step->n_in; i++)
        step->sorted[i] = step->items[i].value;
    order_places(step);
done:
    return status;
}
