// SPDX-License-Identifier: Apache-2.0
/* What plan and score print for people. */
#include "figures.h"
#include "message.h"
#include "report.h"
#include "table.h"

#include <inttypes.h>
#include <string.h>

enum { NUMBERS_PER_LINE = 6 };

/* Numbers of one line, formatted; each call hands out the next text. */
typedef struct texts {
    char text[NUMBERS_PER_LINE][TABLE_CELL_BYTES];
    size_t n;
} texts;

static const char *number(texts *to, int64_t value)
{
    return table_thousands(value, to->text[to->n++]);
}

static const char *count(texts *to, int64_t value, const char *one)
{
    return table_count(value, one, to->text[to->n++]);
}

static const char *decimal(texts *to, double value, int decimals)
{
    return table_decimals(value, decimals, to->text[to->n++]);
}

/* A load in its unit: time in microseconds, everything else as it is. */
static const char *write_load(const cli_report *report, double value,
                              char text[TABLE_CELL_BYTES])
{
    const bool time = report->setup.cost == CPB_PROFILE_TIME;
    return table_decimals(time ? value / 1e6 : value, time ? 1 : 0, text);
}

static const char *load(texts *to, const cli_report *report, double value)
{
    return write_load(report, value, to->text[to->n++]);
}

static void print_plan(FILE *stream, const cli_report *report)
{
    const cpb_plan *const plan = report->plan;
    const cpb_promise *const promise = cpb_plan_promise(plan);
    texts t = {.n = 0};
    fprintf(stream, "plan        %s", report->chosen);
    if (strcmp(report->balancer, report->chosen))
        fprintf(stream, " (%s: the least modelled step)", report->balancer);
    fprintf(stream, ", %s, %s sizes, ", count(&t, cpb_plan_ranks(plan), "rank"),
            sizes_names[promise->sizes]);
    if (promise->granularity == 1)
        fputs("by token\n", stream);
    else
        fprintf(stream, "by chunks of %s tokens\n", number(&t, promise->chunk));
    fprintf(
        stream, "sequence    %s and %s, %s\n",
        count(&t, cpb_plan_tokens(plan), "token"),
        count(&t, cpb_plan_padding(plan), "pad"),
        count(&t, (int64_t)cpb_mask_n_documents(report->batch->mask[0]), "document"));
}

/* What several masks are to each other, and what makes a load more than its work. */
static void print_terms(FILE *stream, const cli_report *report)
{
    static const char *const meanings[] = {
        [CPB_COMBINE_LAYERS] = "layers that ranks wait for one by one",
        [CPB_COMBINE_SUM] = "costs inside one layer that add up"};
    const int32_t *const speeds = report->setup.speeds;
    texts t = {.n = 0};
    if (report->layers)
        fprintf(stream, "masks       %zu: %s\n", report->batch->n,
                meanings[report->combine]);
    if (!speeds)
        return;
    int32_t slowest = speeds[0], fastest = speeds[0];
    for (int32_t r = 1; r < cpb_plan_ranks(report->plan); r++) {
        slowest = speeds[r] < slowest ? speeds[r] : slowest;
        fastest = speeds[r] > fastest ? speeds[r] : fastest;
    }
    fprintf(stream, "speeds      from %s to %s; loads are times fastest / own\n",
            number(&t, slowest), number(&t, fastest));
}

static void print_loads(FILE *stream, const cli_report *report)
{
    static const char *const units[] = {
        [CPB_PAIRS] = "pairs", [CPB_TILES] = "tiles", [CPB_PROFILE_TIME] = "us"};
    const cpb_score *const score = &report->all.score;
    texts t = {.n = 0};
    fprintf(stream, "load        max %s, mean %s, bound %s %s (cost %s)\n",
            load(&t, report, (double)score->load_max),
            load(&t, report, score->load_mean),
            load(&t, report, (double)score->load_bound), units[report->setup.cost],
            cost_names[report->setup.cost]);
    fprintf(stream, "imbalance   %.2f %%, gap to the bound %.2f %%\n",
            100 * score->imbalance, 100 * score->gap);
}

static void print_traffic(FILE *stream, const cli_report *report)
{
    const cpb_score *const score = &report->all.score;
    texts t = {.n = 0};
    fprintf(stream,
            "received    %s tokens in all (%.2f times the sequence), "
            "at most %s per rank\n",
            number(&t, score->receive_total),
            (double)score->receive_total / (double)cpb_plan_tokens(report->plan),
            number(&t, score->receive_max));
    fprintf(stream, "sent        at most %s tokens per rank, ",
            number(&t, score->send_max));
    if (score->relay_send_max < score->send_max)
        fprintf(stream, "%s by relays, ", number(&t, score->relay_send_max));
    fprintf(stream, "%s from one rank to another, %" PRId32 " peers\n",
            number(&t, score->pair_max), score->peers_max);
    if (report->setup.nodes)
        fprintf(stream,
                "nodes       %" PRId32 ", at most %s tokens into one, %s out "
                "of one\n",
                report->setup.nodes, number(&t, score->net_in_max),
                number(&t, score->net_out_max));
}

static void print_shape(FILE *stream, const cli_report *report)
{
    const cpb_score *const score = &report->all.score;
    texts t = {.n = 0};
    fprintf(stream, "tiles       %s, %s more than in the original order\n",
            number(&t, score->tiles), number(&t, score->tiles_added));
    fprintf(stream, "fragments   at most %s runs and %s segments per rank\n",
            number(&t, score->runs_max), number(&t, score->segments_max));
    fprintf(stream, "own work    %.1f %% of the pairs need no remote key\n",
            100 * score->own_work);
    fprintf(stream, "memory      at most %s MiB of keys and values per rank\n",
            decimal(&t, (double)score->memory_max / (1024 * 1024), 1));
}

static void print_time(FILE *stream, const cli_report *report)
{
    const cpb_setup *const setup = &report->setup;
    texts t = {.n = 0};
    fprintf(
        stream,
        "step        %s us per attention layer (profile %s, transport %s, overlap %s, "
        "%s)\n",
        decimal(&t, figures_microseconds(report->all.score.step_time), 1),
        setup->profile.name, transport_names[setup->transport],
        overlap_names[setup->overlap],
        setup->backward ? "forward and backward" : "forward");
    if (report->plan_seconds > 0)
        fprintf(stream, "planned in  %.3f ms\n", 1e3 * report->plan_seconds);
    fprintf(stream, "hash        %016" PRIx64 "\n", cpb_plan_hash(report->plan));
}

/* One row per mask, where there are several. */
static bool print_layers(FILE *stream, const cli_report *report, cpb_error *error)
{
    static const char *const titles[] = {"mask",  "weight",   "load max", "imbalance %",
                                         "gap %", "received", "step us"};
    enum { COLUMNS = sizeof titles / sizeof *titles };
    cli_table table;
    const cli_batch *const batch = report->batch;
    const bool good = table_create(batch->n + 1, COLUMNS, &table);
    for (size_t c = 0; good && c < COLUMNS; c++)
        strcpy(table_cell(&table, 0, c), titles[c]);
    for (size_t i = 0; good && i < batch->n; i++) {
        const cpb_score *const score = &report->layers[i].score;
        const char *const text = cpb_mask_text(batch->mask[i]);
        snprintf(table_cell(&table, i + 1, 0), TABLE_CELL_BYTES, "%.39s",
                 text ? text : "slices");
        table_thousands(batch->weight[i], table_cell(&table, i + 1, 1));
        write_load(report, (double)score->load_max, table_cell(&table, i + 1, 2));
        table_decimals(100 * score->imbalance, 2, table_cell(&table, i + 1, 3));
        table_decimals(100 * score->gap, 2, table_cell(&table, i + 1, 4));
        table_thousands(score->receive_total, table_cell(&table, i + 1, 5));
        table_decimals(figures_microseconds(score->step_time), 1,
                       table_cell(&table, i + 1, 6));
    }
    if (good) {
        fputc('\n', stream);
        table_print(&table, false, stream);
    }
    table_free(&table);
    return good || fail_memory(error);
}

bool report_print_summary(FILE *stream, const cli_report *report, cpb_error *error)
{
    print_plan(stream, report);
    print_terms(stream, report);
    print_loads(stream, report);
    print_traffic(stream, report);
    print_shape(stream, report);
    print_time(stream, report);
    return !report->layers || print_layers(stream, report, error);
}
