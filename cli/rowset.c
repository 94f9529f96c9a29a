// SPDX-License-Identifier: Apache-2.0
/* All rows of one sweep or compare, by combination. */
#include "rowset.h"

#include "message.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_GROUPS = 1024 };

void rowset_free(cli_rowset *set)
{
    answer_free(&set->answer);
    axes_free(&set->axes);
    rowlist_free(&set->list);
    json_decref(set->texts);
    *set = (cli_rowset){0};
}

/* --- Reading ---------------------------------------------------------------------- */

/* Texts that are the same in all rows. */
static const struct {
    const char *name;
    size_t offset;
} shared[] = {{"version", offsetof(cli_row, version)},
              {"command", offsetof(cli_row, command)},
              {"sweep", offsetof(cli_row, sweep)},
              {"profile", offsetof(cli_row, profile)},
              {"kernel", offsetof(cli_row, kernel)},
              {"transport", offsetof(cli_row, transport)},
              {"cost", offsetof(cli_row, cost)},
              {"overlap", offsetof(cli_row, overlap)}};

static const char **text_of(cli_row *row, size_t i)
{
    return (const char **)(void *)((char *)row + shared[i].offset);
}

/* Let the texts of a row be those of the first one. */
static bool share(cli_rowset *set, cli_row *row, cpb_error *error)
{
    for (size_t i = 0; i < sizeof shared / sizeof *shared; i++) {
        const char *const first = *text_of(&set->shared, i);
        if (strcmp(*text_of(row, i), first))
            return fail(error,
                        "%s is \"%.40s\", that of the first row is \"%.40s\"; accepted "
                        "are rows of one command",
                        shared[i].name, *text_of(row, i), first);
        *text_of(row, i) = first;
    }
    return true;
}

/* The name as the library has it. */
static bool find_balancer(const char *name, const char **found, size_t *index,
                          cpb_error *error)
{
    for (*index = 0; (*found = cpb_balancer_name(*index)); ++*index)
        if (!strcmp(*found, name))
            return true;
    return fail(error, "balancer is \"%.40s\"; this version has none of that name",
                name);
}

static bool add_value(cli_list *list, int64_t value, cpb_error *error)
{
    for (size_t i = 0; i < list->n; i++)
        if (list->value[i] == value)
            return true;
    return list_add(list, value, error);
}

static bool add_to_axes(cli_rowset *set, const cli_row *row, size_t balancer,
                        cpb_error *error)
{
    cli_axes *const axes = &set->axes;
    if (!(row->tolerance >= 0 && row->tolerance <= 1e6))
        return fail(error, "tolerance is %g; accepted are 0 to 1000000",
                    row->tolerance);
    if (!add_value(&axes->ranks, row->ranks, error) ||
        !add_value(&axes->tolerance_ppm, llround(row->tolerance * 1e6), error) ||
        !add_value(&axes->balancer, (int64_t)balancer, error))
        return false;
    return axes_size(axes) <= MOST_GROUPS ||
           fail(error, "more than %d combinations of ranks, tolerances and balancers",
                MOST_GROUPS);
}

/* What no row of ours has, and what would not be a number on the page. */
static bool is_sane(const cli_row *row, cpb_error *error)
{
    const double reals[] = {row->imbalance,    row->gap,         row->step_time,
                            row->compute_mean, row->compute_max, row->plan_seconds};
    if (row->ranks < 1 || row->ranks > CPB_MAX_RANKS || row->tokens < 1)
        return fail(error, "%" PRId64 " ranks and %" PRId64 " tokens are no plan",
                    row->ranks, row->tokens);
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++)
        if (!isfinite(reals[i]))
            return fail(error, "a number that is not finite");
    return true;
}

static bool add_row(cli_rowset *set, cli_row *row, cpb_error *error)
{
    size_t balancer;
    if (!is_sane(row, error) || !share(set, row, error) ||
        !find_balancer(row->balancer, &row->balancer, &balancer, error) ||
        !add_to_axes(set, row, balancer, error))
        return false;
    const uint64_t hash = strtoull(row->hash, NULL, 16);
    row->hash = row->chosen = "";
    const set_row kept = {.place = {.pack = row->pack}, .row = *row, .hash = hash};
    return rowlist_add(&set->list, &kept, error);
}

static bool take_row(void *rowset, const cli_rows *from, cpb_error *error)
{
    cli_rowset *const set = rowset;
    cli_row row;
    if (!row_from_json(from->object, "", &row, error))
        return false;
    if (!set->texts) {
        if (!rows_version(row.version, error))
            return false;
        set->texts = json_incref(from->object);
        set->shared = row;
    }
    return add_row(set, &row, error);
}

/* --- Order ------------------------------------------------------------------------ */

/* An interrupted sweep may end within a pack; it would count for some only. */
static void leave_out_unfinished(cli_rowlist *list)
{
    const size_t last = rowlist_pack(list, list->n);
    const bool finished = last == list->n || last >= rowlist_pack(list, list->n - last);
    rowlist_leave_out(list, finished ? 0 : last);
}

static bool arrange(const char *path, cli_rowset *set, cpb_error *error)
{
    set_row *const rows = set->list.rows;
    for (size_t i = 0; i < set->list.n; i++)
        rows[i].place.group = (size_t)answer_group_of(&set->axes, &rows[i].row);
    const set_row *const twin = rowlist_by_pack(&set->list);
    if (twin)
        return fail(error,
                    "%.40s: two rows of pack %" PRId64 " with %.20s on %" PRId64
                    " ranks; accepted are rows of one command",
                    path, twin->row.pack, twin->row.balancer, twin->row.ranks);
    leave_out_unfinished(&set->list);
    return true;
}

static bool answer_all(cli_rowset *set, cpb_error *error)
{
    const set_row *const rows = set->list.rows;
    set->setup = cpb_setup_default();
    snprintf(set->setup.profile.name, sizeof set->setup.profile.name, "%s",
             set->shared.profile);
    if (!answer_create(&set->axes, &set->setup, &set->answer, error))
        return false;
    for (size_t i = 0; i < set->list.n; i++)
        if (!answer_add(&set->answer, &rows[i].row, error))
            return false;
    rowlist_by_group(&set->list);
    return answer_end(&set->answer, error);
}

bool rowset_read(cli_rows *rows, cli_rowset *set, cpb_error *error)
{
    set->list.size = sizeof(set_row);
    return rows_each(rows, take_row, set, error) &&
           (set->list.n || fail(error, "%.40s has no rows", rows->path)) &&
           arrange(rows->path, set, error) && answer_all(set, error);
}

/* --- Groups ----------------------------------------------------------------------- */

typedef struct ranked {
    double value;
    size_t at;
} ranked;

static int by_rank(const void *a, const void *b)
{
    const ranked *const x = a, *const y = b;
    if (x->value != y->value)
        return x->value < y->value ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

const set_row *rowset_quantile(const cli_rowset *set, size_t group,
                               double (*value)(const cli_row *row), int percent,
                               bool *good)
{
    size_t n;
    const set_row *const rows = rowlist_group(&set->list, group, &n);
    ranked *const order = n ? malloc(n * sizeof *order) : NULL;
    if (!order) {
        *good = *good && !n;
        return NULL;
    }
    for (size_t i = 0; i < n; i++)
        order[i] = (ranked){value(&rows[i].row), i};
    qsort(order, n, sizeof *order, by_rank);
    const size_t at = order[(n * (size_t)percent + 99) / 100 - 1].at;
    free(order);
    return rows + at;
}

double rowset_mean(const cli_rowset *set, size_t group,
                   double (*value)(const cli_row *row))
{
    size_t n;
    double sum = 0;
    const set_row *const rows = rowlist_group(&set->list, group, &n);
    for (size_t i = 0; i < n; i++)
        sum += value(&rows[i].row);
    return n ? sum / (double)n : 0;
}
