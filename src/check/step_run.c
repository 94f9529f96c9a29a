// SPDX-License-Identifier: Apache-2.0
/* A walk through the micro-batches of a schedule: the laws of each, who waits for whom,
 * and the figures. */
#include "step.h"

#include "../base/error.h"
#include "../base/range.h"

#include <string.h>

/* Sums over the walk, [ranks] each. */
typedef struct walk {
    cpb_step *step;
    int64_t begin, end;     /* documents of the micro-batch at hand */
    int64_t *ready, *since; /* when a rank is free; when its last group started */
    int64_t *work, *tokens, *wire, *keys, *loss;
    int32_t *seen_single; /* the last micro-batch in which this rank was a group */
    int32_t *seen_many;   /* in which a group of several started at this rank */
    int32_t *tied;        /* -1 where no group has both this rank and the one before */
    int64_t largest_sum, longest, moved;
    int32_t micro;
} walk;

static cpb_status join(walk *w, int64_t d, cpb_error *error)
{
    cpb_step *const step = w->step;
    int32_t first, ranks;
    cpb_step_group(step, &step->claim->placement[d], &first, &ranks);
    for (int32_t r = first; r < first + ranks && ranks > 1; r++) {
        w->tied[r] = r > first ? 0 : w->tied[r];
        if (step->holds[r] == -1) {
            step->holds[r] = first;
            step->held[r] = ranks;
        } else if (step->holds[r] != first || step->held[r] != ranks) {
            return cpb_fail(error, CPB_REFUTED, d,
                            "document %lld: rank %d is in two groups of several ranks "
                            "in micro-batch %d",
                            (long long)d, r, w->micro);
        }
    }
    int32_t *const seen = ranks > 1 ? &w->seen_many[first] : &w->seen_single[first];
    step->counted.groups += *seen != w->micro;
    *seen = w->micro;
    return CPB_OK;
}

static cpb_status check_one_size(const walk *w, cpb_error *error)
{
    const cpb_step *const step = w->step;
    int32_t first, ranks, size;
    cpb_step_group(step, &step->claim->placement[step->sorted[w->begin]], &first,
                   &size);
    for (int64_t i = w->begin; i < w->end && step->domain->one_size; i++) {
        const int64_t d = step->sorted[i];
        cpb_step_group(step, &step->claim->placement[d], &first, &ranks);
        if (ranks != size)
            return cpb_fail(error, CPB_REFUTED, d,
                            "document %lld: groups of %d and %d ranks are in "
                            "micro-batch %d, but one size is asked for",
                            (long long)d, size, ranks, w->micro);
    }
    return CPB_OK;
}

static void add_document(walk *w, int64_t d)
{
    cpb_step *const step = w->step;
    const cpb_placement *const p = &step->claim->placement[d];
    cpb_duty duty = cpb_step_price(step, d, 0);
    for (int32_t i = 0; i < p->ranks; i++) {
        cpb_duty *const sum = &step->duty[p->first + i];
        if (p->cuts >= 0)
            duty = cpb_step_price(step, d, i);
        sum->tokens += duty.tokens;
        sum->received += duty.received;
        sum->attention = cpb_exact_plus(&step->exact, sum->attention, duty.attention);
        sum->own = cpb_exact_plus(&step->exact, sum->own, duty.own);
        sum->wire = cpb_exact_plus(&step->exact, sum->wire, duty.wire);
    }
}

static cpb_status check_budget(const walk *w, int64_t d, cpb_error *error)
{
    const cpb_step *const step = w->step;
    const cpb_placement *const p = &step->claim->placement[d];
    for (int32_t r = p->first; r < p->first + p->ranks; r++) {
        const int64_t tokens = cpb_step_padded(step, &step->duty[r]);
        if (tokens > step->domain->budget)
            return cpb_fail(
                error, CPB_REFUTED, d,
                "rank %d holds %lld tokens in micro-batch %d, more than the "
                "budget of %lld",
                r, (long long)tokens, w->micro, (long long)step->domain->budget);
    }
    return CPB_OK;
}

/* Run the group of several ranks that starts at `first`: all wait for the last one and
 * leave with the slowest. */
static void run_many(walk *w, int32_t first, int32_t ranks)
{
    int64_t start = 0, time = 0;
    for (int32_t r = first; r < first + ranks; r++) {
        start = cpb_max(start, w->ready[r]);
        time = cpb_max(time, cpb_step_time(w->step, &w->step->duty[r]));
    }
    for (int32_t r = first; r < first + ranks; r++) {
        w->since[r] = start;
        w->ready[r] = cpb_exact_plus(&w->step->exact, start, time);
    }
}

/* Move every rank of the micro-batch on. `holds` of a group that has run is -2. */
static void run_ranks(walk *w)
{
    cpb_step *const step = w->step;
    for (int64_t i = w->begin; i < w->end; i++) {
        int32_t first, ranks;
        cpb_step_group(step, &step->claim->placement[step->sorted[i]], &first, &ranks);
        if (step->holds[first] >= 0) {
            const int32_t from = step->holds[first], size = step->held[first];
            run_many(w, from, size);
            for (int32_t r = from; r < from + size; r++)
                step->holds[r] = -2;
        } else if (step->holds[first] == -1) {
            const int64_t time = cpb_step_time(step, &step->duty[first]);
            w->since[first] = w->ready[first];
            w->ready[first] = cpb_exact_plus(&step->exact, w->ready[first], time);
            step->holds[first] = -2;
        }
    }
}

/* Add the duties of the micro-batch up and clear them; returns the longest time. */
static int64_t settle(walk *w)
{
    cpb_step *const step = w->step;
    int64_t largest = 0;
    for (int64_t i = w->begin; i < w->end; i++) {
        int32_t first, ranks;
        cpb_step_group(step, &step->claim->placement[step->sorted[i]], &first, &ranks);
        for (int32_t r = first; r < first + ranks; r++) {
            cpb_duty *const duty = &step->duty[r];
            const int64_t time = cpb_step_time(step, duty);
            const int64_t padded = cpb_step_padded(step, duty);
            largest = cpb_max(largest, time);
            w->work[r] = cpb_exact_plus(&step->exact, w->work[r], time);
            w->tokens[r] += padded;
            w->wire[r] = cpb_exact_plus(&step->exact, w->wire[r], duty->wire);
            w->keys[r] += duty->received;
            step->counted.tokens_max = cpb_max(step->counted.tokens_max, padded);
            *duty = (cpb_duty){0};
            step->holds[r] = -1;
        }
    }
    w->largest_sum = cpb_exact_plus(&step->exact, w->largest_sum, largest);
    w->longest = cpb_max(w->longest, largest);
    return largest;
}

/* With a barrier, everybody starts together and leaves together. */
static void meet(walk *w, int64_t start)
{
    for (int64_t i = w->begin; i < w->end; i++) {
        int32_t first, ranks;
        cpb_step_group(w->step, &w->step->claim->placement[w->step->sorted[i]], &first,
                       &ranks);
        w->since[first] = start;
        w->ready[first] = w->largest_sum;
    }
}

static cpb_status walk_micro(walk *w, cpb_error *error)
{
    cpb_step *const step = w->step;
    const int64_t before = w->largest_sum;
    cpb_status status;
    for (int64_t i = w->begin; i < w->end; i++) {
        CPB_TRY(join(w, step->sorted[i], error));
        add_document(w, step->sorted[i]);
    }
    CPB_TRY(check_one_size(w, error));
    for (int64_t i = w->begin; i < w->end; i++)
        CPB_TRY(check_budget(w, step->sorted[i], error));
    if (step->domain->meet == CPB_MEET_STEP)
        run_ranks(w);
    settle(w);
    if (step->domain->meet == CPB_MEET_MICRO)
        meet(w, before);
    CPB_TRY(
        cpb_step_groups(step, w->micro, w->begin, w->end, w->since, w->ready, error));
done:
    return status;
}

static int64_t piece_of(int64_t tokens, int32_t ranks, int32_t i)
{
    return (i + 1) * tokens / ranks - i * tokens / ranks;
}

/* Keys that the ranks of a document need and do not hold, rank by rank: a rank sees up to
 * the end of its last piece. */
static int64_t received(int64_t tokens, int32_t ranks)
{
    int64_t sum = 0, head_end = 0, tail_end = tokens;
    for (int32_t i = 0; i < ranks; i++) {
        const int64_t held = piece_of(tokens, ranks, i);
        head_end += held - held / 2;
        const int64_t sees = held / 2 ? tail_end : held ? head_end : 0;
        sum += sees - held;
        tail_end -= held / 2;
    }
    return sum;
}

int64_t cpb_step_part(const cpb_step *step, int64_t d, int64_t n, int32_t i)
{
    const cpb_placement *const p = &step->claim->placement[d];
    const int64_t tokens = step->documents->tokens[d];
    if (p->cuts < 0)
        return piece_of(n, p->ranks, i);
    return cpb_step_cut(step, d, i + 1) * n / tokens -
           cpb_step_cut(step, d, i) * n / tokens;
}

static void count_document(walk *w, int64_t at)
{
    cpb_step *const step = w->step;
    const cpb_documents *const all = step->documents;
    const int64_t d = step->sorted[at], tokens = all->tokens[d];
    const cpb_placement *const p = &step->claim->placement[d];
    const int64_t k = step->kth[d];
    const int64_t moved = k < w->begin  ? w->begin - k
                          : k >= w->end ? k - w->end + 1
                                        : 0;
    cpb_schedule_score *const c = &step->counted;
    c->tokens += tokens;
    c->split += p->ranks > 1;
    c->group_mean += (double)tokens * (double)p->ranks;
    c->received += p->cuts < 0 ? received(tokens, p->ranks) : 0;
    c->moved_max = cpb_max(c->moved_max, moved);
    w->moved += moved;
    if (all->waited)
        c->waited_max = cpb_max(c->waited_max, all->waited[d]);
    for (int32_t i = 0; i < p->ranks; i++) {
        w->loss[p->first + i] +=
            cpb_step_part(step, d, all->loss ? all->loss[d] : tokens, i);
        c->received += p->cuts < 0 ? 0 : cpb_step_cut(step, d, i);
        if (all->holder && all->holder[d] >= 0 && all->holder[d] != p->first + i)
            c->rerouted += cpb_step_part(step, d, tokens, i);
    }
}

static int64_t most(const int64_t *value, int32_t n, double *sum)
{
    int64_t largest = 0;
    *sum = 0;
    for (int32_t r = 0; r < n; r++) {
        *sum += (double)value[r];
        largest = cpb_max(largest, value[r]);
    }
    return largest;
}

/* Ranks that groups tie together are one replica. */
static void count_replicas(walk *w)
{
    const int32_t ranks = w->step->domain->ranks;
    cpb_schedule_score *const c = &w->step->counted;
    int64_t sum = 0, all = 0;
    for (int32_t r = 0; r < ranks; r++) {
        c->replicas += w->tied[r] < 0;
        sum = w->loss[r] + (w->tied[r] < 0 ? 0 : sum);
        all += w->loss[r];
        c->replica_loss_max = cpb_max(c->replica_loss_max, sum);
    }
    c->replica_loss_mean = (double)all / (double)c->replicas;
}

static double excess(int64_t largest, double sum, int32_t n)
{
    return sum > 0 ? (double)largest * n / sum - 1 : 0;
}

static void finish(walk *w)
{
    cpb_step *const step = w->step;
    const cpb_domain *const domain = step->domain;
    const int32_t ranks = domain->ranks;
    cpb_schedule_score *const c = &step->counted;
    double work, sum;
    const int64_t work_max = most(w->work, ranks, &work);
    const bool meet = domain->meet == CPB_MEET_MICRO;
    c->time = meet ? w->largest_sum : most(w->ready, ranks, &sum);
    for (int32_t i = 1; i < domain->stages; i++)
        c->time = cpb_exact_plus(&step->exact, c->time, w->longest);
    c->micro_batches = step->claim->micro_batches;
    c->left_over = step->documents->n - step->n_in;
    c->group_mean = c->tokens ? c->group_mean / (double)c->tokens : 0;
    c->busy = c->time ? work / ((double)c->time * ranks) : 1;
    c->time_imbalance = excess(meet ? w->largest_sum : work_max, work, ranks);
    const int64_t tokens = most(w->tokens, ranks, &sum);
    c->token_imbalance = excess(tokens, sum, ranks);
    c->padding = (int64_t)sum - c->tokens;
    c->received_max = most(w->keys, ranks, &sum);
    c->wire = most(w->wire, ranks, &sum);
    c->loss_max = most(w->loss, ranks, &sum);
    c->loss_mean = sum / ranks;
    count_replicas(w);
    c->rerouted_bytes = c->rerouted * domain->token_bytes;
    c->moved_mean = step->n_in ? (double)w->moved / (double)step->n_in : 0;
}

cpb_status cpb_step_run(cpb_step *step, cpb_error *error)
{
    const size_t ranks = (size_t)step->domain->ranks;
    walk w = {.step = step};
    int64_t **const sums[] = {&w.ready, &w.since, &w.work, &w.tokens,
                              &w.wire,  &w.keys,  &w.loss};
    int32_t **const marks[] = {&w.seen_single, &w.seen_many, &w.tied, &step->holds,
                               &step->held};
    cpb_status status = CPB_OK;
    step->duty = cpb_arena_zeros(step->arena, ranks, sizeof *step->duty);
    bool good = step->duty;
    for (size_t i = 0; i < sizeof sums / sizeof *sums; i++)
        good =
            (*sums[i] = cpb_arena_zeros(step->arena, ranks, sizeof **sums[i])) && good;
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        *marks[i] = cpb_arena_take(step->arena, ranks, sizeof **marks[i]);
        good = *marks[i] && good;
        if (*marks[i])
            memset(*marks[i], -1, ranks * sizeof **marks[i]);
    }
    if (!good)
        return cpb_fail_memory(error);
    for (w.begin = 0; w.begin < step->n_in; w.begin = w.end) {
        w.micro = step->claim->placement[step->sorted[w.begin]].micro_batch;
        for (w.end = w.begin; w.end < step->n_in; w.end++)
            if (step->claim->placement[step->sorted[w.end]].micro_batch != w.micro)
                break;
        CPB_TRY(walk_micro(&w, error));
        for (int64_t i = w.begin; i < w.end; i++)
            count_document(&w, i);
    }
    if (step->claim->groups && step->next_group != step->claim->n_groups) {
        status = cpb_fail(
            error, CPB_REFUTED, -1, "%lld groups are stated, a recount gives %lld",
            (long long)step->claim->n_groups, (long long)step->next_group);
        goto done;
    }
    CPB_TRY(cpb_step_reroutes(step, error));
    finish(&w);
done:
    return status;
}
