// SPDX-License-Identifier: Apache-2.0
/* The reader of timings: a row of the table per column, a function per kind of row. */
#include "timings.h"

#include "csv.h"
#include "message.h"
#include "number.h"
#include "options.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum column {
    WHAT,
    KERNEL,
    PASS,
    MASK,
    RUNS,
    RECEIVED,
    Q_HEADS,
    KV_HEADS,
    HEAD_DIM,
    BYTES,
    PHASES,
    PEERS,
    US,
    NOTE,
    N_COLUMNS
} column;

static const char *const column_names[N_COLUMNS] = {
    "what",     "kernel",   "pass",  "mask",   "runs",  "received", "q_heads",
    "kv_heads", "head_dim", "bytes", "phases", "peers", "us",       "note"};
static const char *const timed_names[] = {
    [TIMED_ATTENTION] = "attention", [TIMED_NET] = "net", [TIMED_LINK] = "link"};
static const char *const pass_names[] = {"forward", "backward"};

enum { MOST_NUMBER = 1 << 30, MOST_TIMINGS = 10000 };
static const double most_us = 1e12;

/* A file being read. */
typedef struct reader {
    cli_csv csv;
    size_t at[N_COLUMNS]; /* field of each column, from 1; 0: the file has none */
    size_t n_columns;
    char *mask_text; /* of the last mask: ranks of one batch follow each other */
    bool kernel_known;
    cli_timings *out;
    cpb_error *error;
} reader;

static const char *field(const reader *in, column c)
{
    return in->at[c] ? in->csv.field[in->at[c] - 1] : "";
}

/* --- Values ---------------------------------------------------------------------- */

static bool read_choice(const reader *in, column c, size_t n, const char *const *names,
                        int *value)
{
    for (size_t i = 0; i < n; i++) {
        *value = (int)i;
        if (!strcmp(field(in, c), names[i]))
            return true;
    }
    return fail(in->error, "%s is \"%.40s\"; accepted are %s, %s%s%s", column_names[c],
                field(in, c), names[0], names[1], n > 2 ? ", " : "",
                n > 2 ? names[2] : "");
}

static bool read_number(const reader *in, column c, int64_t low, int64_t high,
                        int64_t *value)
{
    return number_read(column_names[c], field(in, c), low, high, value, in->error);
}

static bool read_us(const reader *in, double *us)
{
    char *end;
    const char *const text = field(in, US);
    *us = strtod(text, &end);
    if (*text && !*end && strspn(text, "0123456789.eE+-") == strlen(text) &&
        isfinite(*us) && *us > 0 && *us <= most_us)
        return true;
    return fail(in->error,
                "us is \"%.40s\"; accepted are decimal numbers above 0, up to 1e12",
                text);
}

/* --- Attention ------------------------------------------------------------------- */

static bool read_kernel(reader *in)
{
    int kernel;
    if (!read_choice(in, KERNEL, 2, kernel_names, &kernel))
        return false;
    if (in->kernel_known && (cpb_kernel)kernel != in->out->kernel)
        return fail(in->error,
                    "the kernel is %s, that of rows before is %s; a profile is of one "
                    "kernel",
                    kernel_names[kernel], kernel_names[in->out->kernel]);
    in->kernel_known = true;
    in->out->kernel = (cpb_kernel)kernel;
    return true;
}

static bool read_mask(reader *in, size_t *index)
{
    const char *const text = field(in, MASK);
    cpb_error inner;
    *index = in->out->n_masks - 1;
    if (in->mask_text && !strcmp(in->mask_text, text))
        return true;
    cpb_mask **const grown =
        realloc(in->out->mask, (in->out->n_masks + 1) * sizeof *grown);
    if (!grown)
        return fail_memory(in->error);
    in->out->mask = grown;
    free(in->mask_text);
    in->mask_text = strdup(text);
    if (!in->mask_text)
        return fail_memory(in->error);
    if (!succeeded(cpb_mask_create_text(text, 0, NULL, NULL, NULL,
                                        &grown[in->out->n_masks], &inner))) {
        *in->error = inner;
        return fail_at(in->error, "mask");
    }
    *index = in->out->n_masks++;
    return true;
}

/* Digits of a position, from *text on. */
static bool read_position(const char **text, int64_t *value)
{
    const char *const begin = *text;
    for (*value = 0; **text >= '0' && **text <= '9' && *value <= MOST_NUMBER; (*text)++)
        *value = 10 * *value + **text - '0';
    return *text != begin && *value <= MOST_NUMBER;
}

static bool add_run(cli_timing *timing, cpb_range run, cpb_error *error)
{
    const size_t n = timing->n_runs;
    if (!(n & (n - 1))) { /* full whenever it holds a power of two */
        cpb_range *const grown = realloc(timing->runs, (n ? 2 * n : 1) * sizeof *grown);
        if (!grown)
            return fail_memory(error);
        timing->runs = grown;
    }
    timing->runs[timing->n_runs++] = run;
    return true;
}

static bool read_runs(const reader *in, cli_timing *timing)
{
    const char *text = field(in, RUNS);
    cpb_range run;
    if (!*text)
        return add_run(timing,
                       (cpb_range){0, cpb_mask_tokens(in->out->mask[timing->mask])},
                       in->error);
    for (; *text; text += *text == ' ') {
        const char *const begin = text;
        const bool good = read_position(&text, &run.begin) && *text++ == '-' &&
                          read_position(&text, &run.end) && (!*text || *text == ' ');
        if (!good)
            return fail(in->error,
                        "runs are \"%.40s\"; accepted are BEGIN-END, between spaces",
                        begin);
        if (!add_run(timing, run, in->error))
            return false;
    }
    return true;
}

/* Refuse impossible runs, and count what the rank receives where the row does not say. */
static bool finish_runs(const reader *in, cli_timing *timing)
{
    const cpb_setup setup = cpb_setup_default();
    cpb_shard_counts counts;
    cpb_error inner;
    if (!succeeded(cpb_count_shard(in->out->mask[timing->mask], &setup, timing->n_runs,
                                   timing->runs, NULL, &counts, &inner))) {
        *in->error = inner;
        return fail_at(in->error, "runs");
    }
    timing->received = counts.received;
    return !*field(in, RECEIVED) ||
           read_number(in, RECEIVED, 0, CPB_MAX_TOKENS, &timing->received);
}

static bool read_attention(reader *in, cli_timing *timing)
{
    int pass;
    timing->model.element_bytes = cpb_setup_default().model.element_bytes;
    if (!read_kernel(in) || !read_choice(in, PASS, 2, pass_names, &pass) ||
        !read_mask(in, &timing->mask) || !read_runs(in, timing) ||
        !finish_runs(in, timing) ||
        !read_number(in, Q_HEADS, 1, 65536, &timing->model.q_heads) ||
        !read_number(in, KV_HEADS, 1, 65536, &timing->model.kv_heads) ||
        !read_number(in, HEAD_DIM, 1, 65536, &timing->model.head_dim))
        return false;
    timing->backward = pass == 1;
    return timing->model.q_heads % timing->model.kv_heads == 0 ||
           fail(in->error,
                "kv_heads is %lld, which does not divide the q_heads of %lld",
                (long long)timing->model.kv_heads, (long long)timing->model.q_heads);
}

static bool read_wire(const reader *in, cli_timing *timing)
{
    return read_number(in, BYTES, 0, INT64_C(1) << 50, &timing->bytes) &&
           read_number(in, PHASES, 0, MOST_NUMBER, &timing->phases) &&
           read_number(in, PEERS, 0, MOST_NUMBER, &timing->peers);
}

/* --- Rows ------------------------------------------------------------------------ */

static cli_timing *add_timing(cli_timings *out)
{
    if (!(out->n & (out->n - 1))) { /* full whenever it holds a power of two */
        cli_timing *const grown =
            realloc(out->timing, (out->n ? 2 * out->n : 1) * sizeof *grown);
        if (!grown)
            return NULL;
        out->timing = grown;
    }
    out->timing[out->n] = (cli_timing){0};
    return &out->timing[out->n++];
}

static bool read_row(void *context)
{
    reader *const in = context;
    int what = TIMED_ATTENTION;
    cli_timing *const timing = add_timing(in->out);
    if (!timing)
        return fail_memory(in->error);
    if (in->out->n > MOST_TIMINGS)
        return fail(in->error, "more than %d timings; accepted are up to that many",
                    MOST_TIMINGS);
    if (in->csv.n != in->n_columns)
        return fail(in->error, "%zu fields, the first line has %zu", in->csv.n,
                    in->n_columns);
    if (*field(in, WHAT) && !read_choice(in, WHAT, 3, timed_names, &what))
        return false;
    timing->what = (cli_timed)what;
    timing->line = in->csv.line;
    return read_us(in, &timing->us) &&
           (what == TIMED_ATTENTION ? read_attention(in, timing)
                                    : read_wire(in, timing));
}

static bool read_names(void *context)
{
    reader *const in = context;
    in->n_columns = in->csv.n;
    for (size_t i = 0; i < in->csv.n; i++) {
        const char *const name = in->csv.field[i];
        size_t c = 0;
        while (c < N_COLUMNS && strcmp(column_names[c], name) != 0)
            c++;
        if (c == N_COLUMNS) {
            const char *const guess = nearest(name, N_COLUMNS, column_names);
            return fail(in->error, "unknown column \"%.40s\"%s%s%s", name,
                        guess ? "; did you mean " : "", guess ? guess : "",
                        guess ? "?" : "");
        }
        if (in->at[c])
            return fail(in->error, "column \"%s\" stands twice", name);
        in->at[c] = i + 1;
    }
    return in->at[US] || fail(in->error, "there is no column \"us\"");
}

static bool read_rows(reader *in)
{
    return csv_each(&in->csv, read_names, read_row, in, in->error) &&
           (in->out->n || fail(in->error, "there is no timing; the format stands in "
                                          "docs/formats.md"));
}

bool timings_read(const char *path, cli_timings *timings, cpb_error *error)
{
    reader in = {.out = timings, .error = error};
    bool good = csv_open(path, &in.csv, error);
    if (good)
        good = read_rows(&in) || fail_at(error, path);
    free(in.mask_text);
    csv_close(&in.csv);
    return good;
}

void timings_free(cli_timings *timings)
{
    for (size_t i = 0; i < timings->n; i++)
        free(timings->timing[i].runs);
    for (size_t i = 0; i < timings->n_masks; i++)
        cpb_mask_free(timings->mask[i]);
    free(timings->timing);
    free(timings->mask);
    *timings = (cli_timings){0};
}
