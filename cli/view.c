// SPDX-License-Identifier: Apache-2.0
/* A plan seen through one mask. */
#include "view.h"

#include "figures.h"
#include "message.h"
#include "table.h"

#include <inttypes.h>
#include <stdlib.h>

bool view_measure(cli_view *view, cpb_error *error)
{
    const size_t ranks = (size_t)cpb_plan_ranks(view->plan);
    const cpb_masks masks = {.n = 1, .mask = &view->mask};
    if (ranks > VIEW_MAX_RANKS)
        return fail(error, "cannot draw %zu ranks; accepted are up to %d", ranks,
                    VIEW_MAX_RANKS);
    view->groups = palette_group(ranks, PALETTE_COLOURS);
    view->ranks = calloc(ranks, sizeof *view->ranks);
    view->sent = calloc(ranks * ranks, sizeof *view->sent);
    if (!view->ranks || !view->sent)
        return fail_memory(error);
    return succeeded(cpb_score_plan(view->plan, &masks, &view->setup, NULL,
                                    &view->score, view->ranks, view->sent, error)) &&
           owners_create(view->plan, view->groups, &view->owners, error);
}

void view_free(cli_view *view)
{
    free(view->ranks);
    free(view->sent);
    owners_free(&view->owners);
    *view = (cli_view){.plan = NULL};
}

char *view_size(const cli_view *view, char text[VIEW_SIZE_BYTES])
{
    const struct {
        int64_t n;
        const char *one;
    } parts[] = {{cpb_plan_tokens(view->plan), "token"},
                 {(int64_t)cpb_mask_n_documents(view->mask), "document"},
                 {cpb_plan_ranks(view->plan), "rank"}};
    char number[TABLE_CELL_BYTES];
    size_t used = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        used +=
            (size_t)snprintf(text + used, VIEW_SIZE_BYTES - used, "%s%s", i ? ", " : "",
                             table_count(parts[i].n, parts[i].one, number));
    return text;
}

const char *view_unit(const cli_view *view)
{
    static const char *const units[] = {
        [CPB_PAIRS] = "pairs", [CPB_TILES] = "tiles", [CPB_PROFILE_TIME] = "us"};
    return units[view->setup.cost];
}

double view_load(const cli_view *view, double load)
{
    return view->setup.cost == CPB_PROFILE_TIME ? load / 1e6 : load;
}

void view_group_name(palette_groups groups, size_t ranks, size_t group, char text[24])
{
    const size_t first = group * groups.size;
    const size_t end = first + groups.size < ranks ? first + groups.size : ranks;
    if (end - first > 1)
        snprintf(text, 24, "%zu-%zu", first, end - 1);
    else
        snprintf(text, 24, "%zu", first);
}

typedef enum fact_form { PERCENT, TOKENS, COUNT, MICROSECONDS, HASH } fact_form;

const char *view_fact(const cli_view *view, size_t i, char value[VIEW_FACT_BYTES])
{
    const cpb_score *const score = &view->score;
    const struct {
        const char *name;
        fact_form form;
        double real;
        int64_t whole;
    } facts[] = {{"imbalance", PERCENT, 100 * score->imbalance, 0},
                 {"gap to the bound", PERCENT, 100 * score->gap, 0},
                 {"received, all", TOKENS, 0, score->receive_total},
                 {"received, most", TOKENS, 0, score->receive_max},
                 {"sent, most", TOKENS, 0, score->send_max},
                 {"peers, most", COUNT, 0, score->peers_max},
                 {"runs, most", COUNT, 0, score->runs_max},
                 {"step", MICROSECONDS, figures_microseconds(score->step_time), 0},
                 {"hash", HASH, 0, 0}};
    char number[TABLE_CELL_BYTES];
    if (i >= sizeof facts / sizeof *facts)
        return NULL;
    switch (facts[i].form) {
    case PERCENT:
        table_decimals(facts[i].real, 2, number);
        snprintf(value, VIEW_FACT_BYTES, "%.30s %%", number);
        break;
    case TOKENS:
        table_thousands(facts[i].whole, number);
        snprintf(value, VIEW_FACT_BYTES, "%.30s tokens", number);
        break;
    case COUNT:
        snprintf(value, VIEW_FACT_BYTES, "%s", table_thousands(facts[i].whole, number));
        break;
    case MICROSECONDS:
        table_decimals(facts[i].real, 1, number);
        snprintf(value, VIEW_FACT_BYTES, "%.30s us", number);
        break;
    case HASH:
        snprintf(value, VIEW_FACT_BYTES, "%016" PRIx64, cpb_plan_hash(view->plan));
        break;
    }
    return facts[i].name;
}
