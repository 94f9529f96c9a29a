// SPDX-License-Identifier: Apache-2.0
/* What a run of `cpb attend` showed. */
#include "outcome.h"

#include "../message.h"

#include <math.h>
#include <string.h>

/* Errors that float sums stay below, relative to the largest value. */
static const double most_error = 1e-5, most_grad_error = 1e-4;

/* A largest value below this counts as this: a single key has no gradient at all. */
static const double least_largest = 0.1;

/* --- One rank over all passes, in seconds and bytes ------------------------------- */

static double compute_of(const run_result *result)
{
    return result->times[RUN_FORWARD].compute + result->times[RUN_BACKWARD].compute;
}

static double modelled_of(const cli_report *report, int32_t rank)
{
    return 1e-12 * (double)report->all.ranks[rank].compute;
}

static double wait_of(const run_result *result)
{
    double wait = 0;
    for (int p = 0; p < RUN_PASSES; p++)
        wait += result->times[p].end[CPB_PHASE_WAIT] -
                result->times[p].begin[CPB_PHASE_WAIT];
    return wait;
}

static int64_t bytes_in(const run_result *result)
{
    return result->times[RUN_FORWARD].bytes_in + result->times[RUN_BACKWARD].bytes_in;
}

static int64_t bytes_out(const run_result *result)
{
    return result->times[RUN_FORWARD].bytes_out + result->times[RUN_BACKWARD].bytes_out;
}

/* --- All ranks -------------------------------------------------------------------- */

/* Largest error of one array over all ranks; NaN where one is. */
static double error_of(const run_result *results, int32_t ranks, run_array array)
{
    double error = 0, largest = least_largest;
    for (int32_t r = 0; r < ranks; r++) {
        if (!(results[r].error[array] <= error))
            error = results[r].error[array];
        largest = fmax(largest, results[r].largest[array]);
    }
    return error / largest;
}

static double worse(double a, double b)
{
    return a >= b || isnan(a) ? a : b;
}

outcome outcome_of(const cli_report *report, const run_result *results, bool in_turn)
{
    const int32_t ranks = cpb_plan_ranks(report->plan);
    outcome o = {.predicted = 1 + report->all.score.imbalance};
    double sum = 0;
    for (int32_t r = 0; r < ranks; r++) {
        const double compute = compute_of(&results[r]);
        const double wait = in_turn ? 0 : wait_of(&results[r]);
        sum += compute;
        if (compute > 0)
            o.off = fmax(o.off, fabs(modelled_of(report, r) / compute - 1));
        o.slowest = fmax(o.slowest, compute);
        o.seconds = fmax(o.seconds, compute + wait);
        o.bytes += bytes_in(&results[r]);
        o.checked += results[r].checked;
    }
    o.mean = sum / ranks;
    o.speedup = o.seconds > 0 ? sum / o.seconds : 1;
    o.error_max =
        worse(error_of(results, ranks, RUN_OUT), error_of(results, ranks, RUN_LSE));
    for (int a = RUN_DQ; a <= RUN_DV; a++)
        o.error_grad_max =
            worse(error_of(results, ranks, (run_array)a), o.error_grad_max);
    return o;
}

bool outcome_judge(const outcome *o, const char *balancer, cpb_error *error)
{
    if (!(o->error_max <= most_error))
        return fail(error,
                    "%.40s: results differ from dense attention by %.2g of the largest "
                    "value; accepted is %.0e",
                    balancer, o->error_max, most_error);
    if (!(o->error_grad_max <= most_grad_error))
        return fail(error,
                    "%.40s: gradients differ from dense attention by %.2g of the "
                    "largest value; accepted is %.0e",
                    balancer, o->error_grad_max, most_grad_error);
    return true;
}

static json_t *rank_to_json(const cli_report *report, const run_result *result,
                            int32_t rank, outcome_way way)
{
    const cpb_rank_score *const score = &report->all.ranks[rank];
    const cpb_attend_times *const times = result->times;
    json_t *const object = json_object();
    bool good = object;
    json_put(object, "rank", json_integer(rank), &good);
    json_put(object, "tokens", json_integer(score->tokens), &good);
    json_put(object, "load", json_integer(score->load), &good);
    json_put(object, "compute_seconds", json_real(compute_of(result)), &good);
    json_put(object, "modelled_seconds", json_real(modelled_of(report, rank)), &good);
    json_put(object, "waiting_seconds",
             way.in_turn ? json_null() : json_real(wait_of(result)), &good);
    json_put(object, "bytes_in", json_integer(bytes_in(result)), &good);
    json_put(object, "bytes_out", json_integer(bytes_out(result)), &good);
    json_put(object, "memory", json_integer(result->arrays + result->scratch), &good);
    json_put(
        object, "full_tiles",
        json_integer(times[RUN_FORWARD].full_tiles + times[RUN_BACKWARD].full_tiles),
        &good);
    json_put(object, "partial_tiles",
             json_integer(times[RUN_FORWARD].partial_tiles +
                          times[RUN_BACKWARD].partial_tiles),
             &good);
    if (!good) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static double ratio(double a, double b)
{
    return b > 0 ? a / b : 1;
}

json_t *outcome_to_json(const cli_report *report, const run_job *job, const outcome *o,
                        outcome_way way)
{
    json_t *const object = report_to_json(report), *const ranks = json_array();
    bool good = object && ranks;
    for (int32_t r = 0; good && r < cpb_plan_ranks(report->plan); r++)
        json_push(ranks, rank_to_json(report, &job->results[r], r, way), &good);
    if (!good) {
        json_decref(object);
        json_decref(ranks);
        return NULL;
    }
    json_put(object, "error_max", json_real(o->error_max), &good);
    json_put(object, "error_grad_max",
             job->backward ? json_real(o->error_grad_max) : json_null(), &good);
    json_put(object, "positions_checked", json_integer(o->checked), &good);
    json_put(object, "processes", json_boolean(way.processes), &good);
    json_put(object, "in_turn", json_boolean(way.in_turn), &good);
    json_put(object, "seconds", json_real(o->seconds), &good);
    json_put(object, "slowest_over_mean", json_real(ratio(o->slowest, o->mean)), &good);
    json_put(object, "slowest_over_mean_planned", json_real(o->predicted), &good);
    json_put(object, "speedup", json_real(o->speedup), &good);
    json_put(object, "bytes_moved", json_integer(o->bytes), &good);
    json_put(object, "measured", ranks, &good);
    if (good)
        return object;
    json_decref(object);
    return NULL;
}

void outcome_print_way(FILE *stream, const cli_report *report, outcome_way way)
{
    const cpb_model *const model = &report->setup.model;
    char tokens[TABLE_CELL_BYTES], q[TABLE_CELL_BYTES], kv[TABLE_CELL_BYTES],
        ranks[TABLE_CELL_BYTES], cores[TABLE_CELL_BYTES];
    fprintf(stream, "attention   %s, %s, %s of %lld, %s\n",
            table_count(cpb_plan_tokens(report->plan), "token", tokens),
            table_count(model->q_heads, "query head", q),
            table_count(model->kv_heads, "key head", kv), (long long)model->head_dim,
            report->setup.backward ? "forward and backward" : "forward");
    table_count(cpb_plan_ranks(report->plan), "rank", ranks);
    table_count(way.cores, "core", cores);
    if (way.in_turn)
        fprintf(stream,
                "ran         %s one after another on %s, each timed alone: waiting is "
                "not measured\n",
                ranks, cores);
    else if (way.processes)
        fprintf(stream, "ran         %s at once as processes\n", ranks);
    else
        fprintf(stream, "ran         %s at once on %s\n", ranks, cores);
}

static void fill_rank(cli_table *table, const cli_report *report,
                      const run_result *result, int32_t rank, outcome_way way)
{
    const cpb_rank_score *const score = &report->all.ranks[rank];
    const size_t row = (size_t)rank + 1;
    snprintf(table_cell(table, row, 0), TABLE_CELL_BYTES, "%d", (int)rank);
    table_thousands(score->tokens, table_cell(table, row, 1));
    table_thousands(score->load, table_cell(table, row, 2));
    table_decimals(1e3 * compute_of(result), 2, table_cell(table, row, 3));
    if (way.in_turn)
        snprintf(table_cell(table, row, 4), TABLE_CELL_BYTES, "-");
    else
        table_decimals(1e3 * wait_of(result), 2, table_cell(table, row, 4));
    table_thousands(bytes_in(result), table_cell(table, row, 5));
    table_thousands(bytes_out(result), table_cell(table, row, 6));
    if (way.modelled)
        table_decimals(1e3 * modelled_of(report, rank), 2, table_cell(table, row, 7));
}

bool outcome_print(FILE *stream, const cli_report *report, const run_job *job,
                   const outcome *o, outcome_way way, cpb_error *error)
{
    static const char *const titles[] = {"rank",       "tokens",     "load",
                                         "compute ms", "waiting ms", "bytes in",
                                         "bytes out",  "modelled ms"};
    const size_t n_titles = sizeof titles / sizeof *titles - !way.modelled;
    const int32_t ranks = cpb_plan_ranks(report->plan);
    cli_table table;
    if (!table_create((size_t)ranks + 1, n_titles, &table))
        return fail_memory(error);
    for (size_t c = 0; c < n_titles; c++)
        snprintf(table_cell(&table, 0, c), TABLE_CELL_BYTES, "%s", titles[c]);
    for (int32_t r = 0; r < ranks; r++)
        fill_rank(&table, report, &job->results[r], r, way);
    fprintf(stream, "plan        %s, hash %016llx\n", report->chosen,
            (unsigned long long)cpb_plan_hash(report->plan));
    outcome_print_way(stream, report, way);
    fputc('\n', stream);
    table_print(&table, table_is_terminal(stream), stream);
    table_free(&table);
    fprintf(
        stream,
        "\nslowest     %.3f of the mean rank, %.3f by the plan\n"
        "speed-up    %.2f over one rank: compute of all ranks / time of the slowest\n"
        "error       %.1e of the largest value",
        ratio(o->slowest, o->mean), o->predicted, o->speedup, o->error_max);
    if (job->backward)
        fprintf(stream, ", gradients %.1e", o->error_grad_max);
    fprintf(stream, ": %lld of %lld positions against dense attention in double\n",
            (long long)o->checked, (long long)cpb_plan_tokens(report->plan));
    if (way.modelled)
        fprintf(stream, "modelled    compute of every rank within %.1f %% by %s\n",
                100 * o->off, report->setup.profile.name);
    return true;
}

bool outcome_print_table(FILE *stream, size_t n, const outcome *o,
                         char (*names)[TABLE_CELL_BYTES], cpb_error *error)
{
    static const char *const titles[] = {"balancer", "slowest/mean", "planned",
                                         "step ms",  "speed-up",     "bytes moved",
                                         "error",    "gradients"};
    enum { N_TITLES = sizeof titles / sizeof *titles };
    cli_table table;
    if (!table_create(n + 1, N_TITLES, &table))
        return fail_memory(error);
    for (size_t c = 0; c < N_TITLES; c++)
        snprintf(table_cell(&table, 0, c), TABLE_CELL_BYTES, "%s", titles[c]);
    for (size_t i = 0; i < n; i++) {
        memcpy(table_cell(&table, i + 1, 0), names[i], TABLE_CELL_BYTES);
        table_decimals(ratio(o[i].slowest, o[i].mean), 3, table_cell(&table, i + 1, 1));
        table_decimals(o[i].predicted, 3, table_cell(&table, i + 1, 2));
        table_decimals(1e3 * o[i].seconds, 2, table_cell(&table, i + 1, 3));
        table_decimals(o[i].speedup, 2, table_cell(&table, i + 1, 4));
        table_thousands(o[i].bytes, table_cell(&table, i + 1, 5));
        snprintf(table_cell(&table, i + 1, 6), TABLE_CELL_BYTES, "%.1e",
                 o[i].error_max);
        snprintf(table_cell(&table, i + 1, 7), TABLE_CELL_BYTES, "%.1e",
                 o[i].error_grad_max);
    }
    fputc('\n', stream);
    table_print(&table, table_is_terminal(stream), stream);
    table_free(&table);
    return true;
}
