// SPDX-License-Identifier: Apache-2.0
/* THE list of rows. */
#include "rows.h"

#include "../base/error.h"
#include "../base/nearest.h"

#include <string.h>

static const cpb_row rows[] = {
    {"auto", "the row below with the least modelled time, of equals the least traffic",
     NULL},
    {"free", "each document on as few ranks as the step's time allows", cpb_row_free},
    {"lockstep", "every micro-batch filled on all ranks", cpb_row_lockstep},
    {"grid", "fixed groups of the best size, each filled inside", cpb_row_grid},
    {"flat", "no groups: every micro-batch on all ranks, documents cut anywhere",
     cpb_row_flat},
    {"first-fit", "fixed groups, first fit in the loader's order", cpb_row_first_fit},
    {"longest-first", "fixed groups, longest first to the pack with the fewest tokens",
     cpb_row_longest_first},
    {"wlb", "fixed groups, longest first to the pack with the least time (WLB-LLM)",
     cpb_row_wlb},
    {"megatron", "dynamic groups, tallest first, wave after wave (Megatron Core)",
     cpb_row_megatron},
};

const cpb_row *cpb_row_at(size_t i)
{
    return i < sizeof rows / sizeof *rows ? &rows[i] : NULL;
}

const char *cpb_schedule_name(size_t i)
{
    return cpb_row_at(i) ? rows[i].name : NULL;
}

const char *cpb_schedule_summary(size_t i)
{
    return cpb_row_at(i) ? rows[i].summary : NULL;
}

cpb_status cpb_row_find(const char *name, const cpb_row **row, cpb_error *error)
{
    for (size_t i = 0; cpb_row_at(i); i++) {
        *row = &rows[i];
        if (!strcmp(name, rows[i].name))
            return CPB_OK;
    }
    return cpb_fail(error, CPB_INVALID, -1, "row '%.40s' is unknown, nearest is '%s'",
                    name, cpb_nearest(name, cpb_schedule_name));
}

/* Make a draft that keeps the order window. */
static cpb_status make_row(cpb_batch *batch, const cpb_row *row, cpb_draft *draft,
                           cpb_error *error)
{
    const int64_t window = batch->domain->window;
    cpb_moves moves = {0};
    cpb_status status;
    for (int pass = 0; pass < 2; pass++) {
        *draft = (cpb_draft){.place = draft->place};
        memset(draft->place, 0, (size_t)batch->n * sizeof *draft->place);
        batch->in_order = pass;
        CPB_TRY(row->make(batch, draft, error));
        if (window < 0)
            return CPB_OK;
        CPB_TRY(cpb_schedule_moves(batch, draft, &moves, error));
        if (moves.most <= window)
            return CPB_OK;
    }
    *batch->lack = (cpb_lack){true, moves.most};
    return cpb_fail(error, CPB_UNSUPPORTED, -1,
                    "an order window of %lld places is not kept: row '%s' moves a "
                    "document by %lld",
                    (long long)window, row->name, (long long)moves.most);
done:
    return status;
}

/* Whether `a` is to be taken rather than `b`. */
static bool is_better(const cpb_timeline *a, const cpb_timeline *b)
{
    return a->time < b->time || (a->time == b->time && a->received < b->received);
}

/* Whether less helps `a` than `b`. A row that fails for the window has all the
 * micro-batches that it needs. */
static bool lacks_less(const cpb_lack *a, const cpb_lack *b)
{
    return a->window != b->window ? a->window : a->number < b->number;
}

/* Every row, run; of equals the earliest. Where all refuse, the one that lacks least
 * says why. */
static cpb_status make_best(cpb_batch *batch, const cpb_row **chosen, cpb_draft *best,
                            cpb_error *error)
{
    const size_t n = (size_t)batch->n;
    cpb_draft draft = {cpb_arena_take(batch->scratch, n, sizeof *draft.place), 0, 0,
                       NULL};
    cpb_timeline kept = {0};
    cpb_status status = CPB_OK;
    cpb_error refused, nearest = {.at = -1, .message = "there is no row"};
    cpb_lack least = {false, INT64_MAX};
    *chosen = NULL;
    if (!draft.place)
        return cpb_fail_memory(error);
    for (size_t i = 1; cpb_row_at(i); i++) {
        cpb_timeline timeline;
        *batch->lack = (cpb_lack){false, INT64_MAX};
        status = make_row(batch, &rows[i], &draft, &refused);
        if (status == CPB_UNSUPPORTED) {
            if (i == 1 || lacks_less(batch->lack, &least)) {
                least = *batch->lack;
                nearest = refused;
            }
            continue;
        }
        if (status != CPB_OK && error)
            *error = refused;
        if (status != CPB_OK)
            return status;
        CPB_TRY(cpb_timeline_create(batch, &draft, batch->scratch, &timeline, error));
        if (*chosen && !is_better(&timeline, &kept))
            continue;
        const cpb_draft swap = *best;
        *best = draft;
        draft = swap;
        kept = timeline;
        *chosen = &rows[i];
    }
    status = *chosen ? CPB_OK : CPB_UNSUPPORTED;
    if (!*chosen && error)
        *error = nearest;
done:
    return status;
}

cpb_status cpb_row_make(cpb_batch *batch, const cpb_row **row, cpb_draft *draft,
                        cpb_error *error)
{
    return (*row)->make ? make_row(batch, *row, draft, error)
                        : make_best(batch, row, draft, error);
}

cpb_status cpb_row_fail_micro(const cpb_batch *batch, int64_t needed, cpb_error *error)
{
    const int32_t multiple = batch->domain->micro_multiple;
    const int64_t allowed = cpb_ceil_div(cpb_max(1, needed), multiple) * multiple;
    *batch->lack = (cpb_lack){false, allowed};
    if (multiple == 1)
        return cpb_fail(error, CPB_UNSUPPORTED, -1,
                        "a budget of %lld tokens needs %lld micro-batches, but the "
                        "limit is %d",
                        (long long)batch->budget, (long long)allowed,
                        batch->domain->micro_most);
    return cpb_fail(error, CPB_UNSUPPORTED, -1,
                    "a budget of %lld tokens needs %lld micro-batches, a multiple of "
                    "%d, but the limit is %d",
                    (long long)batch->budget, (long long)allowed, multiple,
                    batch->domain->micro_most);
}
