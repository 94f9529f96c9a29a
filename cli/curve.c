// SPDX-License-Identifier: Apache-2.0
/* What balance costs in traffic. */
#include "curve.h"

#include "figures.h"
#include "message.h"
#include "packs.h"
#include "row.h"
#include "setup.h"
#include "table.h"
#include "trial.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Parts per million; what --tolerance says is put among them. */
static const int64_t ladder[] = {0, 1000, 3000, 10000, 30000, 100000, 300000, 1000000};

enum { N_LADDER = sizeof ladder / sizeof *ladder, MOST_POINTS = N_LADDER + 1 };

/* A row of the curve. */
typedef struct point {
    int64_t tolerance_ppm;
    bool found;
    cli_trial trial; /* the plan that was found at this tolerance, where there is one */
    cpb_plan *kept;  /* runs of the plan that the row holds, under this tolerance */
    cli_report report; /* of it */
} point;

typedef struct curve {
    cli_batch batch;
    size_t n;
    point points[MOST_POINTS]; /* tolerances ascend */
} curve;

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Tokens in or out of the busiest card: a node's, or a rank's where there are none. */
static int64_t busiest(const cli_report *report)
{
    const cpb_score *const score = &report->all.score;
    return report->setup.nodes ? larger(score->net_in_max, score->net_out_max)
                               : larger(score->receive_max, score->send_max);
}

static void set_tolerances(int64_t asked, curve *to)
{
    for (size_t i = 0; i < N_LADDER; i++) {
        const bool first = asked < ladder[i] && (i == 0 || asked > ladder[i - 1]);
        if (first)
            to->points[to->n++].tolerance_ppm = asked;
        to->points[to->n++].tolerance_ppm = ladder[i];
    }
    if (asked > ladder[N_LADDER - 1])
        to->points[to->n++].tolerance_ppm = asked;
}

/* Plan at every tolerance. Plans that --peers refuses are left out; refuses where none
 * is left. */
static bool find(const cli_options *options, cpb_options *planner, curve *to,
                 cpb_error *error)
{
    bool any = false;
    for (size_t i = 0; i < to->n; i++) {
        point *const p = &to->points[i];
        planner->tolerance_ppm = p->tolerance_ppm;
        const trial_end end = trial_run(options, planner, &to->batch, &p->trial, error);
        if (end == TRIAL_FAILED)
            return false;
        p->found = end == TRIAL_MEASURED;
        any = any || p->found;
    }
    return any;
}

/* Whether a row of this tolerance holds `a` rather than `b`: of plans that keep it the one
 * with the least traffic, of others the one that misses it by least. Each tolerance then
 * chooses among all that tighter ones do, and traffic never grows. */
static bool is_better(const cli_report *a, const cli_report *b, int64_t tolerance_ppm)
{
    const cpb_score *const x = &a->all.score, *const y = &b->all.score;
    const bool a_keeps = measured_keeps(&a->all, tolerance_ppm);
    const bool b_keeps = measured_keeps(&b->all, tolerance_ppm);
    const double a_misses = measured_excess(&a->all),
                 b_misses = measured_excess(&b->all);
    if (a_keeps != b_keeps)
        return a_keeps;
    if (!a_keeps && a_misses != b_misses)
        return a_misses < b_misses;
    if (busiest(a) != busiest(b))
        return busiest(a) < busiest(b);
    if (x->receive_total != y->receive_total)
        return x->receive_total < y->receive_total;
    return x->load_max < y->load_max;
}

/* The same runs as a plan under another tolerance, which its receive bounds are for. */
static bool copy_plan(const cpb_plan *plan, int64_t tolerance_ppm, cpb_plan **copy,
                      cpb_error *error)
{
    const int32_t ranks = cpb_plan_ranks(plan);
    cpb_promise promise = *cpb_plan_promise(plan);
    int64_t *const first = calloc((size_t)ranks + 1, sizeof *first);
    if (!first)
        return fail_memory(error);
    for (int32_t r = 0; r < ranks; r++)
        first[r + 1] = first[r] + (int64_t)cpb_plan_n_runs(plan, r);
    promise.tolerance_ppm = tolerance_ppm;
    const bool good = succeeded(cpb_plan_create_runs(
        cpb_plan_tokens(plan), cpb_plan_padding(plan), ranks, first,
        cpb_plan_runs(plan, 0), &promise, NULL, copy, error));
    free(first);
    return good;
}

/* Give a row the best plan of the ladder, which has found one at least. */
static bool keep(const curve *from, point *row, cpb_error *error)
{
    size_t first = 0;
    while (!from->points[first].found)
        first++;
    const cli_report *best = &from->points[first].trial.report;
    for (size_t i = first + 1; i < from->n; i++) {
        const point *const p = &from->points[i];
        if (p->found && is_better(&p->trial.report, best, row->tolerance_ppm))
            best = &p->trial.report;
    }
    if (!copy_plan(best->plan, row->tolerance_ppm, &row->kept, error))
        return false;
    row->report = (cli_report){.plan = row->kept,
                               .batch = best->batch,
                               .setup = best->setup,
                               .tolerance_ppm = row->tolerance_ppm,
                               .combine = best->combine,
                               .balancer = best->balancer,
                               .chosen = best->chosen,
                               .plan_seconds = best->plan_seconds};
    return succeeded(report_measure(&row->report, error));
}

static void fill_row(const point *p, size_t row, cli_table *table)
{
    const cpb_score *const score = &p->report.all.score;
    snprintf(table_cell(table, row, 0), TABLE_CELL_BYTES, "%.10g",
             (double)p->tolerance_ppm / 1e4);
    table_decimals(100 * score->imbalance, 2, table_cell(table, row, 1));
    table_thousands(busiest(&p->report), table_cell(table, row, 2));
    table_thousands(score->receive_total, table_cell(table, row, 3));
    table_thousands(score->receive_bound, table_cell(table, row, 4));
    table_thousands(score->receive_max_bound, table_cell(table, row, 5));
    table_decimals(figures_microseconds(score->step_time), 1,
                   table_cell(table, row, 6));
}

static bool by_table(const curve *from, cpb_error *error)
{
    static const char *const titles[] = {"tolerance %", "imbalance %", "busiest",
                                         "received",    "bound",       "bound most",
                                         "step us"};
    enum { N_TITLES = sizeof titles / sizeof *titles };
    const cli_report *const report = &from->points[0].report;
    cli_table table;
    const bool good = table_create(from->n + 1, N_TITLES, &table);
    if (good) {
        for (size_t c = 0; c < N_TITLES; c++)
            strcpy(table_cell(&table, 0, c), titles[c]);
        for (size_t i = 0; i < from->n; i++)
            fill_row(&from->points[i], i + 1, &table);
        printf("%s at several tolerances, ", report->balancer);
        setup_print(&report->setup, cpb_plan_tokens(report->plan),
                    cpb_plan_ranks(report->plan));
        printf("\nbusiest: most tokens in or out of a %s; received: by all ranks; "
               "bound: what all ranks receive at least, bound most: the one that "
               "receives most\n\n",
               report->setup.nodes ? "node" : "rank");
        table_print(&table, false, stdout);
    }
    table_free(&table);
    return good || fail_memory(error);
}

static void by_csv(const curve *from)
{
    fputs("tolerance,busiest,", stdout);
    report_print_csv_names(stdout);
    for (size_t i = 0; i < from->n; i++) {
        const point *const p = &from->points[i];
        printf("\n%.10g,%" PRId64 ",", (double)p->tolerance_ppm / 1e6,
               busiest(&p->report));
        report_print_csv(stdout, &p->report);
    }
    fputc('\n', stdout);
}

static bool by_json(const curve *from, const cli_options *options, cpb_error *error)
{
    cli_recipe recipe = {0};
    bool good = recipe_write_command(options, &recipe, error);
    if (!good)
        return false;
    json_t *const list = json_array();
    for (size_t i = 0; i < from->n; i++) {
        json_t *const object = row_to_json(-1, &from->points[i].report, &recipe);
        if (object)
            json_put(object, "busiest", json_integer(busiest(&from->points[i].report)),
                     &good);
        json_push(list, object, &good);
    }
    good = good ? json_print_list(list, error) : fail_memory(error);
    json_decref(list);
    recipe_free(&recipe);
    return good;
}

static bool print(const curve *from, const cli_options *options, cpb_error *error)
{
    if (options->json)
        return by_json(from, options, error);
    if (!options->csv)
        return by_table(from, error);
    by_csv(from);
    return true;
}

static bool read_pack(const cli_options *options, cli_packs *packs, cli_batch *batch,
                      cpb_error *error)
{
    cli_list pack = {0};
    if (packs->n != 1)
        return fail(error, "--curve is for one pack; there are %" PRId64, packs->n);
    const bool good =
        packs_next(packs, &pack, error) && batch_read(options, &pack, batch, error);
    list_free(&pack);
    return good;
}

static bool read_batch(const cli_options *options, cli_batch *batch, cpb_error *error)
{
    cli_packs packs = {0};
    if (!options->packs && !options->sample)
        return batch_of(options, batch, error);
    const bool good =
        packs_open(options, &packs, error) && read_pack(options, &packs, batch, error);
    packs_close(&packs);
    return good;
}

static void free_curve(curve *c)
{
    for (size_t i = 0; i < c->n; i++) {
        report_free(&c->points[i].report);
        cpb_plan_free(c->points[i].kept);
        trial_free(&c->points[i].trial);
    }
    batch_free(&c->batch);
}

bool curve_run(const cli_options *options, cpb_error *error)
{
    curve c = {.n = 0};
    cpb_options planner;
    bool good = planner_options(options, &planner, error);
    if (good) {
        planner.balancer = "frugal";
        set_tolerances(planner.tolerance_ppm, &c);
        good =
            read_batch(options, &c.batch, error) && find(options, &planner, &c, error);
    }
    for (size_t i = 0; good && i < c.n; i++)
        good = keep(&c, &c.points[i], error);
    good = good && print(&c, options, error);
    free_curve(&c);
    return good;
}
