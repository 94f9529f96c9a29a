// SPDX-License-Identifier: Apache-2.0
/* A sweep of schedules. */
#define _XOPEN_SOURCE 700 /* POSIX 2008 */
#include "schedulesweep.h"

#include "flags.h"
#include "message.h"
#include "number.h"
#include "schedulefigures.h"
#include "schedulerow.h"
#include "step.h"
#include "sweepjobs.h"
#include "table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_GROUPS = 1024 };

/* What a combination of ranks and row came to, over the packs. */
typedef struct total {
    int64_t packs;
    double above, worst; /* time / bound - 1: sum, largest */
    double rank_time;    /* ranks x microseconds, and the tokens that they worked on */
    double tokens;
} total;

typedef struct sweep {
    const cli_options *options;
    cli_sweepjobs *jobs;
    size_t n_rows;
    const char **row;     /* [n_rows] names */
    char *names;          /* that they point into */
    total *total;         /* [ranks * rows] */
    cli_schedulerow read; /* of the file, the last one */
} sweep;

/* What a job made of one row. */
typedef struct sweep_cell {
    bool there;
    int64_t ranks;
    cpb_schedule_score score;
} sweep_cell;

/* --- Flags ------------------------------------------------------------------------ */

bool schedulesweep_asked(const cli_options *options)
{
    return options->budget >= 0;
}

/* Flags that give packs or say where lines go, whatever a sweep is of. */
static bool is_common(const char *name)
{
    static const char *const common[] = {"packs", "sample", "tokens", "count",
                                         "seed",  "csv",    "threads"};
    for (size_t i = 0; i < sizeof common / sizeof *common; i++)
        if (!strcmp(name, common[i]))
            return true;
    return false;
}

static bool is_of_schedule(const char *name)
{
    for (size_t i = 0; i < n_flags; i++)
        if (flags[i].users & USED_BY_SCHEDULE && !strcmp(flags[i].name, name))
            return true;
    return false;
}

/* A sweep of plans has no use for it. */
static bool is_only_of_schedule(const cli_said *said)
{
    return flags[said->flag].users == ONLY_SCHEDULES || !strcmp(said->name, "row");
}

bool schedulesweep_flags_fit(const cli_options *options, cpb_error *error)
{
    const bool asked = schedulesweep_asked(options);
    for (size_t i = 0; i < options->n_said; i++) {
        const cli_said *const said = &options->said[i];
        if (asked && !is_common(said->name) && !is_of_schedule(said->name))
            return fail(error,
                        "--%s says nothing to schedules, which --budget asks for",
                        said->name);
        if (!asked && is_only_of_schedule(said))
            return fail(error, "--%s is for schedules; give --budget too", said->name);
    }
    return true;
}

/* --- Work ------------------------------------------------------------------------- */

static bool print_row(const sweep *s, const sweep_job *job, const cli_step *step,
                      const cpb_domain *domain, const cpb_schedule *schedule,
                      double seconds, FILE *stream)
{
    char hash[17];
    snprintf(hash, sizeof hash, "%016" PRIx64, cpb_schedule_hash(schedule));
    const cli_schedulerow row = {.pack = job->pack,
                                 .documents = step->n,
                                 .ranks = domain->ranks,
                                 .budget = domain->budget,
                                 .row = domain->row,
                                 .chosen = cpb_schedule_row(schedule),
                                 .meet = step_meet_names[domain->meet],
                                 .profile = domain->setup.profile.name,
                                 .score = *cpb_schedule_score_of(schedule),
                                 .plan_seconds = seconds,
                                 .hash = hash,
                                 .version = cpb_version(),
                                 .sweep = s->jobs->recipe.hash,
                                 .command = s->jobs->recipe.command};
    return schedulerow_print(stream, &row, s->jobs->file.format == ROWS_JSON);
}

/* One row of a step; one that cannot keep the limits has no line. */
static bool run_row(const sweep *s, const sweep_job *job, const cli_step *step,
                    const char *row, FILE *stream, sweep_cell *cell, cpb_error *error)
{
    cpb_schedule *schedule;
    const cpb_documents documents = step_documents(step);
    cpb_domain domain = step->domain;
    domain.row = row;
    const double start = number_clock();
    const cpb_status status =
        cpb_schedule_create(&documents, &domain, &schedule, error);
    const double seconds = number_clock() - start;
    if (status != CPB_OK)
        return status == CPB_UNSUPPORTED;
    *cell = (sweep_cell){true, domain.ranks, *cpb_schedule_score_of(schedule)};
    const bool good = print_row(s, job, step, &domain, schedule, seconds, stream);
    cpb_schedule_free(schedule);
    return good || fail_memory(error);
}

static bool run_job(const void *context, const sweep_job *job, size_t from,
                    FILE *stream, void *cells, cpb_error *error)
{
    char place[60];
    const sweep *const s = context;
    cli_options here = *s->options;
    cli_step step = {0};
    here.ranks = s->options->axes.ranks.value[job->ranks];
    here.row = NULL;
    bool good = step_read_domain(&here, &step, error) &&
                step_set_tokens(&step, job->documents, error);
    for (size_t i = from; good && i < s->n_rows; i++)
        good =
            run_row(s, job, &step, s->row[i], stream, (sweep_cell *)cells + i, error);
    step_free(&step);
    snprintf(place, sizeof place, "pack %" PRId64 " on %" PRId64 " ranks", job->pack,
             here.ranks);
    return good || fail_at(error, place);
}

static void add_up(total *t, int64_t ranks, const cpb_schedule_score *score)
{
    t->packs++;
    t->above += score->gap;
    t->worst = score->gap > t->worst ? score->gap : t->worst;
    t->rank_time += figures_microseconds(score->time) * (double)ranks;
    t->tokens += (double)score->tokens;
}

static bool take_job(void *context, const sweep_job *job, const void *cells,
                     cpb_error *error)
{
    (void)error;
    sweep *const s = context;
    for (size_t i = 0; i < s->n_rows; i++) {
        const sweep_cell *const cell = (const sweep_cell *)cells + i;
        if (cell->there)
            add_up(&s->total[job->ranks * s->n_rows + i], cell->ranks, &cell->score);
    }
    return true;
}

/* --- Rows that are there already --------------------------------------------------- */

/* The combination of a row, n where there is none. */
static size_t group_of(const sweep *s, const cli_schedulerow *row)
{
    const cli_list *const ranks = &s->options->axes.ranks;
    const size_t n = ranks->n * s->n_rows;
    for (size_t i = 0; i < n; i++)
        if (ranks->value[i / s->n_rows] == row->ranks &&
            !strcmp(s->row[i % s->n_rows], row->row))
            return i;
    return n;
}

static bool read_row(void *context, const json_t *object, int64_t *at, cpb_error *error)
{
    sweep *const s = context;
    const size_t n = s->options->axes.ranks.n * s->n_rows;
    if (!schedulerow_from_json(object, "", &s->read, error))
        return false;
    const size_t group = group_of(s, &s->read);
    *at = group == n || s->read.pack >= s->jobs->n_packs
              ? -1
              : s->read.pack * (int64_t)n + (int64_t)group;
    return true;
}

static bool take_row(void *context, cpb_error *error)
{
    (void)error;
    sweep *const s = context;
    add_up(&s->total[group_of(s, &s->read)], s->read.ranks, &s->read.score);
    return true;
}

/* --- Answer ----------------------------------------------------------------------- */

static double per_token(const total *t)
{
    return t->tokens > 0 ? t->rank_time / t->tokens : 0;
}

static void fill_row(const sweep *s, size_t i, cli_table *table)
{
    const total *const t = &s->total[i];
    const double packs = t->packs ? (double)t->packs : 1;
    table_thousands(s->options->axes.ranks.value[i / s->n_rows],
                    table_cell(table, i + 1, 1));
    snprintf(table_cell(table, i + 1, 0), TABLE_CELL_BYTES, "%.30s",
             s->row[i % s->n_rows]);
    table_thousands(t->packs, table_cell(table, i + 1, 2));
    table_decimals(100 * t->above / packs, 2, table_cell(table, i + 1, 3));
    table_decimals(100 * t->worst, 2, table_cell(table, i + 1, 4));
    table_decimals(per_token(t), 4, table_cell(table, i + 1, 5));
}

/* The least time of all ranks together per token, among what has a row for every pack. */
static void print_best(const sweep *s, size_t n)
{
    const total *best = NULL;
    for (size_t i = 0; i < n; i++)
        if (s->total[i].packs == s->jobs->n_packs &&
            (!best || per_token(&s->total[i]) < per_token(best)))
            best = &s->total[i];
    if (!best) {
        fputs("answer: no row has a schedule for every pack\n", stderr);
        return;
    }
    const size_t i = (size_t)(best - s->total);
    char ranks[TABLE_CELL_BYTES];
    fprintf(stderr, "answer: row %s on %s\n", s->row[i % s->n_rows],
            table_count(s->options->axes.ranks.value[i / s->n_rows], "rank", ranks));
}

static bool print_answer(const sweep *s, cpb_error *error)
{
    static const char *const titles[] = {
        "row", "ranks", "packs", "above bound %", "worst %", "rank us per token"};
    enum { COLUMNS = sizeof titles / sizeof *titles };
    cli_table table;
    const size_t n = s->options->axes.ranks.n * s->n_rows;
    if (!table_create(n + 1, COLUMNS, &table))
        return fail_memory(error);
    for (size_t c = 0; c < COLUMNS; c++)
        strcpy(table_cell(&table, 0, c), titles[c]);
    for (size_t i = 0; i < n; i++)
        fill_row(s, i, &table);
    table_print(&table, table_is_terminal(stderr), stderr);
    table_free(&table);
    print_best(s, n);
    return true;
}

/* --- Begin and end ---------------------------------------------------------------- */

static bool is_listed(const sweep *s, const char *name)
{
    for (size_t i = 0; i < s->n_rows; i++)
        if (!strcmp(s->row[i], name))
            return true;
    return false;
}

/* Names of --row between commas, or every row. */
static bool list_rows(sweep *s, cpb_error *error)
{
    size_t room = 1;
    for (const char *c = s->options->row; c && *c; c++)
        room += *c == ',';
    while (!s->options->row && cpb_schedule_name(room - 1))
        room++;
    s->row = calloc(room, sizeof *s->row);
    s->names = s->options->row ? strdup(s->options->row) : NULL;
    if (!s->row || (s->options->row && !s->names))
        return fail_memory(error);
    if (!s->names) {
        while (cpb_schedule_name(s->n_rows)) {
            s->row[s->n_rows] = cpb_schedule_name(s->n_rows);
            s->n_rows++;
        }
        return true;
    }
    for (char *name = s->names; name;) {
        char *const comma = strchr(name, ',');
        if (comma)
            *comma = '\0';
        if (!is_listed(s, name))
            s->row[s->n_rows++] = name;
        name = comma ? comma + 1 : NULL;
    }
    return true;
}

static bool prepare(sweep *s, cpb_error *error)
{
    if (!list_rows(s, error))
        return false;
    const size_t n = s->options->axes.ranks.n * s->n_rows;
    if (n > MOST_GROUPS)
        return fail(error, "%zu combinations of ranks and rows; accepted are up to %d",
                    n, MOST_GROUPS);
    s->total = calloc(n, sizeof *s->total);
    return s->total || fail_memory(error);
}

bool schedulesweep_run(const cli_options *options, cpb_error *error)
{
    cli_sweepjobs jobs = {.options = options};
    sweep s = {.options = options, .jobs = &jobs};
    bool good = prepare(&s, error);
    const sweep_kind schedules = {.context = &s,
                                  .rows = {.start = "{\"pack\": ",
                                           .print_names = schedulerow_print_names,
                                           .read = read_row,
                                           .take = take_row,
                                           .context = &s},
                                  .most_tokens = INT64_C(1) << 58,
                                  .cells = s.n_rows,
                                  .cell_bytes = sizeof(sweep_cell),
                                  .run = run_job,
                                  .take = take_job};
    jobs.kind = &schedules;
    good = good && sweepjobs_open(&jobs, error) && sweepjobs_run(&jobs, error) &&
           print_answer(&s, error);
    sweepjobs_close(&jobs);
    free(s.row);
    free(s.names);
    free(s.total);
    return good;
}
