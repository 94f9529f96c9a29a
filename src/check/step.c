// SPDX-License-Identifier: Apache-2.0
/* The proof of a schedule: laws, a walk, and what is stated beside what was counted. */
#include "step.h"

#include "../base/error.h"
#include "../base/hash.h"

#include <math.h>

typedef enum figure_type { COUNT, SMALL_COUNT, TIME, RATIO } figure_type;

typedef struct figure {
    const char *name;
    size_t offset;
    figure_type type;
} figure;

/* clang-format off */
#define FIGURE(name, type) {#name, offsetof(cpb_schedule_score, name), type}
/* clang-format on */

static const figure figures[] = {
    FIGURE(time, TIME),
    FIGURE(gap, RATIO),
    FIGURE(micro_batches, SMALL_COUNT),
    FIGURE(groups, COUNT),
    FIGURE(tokens, COUNT),
    FIGURE(left_over, COUNT),
    FIGURE(split, COUNT),
    FIGURE(group_mean, RATIO),
    FIGURE(busy, RATIO),
    FIGURE(time_imbalance, RATIO),
    FIGURE(token_imbalance, RATIO),
    FIGURE(tokens_max, COUNT),
    FIGURE(padding, COUNT),
    FIGURE(received, COUNT),
    FIGURE(received_max, COUNT),
    FIGURE(wire, TIME),
    FIGURE(rerouted, COUNT),
    FIGURE(rerouted_bytes, COUNT),
    FIGURE(moved_max, COUNT),
    FIGURE(moved_mean, RATIO),
    FIGURE(waited_max, COUNT),
    FIGURE(loss_max, COUNT),
    FIGURE(loss_mean, RATIO),
    FIGURE(replicas, COUNT),
    FIGURE(replica_loss_max, COUNT),
    FIGURE(replica_loss_mean, RATIO),
};

static double value_of(const cpb_schedule_score *score, const figure *f)
{
    const void *const at = (const char *)score + f->offset;
    if (f->type == RATIO)
        return *(const double *)at;
    return f->type == SMALL_COUNT ? (double)*(const int32_t *)at
                                  : (double)*(const int64_t *)at;
}

/* Counts stay below 2^58; those that differ in their last bits only, as doubles, are told
 * apart by the integers themselves. */
static bool same(const cpb_schedule_score *a, const cpb_schedule_score *b,
                 const figure *f)
{
    const void *const at_a = (const char *)a + f->offset;
    const void *const at_b = (const char *)b + f->offset;
    if (f->type == COUNT)
        return *(const int64_t *)at_a == *(const int64_t *)at_b;
    if (f->type == TIME)
        return cpb_step_same_time(*(const int64_t *)at_a, *(const int64_t *)at_b);
    const double x = value_of(a, f), y = value_of(b, f);
    return f->type == RATIO ? fabs(x - y) <= 1e-9 * (1 + fabs(y)) : x == y;
}

static cpb_status compare(const cpb_step *step, cpb_error *error)
{
    const cpb_schedule_score *const stated = step->claim->score;
    cpb_schedule_score counted = step->counted;
    if (stated->bound < 0 || (stated->bound > counted.time &&
                              !cpb_step_same_time(stated->bound, counted.time)))
        return cpb_fail(error, CPB_REFUTED, -1,
                        "bound is stated as %lld, but the step takes %lld",
                        (long long)stated->bound, (long long)counted.time);
    counted.gap = stated->bound ? (double)counted.time / (double)stated->bound - 1 : 0;
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        if (!same(stated, &counted, &figures[i]))
            return cpb_fail(error, CPB_REFUTED, -1,
                            "%s is stated as %.17g, a recount gives %.17g",
                            figures[i].name, value_of(stated, &figures[i]),
                            value_of(&counted, &figures[i]));
    return CPB_OK;
}

static cpb_status check_hash(const cpb_step *step, cpb_error *error)
{
    const cpb_schedule_claim *const claim = step->claim;
    const int64_t n = step->documents->n;
    const uint64_t head[] = {
        CPB_SCHEDULE_VERSION,          CPB_SCHEDULE_ALGORITHM,
        (uint64_t)step->domain->ranks, (uint64_t)claim->micro_batches,
        (uint64_t)claim->block,        (uint64_t)n};
    uint64_t hash = CPB_HASH_START;
    for (size_t i = 0; i < sizeof head / sizeof *head; i++)
        hash = cpb_hash_word(hash, head[i]);
    for (int64_t d = 0; d < n; d++) {
        const cpb_placement *const p = &claim->placement[d];
        const int64_t words[] = {p->micro_batch, p->first, p->ranks, (int64_t)p->left};
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
            hash = cpb_hash_word(hash, (uint64_t)words[i]);
        for (int32_t i = 1; p->cuts >= 0 && i < p->ranks; i++)
            hash = cpb_hash_word(hash, (uint64_t)claim->cut[p->cuts + i - 1]);
    }
    if (hash != *claim->hash)
        return cpb_fail(error, CPB_REFUTED, -1,
                        "the hash is stated as %016llx, a recount gives %016llx",
                        (unsigned long long)*claim->hash, (unsigned long long)hash);
    return CPB_OK;
}

/* Input that a schedule cannot be about. What only scheduling needs is not asked here. */
static cpb_status check_input(const cpb_documents *documents, const cpb_domain *domain,
                              cpb_error *error)
{
    if (documents->n < 0 || documents->n > CPB_MAX_DOCUMENTS)
        return cpb_fail(error, CPB_INVALID, -1, "%lld documents are outside 0 .. %lld",
                        (long long)documents->n, (long long)CPB_MAX_DOCUMENTS);
    if (domain->ranks < 1 || domain->ranks > CPB_MAX_RANKS || domain->budget < 1 ||
        domain->budget > CPB_MAX_TOKENS || domain->ranks_per_node < 0 ||
        domain->micro_multiple < 1 || domain->token_multiple < 1 ||
        domain->token_multiple > CPB_MAX_TOKENS || domain->token_bytes < 1 ||
        domain->token_bytes > 256 || domain->stages < 1 || domain->stages > 4096 ||
        domain->fixed < 0 || domain->fixed > 1000000000000)
        return cpb_fail(error, CPB_INVALID, -1,
                        "ranks, budget, multiples, stages or fixed time are outside "
                        "what a schedule accepts");
    for (int64_t d = 0; d < documents->n; d++)
        if (documents->tokens[d] < 0 || documents->tokens[d] > CPB_MAX_TOKENS ||
            (documents->cost && documents->cost[d] < 0) ||
            (documents->loss &&
             (documents->loss[d] < 0 || documents->loss[d] > documents->tokens[d])) ||
            (documents->holder && documents->holder[d] >= domain->ranks))
            return cpb_fail(error, CPB_INVALID, d,
                            "document %lld has tokens, a cost, loss tokens or a "
                            "loader's rank out of range",
                            (long long)d);
    return cpb_setup_check(&domain->setup, domain->ranks, error);
}

cpb_status cpb_check_schedule(const cpb_documents *documents, const cpb_domain *domain,
                              const cpb_schedule_claim *claim, cpb_error *error)
{
    cpb_arena arena = {.allocator = cpb_allocator_or_default(&domain->allocator)};
    cpb_step step = {
        .documents = documents, .domain = domain, .claim = claim, .arena = &arena};
    cpb_status status;
    CPB_TRY(check_input(documents, domain, error));
    CPB_TRY(cpb_step_laws(&step, error));
    CPB_TRY(cpb_step_run(&step, error));
    if (domain->window >= 0 && step.counted.moved_max > domain->window) {
        status = cpb_fail(error, CPB_REFUTED, -1,
                          "a document moved %lld places, more than %lld",
                          (long long)step.counted.moved_max, (long long)domain->window);
        goto done;
    }
    if (step.exact.lost) {
        status =
            cpb_fail(error, CPB_TOO_LARGE, -1,
                     "a figure of this schedule is beyond %lld", (long long)INT64_MAX);
        goto done;
    }
    if (claim->score)
        CPB_TRY(compare(&step, error));
    if (claim->hash)
        CPB_TRY(check_hash(&step, error));
done:
    cpb_arena_free(&arena);
    return status;
}
