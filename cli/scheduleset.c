// SPDX-License-Identifier: Apache-2.0
/* All rows of one sweep of schedules, by combination. */
#include "scheduleset.h"

#include "figuretable.h"
#include "message.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_RANKS = 1024 };

void scheduleset_free(cli_scheduleset *set)
{
    list_free(&set->ranks);
    rowlist_free(&set->list);
    json_decref(set->texts);
    *set = (cli_scheduleset){0};
}

/* --- Reading ---------------------------------------------------------------------- */

/* Texts that are the same in all rows; those of a single row go with it. */
static bool share(const cli_scheduleset *set, cli_schedulerow *row, cpb_error *error)
{
    const cli_schedulerow *const first = &set->shared;
    const struct {
        const char *name, *stated, *wanted;
    } texts[] = {{"version", row->version, first->version},
                 {"command", row->command, first->command},
                 {"sweep", row->sweep, first->sweep},
                 {"meet", row->meet, first->meet},
                 {"profile", row->profile, first->profile}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (strcmp(texts[i].stated, texts[i].wanted))
            return fail(error,
                        "%s is \"%.40s\", that of the first row is \"%.40s\"; accepted "
                        "are rows of one command",
                        texts[i].name, texts[i].stated, texts[i].wanted);
    row->version = row->command = row->sweep = row->meet = row->profile = "";
    row->row = row->chosen = row->hash = "";
    return true;
}

/* What no row of ours has, and what would not be a number on the page. */
static bool is_sane(const cli_schedulerow *row, cpb_error *error)
{
    const cpb_schedule_score *const s = &row->score;
    const double reals[] = {s->gap,        s->group_mean,        s->busy,
                            s->moved_mean, s->time_imbalance,    s->token_imbalance,
                            s->loss_mean,  s->replica_loss_mean, row->plan_seconds};
    if (row->ranks < 1 || row->ranks > CPB_MAX_RANKS || s->tokens < 0 || s->time < 0)
        return fail(error,
                    "%" PRId64 " ranks, %" PRId64 " tokens and a step of %" PRId64
                    " ps are no schedule",
                    row->ranks, s->tokens, s->time);
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++)
        if (!isfinite(reals[i]))
            return fail(error, "a number that is not finite");
    return true;
}

static bool find_group(cli_scheduleset *set, const cli_schedulerow *row, size_t *group,
                       cpb_error *error)
{
    size_t name = 0, at = 0;
    while (name < set->n_names && strcmp(cpb_schedule_name(name), row->row))
        name++;
    if (name == set->n_names)
        return fail(error, "row is \"%.40s\"; this version has none of that name",
                    row->row);
    while (at < set->ranks.n && set->ranks.value[at] != row->ranks)
        at++;
    if (at == MOST_RANKS)
        return fail(error, "more than %d numbers of ranks", MOST_RANKS);
    *group = at * set->n_names + name;
    return at < set->ranks.n || list_add(&set->ranks, row->ranks, error);
}

static bool take_row(void *scheduleset, const cli_rows *from, cpb_error *error)
{
    cli_scheduleset *const set = scheduleset;
    set_schedule kept;
    cli_schedulerow *const row = &kept.row;
    if (!schedulerow_from_json(from->object, "", row, error))
        return false;
    if (!set->texts) {
        if (!rows_version(row->version, error))
            return false;
        set->texts = json_incref(from->object);
        set->shared = *row;
    }
    kept.place.pack = row->pack;
    return is_sane(row, error) && find_group(set, row, &kept.place.group, error) &&
           share(set, row, error) && rowlist_add(&set->list, &kept, error);
}

/* --- Order ------------------------------------------------------------------------ */

/* The last number of ranks that the pack of the row at `end` - 1 has come to; rows of one
 * are written together. */
static size_t last_ranks(const cli_scheduleset *set, size_t end)
{
    const set_schedule *const rows = set->list.rows;
    return rows[end - 1].place.group / set->n_names;
}

/* An interrupted sweep may end within a pack; it would count for some only. */
static void leave_out_unfinished(cli_scheduleset *set)
{
    const size_t n = set->list.n, last = rowlist_pack(&set->list, n);
    const bool finished = last == n || last_ranks(set, n) >= last_ranks(set, n - last);
    rowlist_leave_out(&set->list, finished ? 0 : last);
}

static bool arrange(const char *path, cli_scheduleset *set, cpb_error *error)
{
    const set_schedule *const twin = rowlist_by_pack(&set->list);
    if (twin)
        return fail(error,
                    "%.40s: two rows of pack %" PRId64 " with %.20s on %" PRId64
                    " ranks; accepted are rows of one command",
                    path, twin->row.pack, scheduleset_name(set, twin->place.group),
                    twin->row.ranks);
    leave_out_unfinished(set);
    for (size_t end = set->list.n; end; end -= rowlist_pack(&set->list, end))
        set->n_packs++;
    rowlist_by_group(&set->list);
    return true;
}

bool scheduleset_read(cli_rows *rows, cli_scheduleset *set, cpb_error *error)
{
    set->list.size = sizeof(set_schedule);
    while (cpb_schedule_name(set->n_names))
        set->n_names++;
    return rows_each(rows, take_row, set, error) &&
           (set->list.n || fail(error, "%.40s has no rows", rows->path)) &&
           arrange(rows->path, set, error);
}

/* --- Groups ----------------------------------------------------------------------- */

size_t scheduleset_groups(const cli_scheduleset *set)
{
    return set->ranks.n * set->n_names;
}

int64_t scheduleset_ranks(const cli_scheduleset *set, size_t group)
{
    return set->ranks.value[group / set->n_names];
}

const char *scheduleset_name(const cli_scheduleset *set, size_t group)
{
    return cpb_schedule_name(group % set->n_names);
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double scheduleset_quantile(const cli_scheduleset *set, size_t group,
                            schedule_value *value, int percent, bool *good)
{
    size_t n;
    const set_schedule *const rows = rowlist_group(&set->list, group, &n);
    double *const values = n ? malloc(n * sizeof *values) : NULL;
    if (!values) {
        *good = *good && !n;
        return NAN;
    }
    for (size_t i = 0; i < n; i++)
        values[i] = value(&rows[i].row);
    qsort(values, n, sizeof *values, ascending);
    const double found = values[(n * (size_t)percent + 99) / 100 - 1];
    free(values);
    return found;
}

double scheduleset_mean(const cli_scheduleset *set, size_t group, schedule_value *value)
{
    size_t n;
    double sum = 0;
    const set_schedule *const rows = rowlist_group(&set->list, group, &n);
    for (size_t i = 0; i < n; i++)
        sum += value(&rows[i].row);
    return n ? sum / (double)n : 0;
}

double scheduleset_per_token(const cli_scheduleset *set, size_t group)
{
    size_t n;
    double time = 0, tokens = 0;
    const set_schedule *const rows = rowlist_group(&set->list, group, &n);
    for (size_t i = 0; i < n; i++) {
        time += figures_microseconds(rows[i].row.score.time) * 1e3;
        tokens += (double)rows[i].row.score.tokens;
    }
    return tokens > 0 ? time * (double)scheduleset_ranks(set, group) / tokens : 0;
}

size_t scheduleset_best(const cli_scheduleset *set)
{
    size_t n, best = scheduleset_groups(set);
    for (size_t g = 0; g < scheduleset_groups(set); g++) {
        rowlist_group(&set->list, g, &n);
        if ((int64_t)n == set->n_packs &&
            (best == scheduleset_groups(set) ||
             scheduleset_per_token(set, g) < scheduleset_per_token(set, best)))
            best = g;
    }
    return best;
}
