// SPDX-License-Identifier: Apache-2.0
/* The figures of a schedule. */
#include "schedule.h"

#include "../base/error.h"

/* Sum and largest over ranks. */
typedef struct spread {
    cpb_wide sum; /* of times, whose sum over ranks may be beyond 64 bits */
    int64_t largest;
} spread;

static spread over_ranks(const int64_t *value, int32_t ranks)
{
    spread s = {0};
    for (int32_t r = 0; r < ranks; r++) {
        s.sum += value[r];
        s.largest = cpb_max(s.largest, value[r]);
    }
    return s;
}

static double excess(int64_t largest, cpb_wide sum, int64_t n)
{
    return sum ? (double)largest * (double)n / (double)sum - 1 : 0;
}

static void measure_ranks(const cpb_timeline *t, cpb_schedule_score *score)
{
    const int32_t ranks = t->batch->domain->ranks;
    const spread work = over_ranks(t->work, ranks);
    const spread tokens = over_ranks(t->tokens, ranks);
    score->token_imbalance = excess(tokens.largest, tokens.sum, ranks);
    score->padding = (int64_t)tokens.sum - t->batch->tokens;
    score->received_max = over_ranks(t->keys, ranks).largest;
    score->wire = over_ranks(t->wire, ranks).largest;
    score->busy = t->time ? (double)work.sum / ((double)t->time * (double)ranks) : 1;
    score->time_imbalance = t->batch->domain->meet == CPB_MEET_STEP
                                ? excess(work.largest, work.sum, ranks)
                                : excess(t->largest_times, t->all_times, ranks);
}

/* Of `n` things spread evenly over the tokens of a job, those on its `at`-th rank. */
static int64_t on_rank(const cpb_timeline *t, int64_t j, int64_t n, int32_t at)
{
    const cpb_place *const place = &t->draft->place[j];
    const cpb_job *const job = &t->batch->jobs[j];
    if (!place->cut)
        return cpb_price_tokens(n, place->ranks, at);
    const cpb_job_part part = cpb_batch_part(job, place, t->draft->cuts, at);
    return part.end * n / job->tokens - part.begin * n / job->tokens;
}

/* Tokens of a job that do not lie on `holder`. */
static int64_t rerouted(const cpb_timeline *t, int64_t j, int32_t holder)
{
    const int64_t tokens = t->batch->jobs[j].tokens;
    if (holder < 0)
        return 0;
    const int32_t at = holder - t->draft->place[j].first;
    const bool holds = at >= 0 && at < t->draft->place[j].ranks;
    return tokens - (holds ? on_rank(t, j, tokens, at) : 0);
}

/* Keys that the ranks of a job get from each other. */
static int64_t received(const cpb_timeline *t, int64_t j)
{
    const cpb_place *const place = &t->draft->place[j];
    int64_t sum = 0;
    if (!place->cut)
        return cpb_price_received(t->batch->jobs[j].tokens, place->ranks);
    for (int32_t i = 1; i < place->ranks; i++)
        sum += t->draft->cuts[place->cut - 2 + i];
    return sum;
}

/* Replicas are what groups tie together; sum the loss tokens of the ranks of each. */
static void measure_replicas(const cpb_timeline *t, const int64_t *loss, int32_t *reach,
                             cpb_schedule_score *score)
{
    const int32_t ranks = t->batch->domain->ranks;
    int64_t sum = 0;
    int32_t end = 0;
    for (int64_t g = 0; g < t->n_groups; g++) {
        int32_t *const to = &reach[t->groups[g].first];
        *to = (int32_t)cpb_max(*to, t->groups[g].first + t->groups[g].ranks);
    }
    for (int32_t r = 0; r < ranks; r++) {
        if (r == end) {
            score->replicas++;
            sum = 0;
        }
        sum += loss[r];
        end = (int32_t)cpb_max(cpb_max(end, r + 1), reach[r]);
        score->replica_loss_max = cpb_max(score->replica_loss_max, sum);
    }
    score->replica_loss_mean =
        score->loss_mean * (double)ranks / (double)score->replicas;
}

/* Loss tokens of a document spread evenly over its ranks. */
static cpb_status measure_loss(const cpb_timeline *t, cpb_arena *scratch,
                               cpb_schedule_score *score, cpb_error *error)
{
    const cpb_documents *const documents = t->batch->documents;
    const int32_t ranks = t->batch->domain->ranks;
    int64_t *const loss = cpb_arena_zeros(scratch, (size_t)ranks, sizeof *loss);
    int32_t *const reach = cpb_arena_zeros(scratch, (size_t)ranks, sizeof *reach);
    if (!loss || !reach)
        return cpb_fail_memory(error);
    for (int64_t j = 0; j < t->batch->n; j++) {
        const cpb_place *const place = &t->draft->place[j];
        const int64_t d = t->batch->jobs[j].document;
        const int64_t tokens =
            documents->loss ? documents->loss[d] : documents->tokens[d];
        for (int32_t i = 0; i < place->ranks; i++)
            loss[place->first + i] += on_rank(t, j, tokens, i);
    }
    const spread s = over_ranks(loss, ranks);
    score->loss_max = s.largest;
    score->loss_mean = (double)s.sum / (double)ranks;
    measure_replicas(t, loss, reach, score);
    return CPB_OK;
}

static void measure_documents(const cpb_timeline *t, cpb_schedule_score *score)
{
    const cpb_documents *const documents = t->batch->documents;
    double weighted = 0;
    for (int64_t j = 0; j < t->batch->n; j++) {
        const cpb_place *const place = &t->draft->place[j];
        const cpb_job *const job = &t->batch->jobs[j];
        const int64_t d = job->document;
        score->split += place->ranks > 1;
        weighted += (double)job->tokens * (double)place->ranks;
        score->received += received(t, j);
        if (documents->holder)
            score->rerouted += rerouted(t, j, documents->holder[d]);
        if (documents->waited)
            score->waited_max = cpb_max(score->waited_max, documents->waited[d]);
    }
    score->rerouted_bytes = score->rerouted * t->batch->domain->token_bytes;
    score->group_mean = t->batch->tokens ? weighted / (double)t->batch->tokens : 0;
}

cpb_status cpb_schedule_measure(const cpb_timeline *t, cpb_schedule_score *score,
                                cpb_error *error)
{
    cpb_arena scratch = {.allocator = t->batch->scratch->allocator};
    cpb_moves moves;
    cpb_status status;
    *score = (cpb_schedule_score){
        .time = t->time,
        .micro_batches = t->draft->micro_batches,
        .groups = t->n_groups,
        .tokens = t->batch->tokens,
        .left_over = t->batch->documents->n - t->batch->n,
        .tokens_max = t->tokens_max,
    };
    CPB_TRY(cpb_schedule_bound(t->batch, &score->bound, error));
    score->gap = score->bound ? (double)t->time / (double)score->bound - 1 : 0;
    measure_ranks(t, score);
    measure_documents(t, score);
    CPB_TRY(measure_loss(t, &scratch, score, error));
    CPB_TRY(cpb_schedule_moves(t->batch, t->draft, &moves, error));
    score->moved_max = moves.most;
    score->moved_mean = t->batch->n ? (double)moves.sum / (double)t->batch->n : 0;
done:
    cpb_arena_free(&scratch);
    return status;
}
