// SPDX-License-Identifier: Apache-2.0
#include "deal.h"

#include "../base/error.h"

#include <string.h>

cpb_status cpb_bins_create(const cpb_batch *batch, int32_t most, cpb_bins *deal,
                           cpb_error *error)
{
    cpb_arena *const arena = batch->scratch;
    *deal = (cpb_bins){
        .batch = batch,
        .bin = cpb_arena_take(arena, (size_t)batch->n, sizeof *deal->bin),
        .load = cpb_arena_take(arena, (size_t)most, sizeof *deal->load),
        .used = cpb_arena_take(arena, (size_t)most, sizeof *deal->used),
    };
    if (!deal->bin || !deal->load || !deal->used ||
        !cpb_heap_create(arena, most, deal->load, &deal->heap))
        return cpb_fail_memory(error);
    return CPB_OK;
}

cpb_status cpb_bins_create_all(const cpb_batch *batch, int32_t most, cpb_bins *deal,
                               cpb_error *error)
{
    const size_t n = (size_t)batch->n;
    int64_t *const size = cpb_arena_take(batch->scratch, n, sizeof *size);
    int64_t *const cost = cpb_arena_take(batch->scratch, n, sizeof *cost);
    cpb_status status;
    CPB_TRY(cpb_bins_create(batch, most, deal, error));
    deal->list = cpb_arena_take(batch->scratch, n, sizeof *deal->list);
    deal->start = cpb_arena_take(batch->scratch, (size_t)most + 1, sizeof *deal->start);
    if (!size || !cost || !deal->list || !deal->start)
        return cpb_fail_memory(error);
    for (size_t j = 0; j < n; j++) {
        size[j] = batch->jobs[j].tokens;
        cost[j] = batch->jobs[j].work + batch->jobs[j].tokens;
    }
    deal->size = size;
    deal->cost = cost;
    if (batch->in_order)
        status = cpb_batch_order(batch, &deal->order, error);
done:
    return status;
}

static int32_t choose(const cpb_bins *deal, int64_t size)
{
    const cpb_heap *const heap = &deal->heap;
    int32_t best = -1;
    if (deal->used[heap->slot[0]] + size <= deal->room)
        return heap->slot[0];
    for (int32_t bin = 0; bin < deal->n_bins; bin++)
        if (deal->used[bin] + size <= deal->room &&
            (best < 0 || cpb_heap_before(heap, bin, best)))
            best = bin;
    return best;
}

bool cpb_bins_deal(cpb_bins *deal, int64_t n)
{
    for (int32_t bin = 0; bin < deal->n_bins; bin++) {
        deal->load[bin] = deal->ahead ? -deal->ahead[bin] : 0;
        deal->used[bin] = 0;
    }
    cpb_heap_fill(&deal->heap, deal->n_bins);
    for (int64_t j = 0; j < n; j++) {
        const int32_t bin = choose(deal, deal->size[j]);
        if (bin < 0)
            return false;
        deal->bin[j] = bin;
        deal->used[bin] += deal->size[j];
        deal->load[bin] += deal->cost[j];
        cpb_heap_grown(&deal->heap, bin);
    }
    return true;
}

/* A job goes to the bin in whose share of the whole load its middle lies. */
static bool deal_in_order(cpb_bins *deal)
{
    const int64_t n = deal->batch->n;
    cpb_wide all = 0, sum = 0;
    int64_t used = 0;
    int32_t bin = 0;
    for (int64_t j = 0; j < n; j++)
        all += deal->cost[j];
    for (int64_t i = 0; i < n; i++) {
        const int64_t j = deal->order[i].value;
        const int32_t wanted =
            (int32_t)((sum + deal->cost[j] / 2) * deal->n_bins / (all ? all : 1));
        const int32_t next =
            bin + (used + deal->size[j] > deal->room && bin + 1 < deal->n_bins);
        if (cpb_max(wanted, next) > bin) {
            bin = (int32_t)cpb_max(wanted, next);
            used = 0;
        }
        sum += deal->cost[j];
        used += deal->size[j];
        if (used > deal->room)
            return false;
        deal->bin[j] = bin;
    }
    return true;
}

bool cpb_bins_deal_all(cpb_bins *deal)
{
    return deal->order ? deal_in_order(deal) : cpb_bins_deal(deal, deal->batch->n);
}

void cpb_bins_list(cpb_bins *deal)
{
    const int64_t n = deal->batch->n;
    int64_t *const start = deal->start;
    int64_t sum = 0;
    memset(start, 0, ((size_t)deal->n_bins + 1) * sizeof *start);
    for (int64_t j = 0; j < n; j++)
        start[deal->bin[j]]++;
    for (int32_t bin = 0; bin <= deal->n_bins; bin++) {
        sum += start[bin];
        start[bin] = sum;
    }
    for (int64_t j = n; j-- > 0;)
        deal->list[--start[deal->bin[j]]] = (int32_t)j;
}

bool cpb_first_fit_create(cpb_arena *arena, int64_t most, cpb_first_fit *fit)
{
    *fit = (cpb_first_fit){
        .room = cpb_arena_take(arena, 4 * (size_t)most + 2, sizeof *fit->room)};
    return fit->room;
}

void cpb_first_fit_reset(cpb_first_fit *fit, int64_t n, int64_t room)
{
    fit->leaves = 1;
    while (fit->leaves < n)
        fit->leaves *= 2;
    for (int32_t i = 1; i < 2 * fit->leaves; i++)
        fit->room[i] = room;
}

int32_t cpb_first_fit_put(cpb_first_fit *fit, int64_t size)
{
    int32_t i = 1;
    while (i < fit->leaves)
        i = 2 * i + (fit->room[2 * i] < size);
    const int32_t bin = i - fit->leaves;
    fit->room[i] -= size;
    while (i /= 2)
        fit->room[i] = cpb_max(fit->room[2 * i], fit->room[2 * i + 1]);
    return bin;
}
