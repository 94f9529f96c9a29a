// SPDX-License-Identifier: Apache-2.0
/* What a sweep comes to: collecting it. */
#define _XOPEN_SOURCE 700 /* POSIX 2008 */
#include "answer.h"

#include "message.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double imbalance(const cli_row *row)
{
    return 100 * row->imbalance;
}

static double gap(const cli_row *row)
{
    return 100 * row->gap;
}

static double received(const cli_row *row)
{
    return (double)row->receive_total / (double)row->tokens;
}

static double runs(const cli_row *row)
{
    return (double)row->runs_max;
}

static double memory(const cli_row *row)
{
    return (double)row->memory_max / (1 << 20);
}

static double step(const cli_row *row)
{
    return row->step_time;
}

/* Nanoseconds of all ranks together: what a token costs where the number of ranks of
 * all groups together is given. */
static double per_token(const cli_row *row)
{
    return 1e3 * (double)row->ranks * row->step_time / (double)row->tokens;
}

static double plan_time(const cli_row *row)
{
    return 1e3 * row->plan_seconds;
}

const answer_column answer_columns[ANSWER_COLUMNS] = {
    {"imbalance %", 2, imbalance}, {"gap %", 2, gap},
    {"received", 2, received},     {"runs", 0, runs},
    {"memory MiB", 1, memory},     {"step us", 1, step},
    {"ns/token", 2, per_token},    {"plan ms", 3, plan_time}};

static size_t position(const cli_list *list, int64_t value)
{
    size_t i = 0;
    while (i < list->n && list->value[i] != value)
        i++;
    return i;
}

int64_t answer_group_of(const cli_axes *axes, const cli_row *row)
{
    const size_t t = position(&axes->tolerance_ppm, llround(row->tolerance * 1e6));
    const size_t r = position(&axes->ranks, row->ranks);
    size_t b = 0;
    while (b < axes->balancer.n &&
           strcmp(row->balancer, cpb_balancer_name((size_t)axes->balancer.value[b])))
        b++;
    if (r == axes->ranks.n || t == axes->tolerance_ppm.n || b == axes->balancer.n)
        return -1;
    return (int64_t)((r * axes->tolerance_ppm.n + t) * axes->balancer.n + b);
}

bool answer_create(const cli_axes *axes, const cpb_setup *setup, cli_answer *answer,
                   cpb_error *error)
{
    const size_t n = axes_size(axes);
    *answer = (cli_answer){.axes = axes, .setup = setup, .n_groups = n, .pack = -1};
    answer->groups = calloc(n, sizeof *answer->groups);
    answer->wins = calloc(n * n, sizeof *answer->wins);
    answer->now = calloc(n, sizeof *answer->now);
    return (answer->groups && answer->wins && answer->now) || fail_memory(error);
}

void answer_free(cli_answer *answer)
{
    for (size_t g = 0; answer->groups && g < answer->n_groups; g++)
        for (size_t c = 0; c < ANSWER_COLUMNS; c++)
            spread_free(&answer->groups[g].spread[c]);
    free(answer->groups);
    free(answer->wins);
    free(answer->now);
    *answer = (cli_answer){0};
}

/* The pack at hand is complete: who took less than whom. */
static void end_pack(cli_answer *answer)
{
    const size_t n = answer->n_groups;
    for (size_t g = 0; answer->pack >= 0 && g < n; g++)
        for (size_t h = 0; answer->now[g] >= 0 && h < n; h++)
            answer->wins[g * n + h] += answer->now[g] < answer->now[h];
    answer->n_packs += answer->pack >= 0;
    for (size_t g = 0; g < n; g++)
        answer->now[g] = -1;
}

bool answer_add(cli_answer *answer, const cli_row *row, cpb_error *error)
{
    const size_t at = (size_t)answer_group_of(answer->axes, row);
    answer_group *const group = &answer->groups[at];
    if (row->pack != answer->pack)
        end_pack(answer);
    answer->pack = row->pack;
    answer->now[at] = per_token(row);
    group->packs++;
    group->step_time += row->step_time;
    group->tokens += (double)row->tokens;
    if (row->memory_max > group->memory_max)
        group->memory_max = row->memory_max;
    for (size_t c = 0; c < ANSWER_COLUMNS; c++)
        if (!spread_add(&group->spread[c], answer_columns[c].value(row)))
            return fail_memory(error);
    return true;
}

void answer_refuse(cli_answer *answer, size_t group, const cpb_error *why)
{
    answer->groups[group].refused = *why;
}

bool answer_end(cli_answer *answer, cpb_error *error)
{
    end_pack(answer);
    answer->pack = -1;
    if (answer->n_packs)
        return true;
    fail(error, "there are no packs");
    for (size_t g = 0; g < answer->n_groups; g++)
        if (*answer->groups[g].refused.message)
            *error = answer->groups[g].refused;
    return fail_at(error, "no balancer is left");
}

int64_t answer_ranks(const cli_answer *answer, size_t group)
{
    const cli_axes *const axes = answer->axes;
    return axes->ranks.value[group / axes->balancer.n / axes->tolerance_ppm.n];
}

double answer_tolerance(const cli_answer *answer, size_t group)
{
    const cli_axes *const axes = answer->axes;
    const size_t t = group / axes->balancer.n % axes->tolerance_ppm.n;
    return (double)axes->tolerance_ppm.value[t] / 1e6;
}

const char *answer_balancer(const cli_answer *answer, size_t group)
{
    const cli_list *const balancer = &answer->axes->balancer;
    return cpb_balancer_name((size_t)balancer->value[group % balancer->n]);
}

double answer_time(const cli_answer *answer, size_t group)
{
    const answer_group *const of = &answer->groups[group];
    return 1e3 * (double)answer_ranks(answer, group) * of->step_time / of->tokens;
}
