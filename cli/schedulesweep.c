// SPDX-License-Identifier: Apache-2.0
/* A sweep of schedules. A step takes milliseconds, so packs run one after the other. */
#define _XOPEN_SOURCE 700 /* POSIX 2008 */
#include "schedulesweep.h"

#include "flags.h"
#include "message.h"
#include "number.h"
#include "output.h"
#include "packs.h"
#include "schedulefigures.h"
#include "step.h"
#include "table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What a combination of ranks and row came to, over the packs. */
typedef struct total {
    int64_t packs;
    double above, worst; /* time / bound - 1: sum, largest */
    double rank_time;    /* ranks x microseconds, and the tokens that they worked on */
    double tokens;
} total;

/* Where lines go: a file that appears whole, or standard output. */
typedef struct sink {
    cli_output file;
    bool to_file;
    bool json;
} sink;

typedef struct sweep {
    const cli_options *options;
    cli_packs packs;
    cli_list pack;
    int64_t n_packs, at; /* `at`: the pack at hand */
    size_t n_rows;
    const char **row; /* [n_rows] names */
    char *names;      /* that they point into */
    total *total;     /* [ranks * rows] */
    sink sink;
} sweep;

/* --- Flags ------------------------------------------------------------------------ */

bool schedulesweep_asked(const cli_options *options)
{
    return options->budget >= 0;
}

/* Flags that give packs or say where lines go, whatever a sweep is of. */
static bool is_common(const char *name)
{
    static const char *const common[] = {"packs", "sample", "tokens",
                                         "count", "seed",   "csv"};
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

/* --- Lines ------------------------------------------------------------------------ */

static bool put_text(sink *to, char *text, cpb_error *error)
{
    const bool good = text ? to->to_file
                                 ? output_write(&to->file, text, strlen(text), error)
                                 : fputs(text, stdout) >= 0 ||
                                       fail(error, "cannot write standard output")
                           : fail_memory(error);
    free(text);
    return good;
}

/* One object per line: what a schedule is, and its figures. */
static json_t *line_to_json(const sweep *s, const cpb_domain *domain,
                            const cpb_schedule *schedule, double seconds)
{
    char hash[17];
    json_t *const object = json_object();
    bool good = object;
    snprintf(hash, sizeof hash, "%016" PRIx64, cpb_schedule_hash(schedule));
    json_put(object, "pack", json_integer(s->at), &good);
    json_put(object, "documents", json_integer(cpb_schedule_n_documents(schedule)),
             &good);
    json_put(object, "ranks", json_integer(domain->ranks), &good);
    json_put(object, "budget", json_integer(domain->budget), &good);
    json_put(object, "row", json_string(domain->row), &good);
    json_put(object, "chosen", json_string(cpb_schedule_row(schedule)), &good);
    schedulefigures_put(object, cpb_schedule_score_of(schedule), &good);
    json_put(object, "plan_seconds", json_real(seconds), &good);
    json_put(object, "hash", json_string(hash), &good);
    if (good)
        return object;
    json_decref(object);
    return NULL;
}

/* Names, or values, between commas; nothing in them needs quotes. */
static char *to_csv(json_t *object, bool names)
{
    char *text = NULL;
    size_t bytes;
    const char *key, *comma = "";
    json_t *value;
    FILE *const stream = object ? open_memstream(&text, &bytes) : NULL;
    if (!stream)
        return NULL;
    json_object_foreach(object, key, value)
    {
        if (names)
            fprintf(stream, "%s%s", comma, key);
        else if (json_is_string(value))
            fprintf(stream, "%s%s", comma, json_string_value(value));
        else if (!strcmp(key, "plan_seconds"))
            fprintf(stream, "%s%.9f", comma, json_real_value(value));
        else if (json_is_real(value))
            fprintf(stream, "%s%.17g", comma, json_real_value(value));
        else
            fprintf(stream, "%s%" PRId64, comma, (int64_t)json_integer_value(value));
        comma = ",";
    }
    fputc('\n', stream);
    const bool failed = ferror(stream);
    if (!fclose(stream) && !failed)
        return text;
    free(text);
    return NULL;
}

static char *to_line(json_t *object)
{
    char *const bare = object ? json_dumps(object, JSON_REAL_PRECISION(17)) : NULL;
    const size_t n = bare ? strlen(bare) : 0;
    char *const line = bare ? malloc(n + 2) : NULL;
    if (line)
        snprintf(line, n + 2, "%s\n", bare);
    free(bare);
    return line;
}

static bool put_row(sweep *s, const cpb_domain *domain, const cpb_schedule *schedule,
                    double seconds, bool first, cpb_error *error)
{
    json_t *const object = line_to_json(s, domain, schedule, seconds);
    const bool good =
        (!first || s->sink.json || put_text(&s->sink, to_csv(object, true), error)) &&
        put_text(&s->sink, s->sink.json ? to_line(object) : to_csv(object, false),
                 error);
    json_decref(object);
    return good;
}

/* --- Work ------------------------------------------------------------------------- */

static void add_up(total *t, const cpb_domain *domain, const cpb_schedule_score *score)
{
    t->packs++;
    t->above += score->gap;
    t->worst = score->gap > t->worst ? score->gap : t->worst;
    t->rank_time += figures_microseconds(score->time) * domain->ranks;
    t->tokens += (double)score->tokens;
}

/* One row; those that cannot keep the limits have no line. */
static bool run_row(sweep *s, const cli_step *step, const cpb_domain *domain, total *t,
                    bool *first, cpb_error *error)
{
    cpb_schedule *schedule;
    const cpb_documents documents = step_documents(step);
    const double start = number_clock();
    const cpb_status status = cpb_schedule_create(&documents, domain, &schedule, error);
    const double seconds = number_clock() - start;
    if (status != CPB_OK)
        return status == CPB_UNSUPPORTED;
    add_up(t, domain, cpb_schedule_score_of(schedule));
    const bool good = put_row(s, domain, schedule, seconds, *first, error);
    *first = false;
    cpb_schedule_free(schedule);
    return good;
}

static bool run_pack(sweep *s, bool *first, cpb_error *error)
{
    char place[60];
    const cli_list *const ranks = &s->options->axes.ranks;
    for (size_t i = 0; i < ranks->n; i++) {
        cli_options here = *s->options;
        cli_step step = {0};
        here.ranks = ranks->value[i];
        here.row = NULL;
        bool good = step_read_domain(&here, &step, error) &&
                    step_set_tokens(&step, &s->pack, error);
        for (size_t row = 0; good && row < s->n_rows; row++) {
            cpb_domain domain = step.domain;
            domain.row = s->row[row];
            good = run_row(s, &step, &domain, &s->total[i * s->n_rows + row], first,
                           error);
        }
        step_free(&step);
        if (!good) {
            snprintf(place, sizeof place, "pack %" PRId64 " on %" PRId64 " ranks",
                     s->at, here.ranks);
            return fail_at(error, place);
        }
    }
    return true;
}

static bool run_packs(sweep *s, cpb_error *error)
{
    bool first = true;
    for (s->at = 0; s->at < s->n_packs; s->at++) {
        if (!s->options->documents && !packs_next(&s->packs, &s->pack, error))
            return false;
        if (!run_pack(s, &first, error))
            return false;
    }
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
        if (s->total[i].packs == s->n_packs &&
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
        s->row[s->n_rows++] = name;
        name = comma ? comma + 1 : NULL;
    }
    return true;
}

static bool ends_in(const char *path, const char *ending)
{
    const size_t n = strlen(path), m = strlen(ending);
    return n >= m && !strcmp(path + n - m, ending);
}

static bool prepare(sweep *s, cpb_error *error)
{
    const cli_options *const options = s->options;
    s->n_packs = 1;
    s->sink.to_file = options->output;
    s->sink.json =
        options->json || (options->output && ends_in(options->output, ".jsonl"));
    if (options->documents
            ? !lengths_read(options->documents, INT64_C(1) << 58, &s->pack, error)
            : !packs_open(options, &s->packs, error))
        return false;
    if (!options->documents)
        s->n_packs = s->packs.n;
    if (!list_rows(s, error))
        return false;
    s->total = calloc(options->axes.ranks.n * s->n_rows, sizeof *s->total);
    return (s->total || fail_memory(error)) &&
           (!options->output || output_open(&s->sink.file, options->output, error));
}

bool schedulesweep_run(const cli_options *options, cpb_error *error)
{
    sweep s = {.options = options};
    bool good = prepare(&s, error) && run_packs(&s, error);
    if (good && s.sink.to_file)
        good = output_close(&s.sink.file, error) && output_commit(&s.sink.file, error);
    if (good)
        good = output_flush_standard(error) && print_answer(&s, error);
    output_free(&s.sink.file);
    packs_close(&s.packs);
    list_free(&s.pack);
    free(s.row);
    free(s.names);
    free(s.total);
    return good;
}
