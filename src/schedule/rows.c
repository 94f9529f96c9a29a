// SPDX-License-Identifier: Apache-2.0
/* THE list of rows. */
#include "rows.h"

#include "../base/error.h"
#include "../base/nearest.h"

#include <string.h>

/* The rows that `auto` begins with. */
enum { FREE = 1, FLAT = 4 };

static const cpb_row rows[] = {
    {"auto", "the row below with the least modelled time, of equals the least traffic",
     NULL},
    [FREE] = {"free", "each document on as few ranks as the step's time allows",
              cpb_row_free},
    {"lockstep", "every micro-batch filled on all ranks", cpb_row_lockstep},
    {"grid", "fixed groups of the best size, each filled inside", cpb_row_grid},
    [FLAT] = {"flat",
              "no groups: every micro-batch on all ranks, documents cut anywhere",
              cpb_row_flat},
    {"first-fit", "fixed groups, first fit in the loader's order", cpb_row_first_fit},
    {"longest-first", "fixed groups, longest first to the pack with the fewest tokens",
     cpb_row_longest_first},
    {"wlb", "fixed groups, longest first to the pack with the least time (WLB-LLM)",
     cpb_row_wlb},
    {"megatron", "dynamic groups, tallest first, wave after wave (Megatron Core)",
     cpb_row_megatron},
};

enum { N_ROWS = sizeof rows / sizeof *rows };

const char *cpb_schedule_name(size_t i)
{
    return i < N_ROWS ? rows[i].name : NULL;
}

const char *cpb_schedule_summary(size_t i)
{
    return i < N_ROWS ? rows[i].summary : NULL;
}

cpb_status cpb_row_find(const char *name, const cpb_row **row, cpb_error *error)
{
    for (size_t i = 0; i < N_ROWS; i++) {
        *row = &rows[i];
        if (!strcmp(name, rows[i].name))
            return CPB_OK;
    }
    return cpb_fail_unknown(error, -1, "row", name, cpb_schedule_name);
}

/* Make a draft that keeps the order window. One that is given up keeps every window. */
static cpb_status make_row(cpb_batch *batch, const cpb_row *row, int64_t limit,
                           cpb_draft *draft, cpb_error *error)
{
    const int64_t window = batch->domain->window;
    cpb_moves moves = {0};
    cpb_status status;
    for (int pass = 0; pass < 2; pass++) {
        *draft = (cpb_draft){.place = draft->place,
                             .limit = window < 0 || pass ? limit : INT64_MAX};
        memset(draft->place, 0, (size_t)batch->n * sizeof *draft->place);
        batch->in_order = pass;
        CPB_TRY(row->make(batch, draft, error));
        if (window < 0 || !draft->micro_batches)
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

/* What a draft reached. */
typedef struct result {
    const cpb_row *row;
    int64_t time, received;
} result;

/* Whether `a` is to be taken rather than `b`: of equals the earlier row. */
static bool is_better(const result *a, const result *b)
{
    if (!b->row || a->time != b->time)
        return !b->row || a->time < b->time;
    return a->received < b->received || (a->received == b->received && a->row < b->row);
}

/* The best draft that a row makes in place of `best`, if it does. */
static cpb_status try_row(cpb_batch *batch, const cpb_row *row, cpb_draft *spare,
                          cpb_draft *best, result *reached, cpb_error *error)
{
    const int64_t limit = reached->row ? reached->time : INT64_MAX;
    cpb_timeline timeline;
    cpb_status status;
    CPB_TRY(make_row(batch, row, limit, spare, error));
    if (!spare->micro_batches)
        return CPB_OK;
    CPB_TRY(cpb_timeline_create(batch, spare, batch->scratch, &timeline, error));
    const result r = {row, timeline.time, timeline.received};
    if (!is_better(&r, reached))
        return CPB_OK;
    const cpb_draft swap = *best;
    *best = *spare;
    *spare = swap;
    *reached = r;
done:
    return status;
}

/* Why no row was taken so far: the sentence of the one that lacks least. */
typedef struct refusal {
    cpb_lack lack;
    cpb_error error;
} refusal;

/* A row that fails for the window has all the micro-batches that it needs. */
static bool lacks_less(const cpb_lack *a, const cpb_lack *b)
{
    return a->window != b->window ? a->window : a->number < b->number;
}

/* Every row, the one first that is most often best, so that others are given up early. */
static cpb_status make_best(cpb_batch *batch, const cpb_row **chosen, cpb_draft *best,
                            cpb_error *error)
{
    const bool meet = batch->domain->meet == CPB_MEET_MICRO;
    cpb_draft spare = {
        .place = cpb_arena_take(batch->scratch, (size_t)batch->n, sizeof *spare.place)};
    result reached = {0};
    refusal nearest = {.lack = {false, INT64_MAX}, .error = {.at = -1}}, now;
    if (!spare.place)
        return cpb_fail_memory(error);
    for (size_t k = 0; k < N_ROWS; k++) {
        const cpb_row *const row = &rows[((meet ? FLAT : FREE) + k) % N_ROWS];
        if (!row->make)
            continue;
        *batch->lack = (cpb_lack){false, INT64_MAX};
        const cpb_status status =
            try_row(batch, row, &spare, best, &reached, &now.error);
        now.lack = *batch->lack;
        if (status == CPB_UNSUPPORTED &&
            (!*nearest.error.message || lacks_less(&now.lack, &nearest.lack)))
            nearest = now;
        if (status == CPB_OK || status == CPB_UNSUPPORTED)
            continue;
        if (error)
            *error = now.error;
        return status;
    }
    *chosen = reached.row;
    if (!reached.row && error)
        *error = nearest.error;
    return reached.row ? CPB_OK : CPB_UNSUPPORTED;
}

cpb_status cpb_row_make(cpb_batch *batch, const cpb_row **row, cpb_draft *draft,
                        cpb_error *error)
{
    return (*row)->make ? make_row(batch, *row, INT64_MAX, draft, error)
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
