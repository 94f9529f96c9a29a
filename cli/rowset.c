// SPDX-License-Identifier: Apache-2.0
/* All rows of one sweep or compare, by combination. */
#define _XOPEN_SOURCE 700 /* POSIX 2008 */
#include "rowset.h"

#include "message.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_GROUPS = 1024 };

void rowset_free(cli_rowset *set)
{
    answer_free(&set->answer);
    axes_free(&set->axes);
    free(set->rows);
    json_decref(set->texts);
    *set = (cli_rowset){.n = 0};
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

static bool grow(cli_rowset *set, cpb_error *error)
{
    if (set->n < set->room)
        return true;
    const size_t room = set->room ? 2 * set->room : 64;
    set_row *const grown = realloc(set->rows, room * sizeof *grown);
    if (!grown)
        return fail_memory(error);
    set->rows = grown;
    set->room = room;
    return true;
}

static bool add_row(cli_rowset *set, cli_rows *from, cli_row *row, cpb_error *error)
{
    size_t balancer;
    if (!set->texts) {
        if (strcmp(row->version, cpb_version()))
            return fail(error,
                        "made by version %.20s, this is %s; accepted is the same",
                        row->version, cpb_version());
        set->texts = json_incref(from->object);
        set->shared = *row;
    }
    if (!is_sane(row, error) || !share(set, row, error) ||
        !find_balancer(row->balancer, &row->balancer, &balancer, error) ||
        !add_to_axes(set, row, balancer, error) || !grow(set, error))
        return false;
    const uint64_t hash = strtoull(row->hash, NULL, 16);
    row->hash = row->chosen = "";
    set->rows[set->n++] = (set_row){.row = *row, .hash = hash};
    return true;
}

static bool read_rows(cli_rows *from, cli_rowset *set, cpb_error *error)
{
    cli_row row;
    const json_t *object = NULL;
    do {
        if (!rows_next(from, &object, error))
            return false;
        if (object && !(row_from_json(object, "", &row, error) &&
                        add_row(set, from, &row, error)))
            return rows_fail(from, error);
    } while (object);
    return (set->n || fail(error, "%.40s has no rows", from->path));
}

/* --- Order ------------------------------------------------------------------------ */

static int by_pack(const void *a, const void *b)
{
    const set_row *const x = a, *const y = b;
    if (x->row.pack != y->row.pack)
        return x->row.pack < y->row.pack ? -1 : 1;
    return (x->group > y->group) - (x->group < y->group);
}

static int by_group(const void *a, const void *b)
{
    const set_row *const x = a, *const y = b;
    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    return (x->row.pack > y->row.pack) - (x->row.pack < y->row.pack);
}

/* Rows of the pack that the row at `end` - 1 belongs to. */
static size_t rows_of_pack(const cli_rowset *set, size_t end)
{
    size_t n = 1;
    while (n < end && set->rows[end - 1 - n].row.pack == set->rows[end - 1].row.pack)
        n++;
    return n;
}

/* An interrupted sweep may end within a pack; it would count for some only. */
static void leave_out_unfinished(cli_rowset *set)
{
    const size_t last = rows_of_pack(set, set->n);
    set->unfinished = -1;
    if (last == set->n || last >= rows_of_pack(set, set->n - last))
        return;
    set->unfinished = set->rows[set->n - 1].row.pack;
    set->n -= last;
}

static bool arrange(const char *path, cli_rowset *set, cpb_error *error)
{
    for (size_t i = 0; i < set->n; i++)
        set->rows[i].group = (size_t)answer_group_of(&set->axes, &set->rows[i].row);
    qsort(set->rows, set->n, sizeof *set->rows, by_pack);
    for (size_t i = 1; i < set->n; i++)
        if (!by_pack(&set->rows[i - 1], &set->rows[i]))
            return fail(error,
                        "%.40s: two rows of pack %" PRId64 " with %.20s on %" PRId64
                        " ranks; accepted are rows of one command",
                        path, set->rows[i].row.pack, set->rows[i].row.balancer,
                        set->rows[i].row.ranks);
    leave_out_unfinished(set);
    return true;
}

static bool answer_all(cli_rowset *set, cpb_error *error)
{
    set->setup = cpb_setup_default();
    snprintf(set->setup.profile.name, sizeof set->setup.profile.name, "%s",
             set->shared.profile);
    if (!answer_create(&set->axes, &set->setup, &set->answer, error))
        return false;
    for (size_t i = 0; i < set->n; i++)
        if (!answer_add(&set->answer, &set->rows[i].row, error))
            return false;
    qsort(set->rows, set->n, sizeof *set->rows, by_group);
    return answer_end(&set->answer, error);
}

bool rowset_read(cli_rows *rows, cli_rowset *set, cpb_error *error)
{
    return read_rows(rows, set, error) && arrange(rows->path, set, error) &&
           answer_all(set, error);
}

/* --- Groups ----------------------------------------------------------------------- */

const set_row *rowset_group(const cli_rowset *set, size_t group, size_t *n)
{
    size_t first = 0;
    *n = (size_t)set->answer.groups[group].packs;
    for (size_t g = 0; g < group; g++)
        first += (size_t)set->answer.groups[g].packs;
    return set->rows + first;
}

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
    const set_row *const rows = rowset_group(set, group, &n);
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
    const set_row *const rows = rowset_group(set, group, &n);
    for (size_t i = 0; i < n; i++)
        sum += value(&rows[i].row);
    return n ? sum / (double)n : 0;
}
