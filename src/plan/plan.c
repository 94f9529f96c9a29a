// SPDX-License-Identifier: Apache-2.0
/* The immutable plan: canonical runs, sizes and a hash. */
#include "plan.h"

#include "../base/error.h"
#include "../base/hash.h"
#include "../base/range.h"
#include "../base/sort.h"

#include <assert.h>
#include <string.h>

struct cpb_plan {
    cpb_arena memory; /* owns the plan too */
    int64_t tokens;
    int64_t padding;
    int32_t ranks;
    int64_t *first; /* [ranks + 1] */
    cpb_range *runs;
    int64_t *size; /* [ranks] */
    cpb_promise promise;
    const char *balancer; /* static */
    uint64_t hash;
};

static uint64_t hash_of(const cpb_plan *plan)
{
    uint64_t hash = CPB_HASH_START;
    hash = cpb_hash_word(hash, CPB_PLAN_VERSION);
    hash = cpb_hash_word(hash, (uint64_t)plan->promise.algorithm);
    hash = cpb_hash_word(hash, (uint64_t)plan->tokens);
    hash = cpb_hash_word(hash, (uint64_t)plan->padding);
    hash = cpb_hash_word(hash, (uint64_t)plan->ranks);
    for (int32_t r = 0; r < plan->ranks; r++) {
        hash = cpb_hash_word(hash, (uint64_t)(plan->first[r + 1] - plan->first[r]));
        for (int64_t i = plan->first[r]; i < plan->first[r + 1]; i++) {
            hash = cpb_hash_word(hash, (uint64_t)plan->runs[i].begin);
            hash = cpb_hash_word(hash, (uint64_t)plan->runs[i].end);
        }
    }
    return hash;
}

/* A piece that continues its rank's last one is no run of its own. `reached` is where each
 * rank's last piece ended. */
static bool continues(const cpb_piece *piece, int64_t *reached)
{
    const bool yes = reached[piece->rank] == piece->begin;
    reached[piece->rank] = piece->end;
    return yes;
}

/* first[r]: runs of the ranks before r. Returns the number of all runs. */
static int64_t count_runs(const cpb_plan_parts *parts, int64_t *first, int64_t *reached)
{
    memset(first, 0, ((size_t)parts->ranks + 1) * sizeof *first);
    for (int32_t r = 0; r < parts->ranks; r++)
        reached[r] = -1;
    for (size_t i = 0; i < parts->n_pieces; i++)
        first[parts->pieces[i].rank + 1] += !continues(&parts->pieces[i], reached);
    for (int32_t r = 0; r < parts->ranks; r++)
        first[r + 1] += first[r];
    return first[parts->ranks];
}

/* `next` is where each rank's next run goes. */
static void fill(cpb_plan *plan, const cpb_plan_parts *parts, int64_t *next,
                 int64_t *reached)
{
    for (int32_t r = 0; r < parts->ranks; r++) {
        plan->size[r] = 0;
        next[r] = plan->first[r];
        reached[r] = -1;
    }
    for (size_t i = 0; i < parts->n_pieces; i++) {
        const cpb_piece *const piece = &parts->pieces[i];
        plan->size[piece->rank] += piece->end - piece->begin;
        if (continues(piece, reached))
            plan->runs[next[piece->rank] - 1].end = piece->end;
        else
            plan->runs[next[piece->rank]++] = (cpb_range){piece->begin, piece->end};
    }
}

cpb_status cpb_plan_build(const cpb_plan_parts *parts, const cpb_allocator *allocator,
                          cpb_plan **out, cpb_error *error)
{
    cpb_arena memory = {.allocator = cpb_allocator_or_default(allocator)};
    cpb_arena scratch = {.allocator = memory.allocator};
    const size_t ranks = (size_t)parts->ranks;
    cpb_status status = CPB_OK;

    *out = NULL;
    cpb_plan *const plan = cpb_arena_take(&memory, 1, sizeof *plan);
    int64_t *const first = cpb_arena_take(&memory, ranks + 1, sizeof *first);
    int64_t *const size = cpb_arena_take(&memory, ranks, sizeof *size);
    int64_t *const reached = cpb_arena_take(&scratch, ranks, sizeof *reached);
    int64_t *const next = cpb_arena_take(&scratch, ranks, sizeof *next);
    cpb_range *runs = NULL;
    if (plan && first && size && reached && next)
        runs = cpb_arena_take(&memory, (size_t)count_runs(parts, first, reached),
                              sizeof *runs);
    if (!runs) {
        cpb_arena_free(&memory);
        status = cpb_fail_memory(error);
        goto done;
    }
    *plan = (cpb_plan){
        .tokens = parts->tokens,
        .padding = parts->padding,
        .ranks = parts->ranks,
        .first = first,
        .runs = runs,
        .size = size,
        .promise = parts->promise,
        .balancer = parts->balancer,
    };
    fill(plan, parts, next, reached);
    plan->hash = hash_of(plan);
    plan->memory = memory;
    *out = plan;
done:
    cpb_arena_free(&scratch);
    return status;
}

static cpb_status check_sizes(int64_t tokens, int64_t padding, int32_t ranks,
                              cpb_error *error)
{
    if (tokens < 1 || tokens > CPB_MAX_TOKENS)
        return cpb_fail(error, CPB_INVALID, -1,
                        "a plan of %lld tokens is outside 1 .. %lld", (long long)tokens,
                        (long long)CPB_MAX_TOKENS);
    if (padding < 0 || padding > CPB_MAX_TOKENS - tokens)
        return cpb_fail(error, CPB_INVALID, -1,
                        "a padding of %lld tokens is outside 0 .. %lld",
                        (long long)padding, (long long)(CPB_MAX_TOKENS - tokens));
    if (ranks < 1 || ranks > CPB_MAX_RANKS)
        return cpb_fail(error, CPB_INVALID, -1, "%d ranks are outside 1 .. %d", ranks,
                        CPB_MAX_RANKS);
    return CPB_OK;
}

/* Sorted by begin, the runs must continue each other from 0 to `positions`. */
static cpb_status check_bijection(const cpb_range *runs, int64_t n, int64_t positions,
                                  cpb_arena *scratch, cpb_error *error)
{
    cpb_item *const items = cpb_arena_take(scratch, (size_t)n, sizeof *items);
    cpb_item *const spare = cpb_arena_take(scratch, (size_t)n, sizeof *spare);
    if (!items || !spare)
        return cpb_fail_memory(error);

    size_t kept = 0;
    for (int64_t i = 0; i < n; i++) {
        if (runs[i].begin < 0 || runs[i].end < runs[i].begin || runs[i].end > positions)
            return cpb_fail(error, CPB_INVALID, i,
                            "run %lld is [%lld, %lld), outside the positions 0 .. %lld",
                            (long long)i, (long long)runs[i].begin,
                            (long long)runs[i].end, (long long)positions);
        if (runs[i].begin < runs[i].end)
            items[kept++] = (cpb_item){(uint64_t)runs[i].begin, i};
    }
    cpb_sort(items, spare, kept);

    int64_t reached = 0;
    for (size_t i = 0; i < kept; i++) {
        const cpb_range run = runs[items[i].value];
        if (run.begin != reached)
            return cpb_fail(error, CPB_INVALID, items[i].value,
                            run.begin < reached
                                ? "position %lld is in two runs, the second is run %lld"
                                : "position %lld is in no run before run %lld",
                            (long long)cpb_min(run.begin, reached),
                            (long long)items[i].value);
        reached = run.end;
    }
    if (reached != positions)
        return cpb_fail(error, CPB_INVALID, -1, "position %lld is in no run",
                        (long long)reached);
    return CPB_OK;
}

static cpb_status check_first(const int64_t *first, int32_t ranks, cpb_error *error)
{
    for (int32_t r = 0; r < ranks; r++)
        if (first[0] != 0 || first[r + 1] < first[r])
            return cpb_fail(error, CPB_INVALID, r,
                            "the runs of rank %d go from %lld to %lld", r,
                            (long long)first[r], (long long)first[r + 1]);
    return CPB_OK;
}

/* The pieces of runs that were checked; NULL without memory. */
static cpb_piece *pieces_of_runs(const int64_t *first, const cpb_range *runs,
                                 int32_t ranks, cpb_arena *arena, size_t *n)
{
    cpb_piece *const pieces =
        cpb_arena_take(arena, (size_t)first[ranks], sizeof *pieces);
    *n = 0;
    for (int32_t r = 0; pieces && r < ranks; r++)
        for (int64_t i = first[r]; i < first[r + 1]; i++)
            if (runs[i].begin < runs[i].end)
                pieces[(*n)++] =
                    (cpb_piece){r, (int32_t)runs[i].begin, (int32_t)runs[i].end};
    return pieces;
}

cpb_status cpb_plan_create_runs(int64_t tokens, int64_t padding, int32_t ranks,
                                const int64_t *first, const cpb_range *runs,
                                const cpb_promise *promise,
                                const cpb_allocator *allocator, cpb_plan **plan,
                                cpb_error *error)
{
    cpb_arena scratch = {.allocator = cpb_allocator_or_default(allocator)};
    cpb_plan_parts parts = {
        .tokens = tokens, .padding = padding, .ranks = ranks, .balancer = ""};
    cpb_status status;

    assert(first && promise && plan);
    *plan = NULL;
    CPB_TRY(check_sizes(tokens, padding, ranks, error));
    CPB_TRY(check_first(first, ranks, error));
    CPB_TRY(check_bijection(runs, first[ranks], tokens + padding, &scratch, error));
    parts.promise = *promise;
    parts.pieces = pieces_of_runs(first, runs, ranks, &scratch, &parts.n_pieces);
    if (!parts.pieces) {
        status = cpb_fail_memory(error);
        goto done;
    }
    CPB_TRY(cpb_plan_build(&parts, allocator, plan, error));
done:
    cpb_arena_free(&scratch);
    return status;
}

static cpb_status check_permutation(const int64_t *order, int64_t n, cpb_arena *scratch,
                                    cpb_error *error)
{
    uint8_t *const seen = cpb_arena_zeros(scratch, (size_t)n, 1);
    if (!seen)
        return cpb_fail_memory(error);
    for (int64_t i = 0; i < n; i++) {
        if (order[i] < 0 || order[i] >= n)
            return cpb_fail(error, CPB_INVALID, i,
                            "entry %lld of the order is %lld, outside 0 .. %lld",
                            (long long)i, (long long)order[i], (long long)(n - 1));
        if (seen[order[i]])
            return cpb_fail(error, CPB_INVALID, i,
                            "entry %lld of the order repeats position %lld",
                            (long long)i, (long long)order[i]);
        seen[order[i]] = 1;
    }
    return CPB_OK;
}

/* The pieces of an order cut into ranks; `pieces` NULL: only count them. */
static size_t pieces_of_order(const int64_t *order, int64_t n, int32_t ranks,
                              cpb_piece *pieces)
{
    size_t count = 0;
    for (int32_t r = 0; r < ranks; r++) {
        const int64_t begin = r * n / ranks, end = (r + 1) * n / ranks;
        for (int64_t i = begin; i < end; i++) {
            const bool starts = i == begin || order[i] != order[i - 1] + 1;
            const int32_t position = (int32_t)order[i];
            count += starts;
            if (pieces && starts)
                pieces[count - 1] = (cpb_piece){r, position, position};
            if (pieces)
                pieces[count - 1].end = position + 1;
        }
    }
    return count;
}

cpb_status cpb_plan_create_order(int64_t tokens, int64_t n, const int64_t *order,
                                 int32_t ranks, const cpb_allocator *allocator,
                                 cpb_plan **plan, cpb_error *error)
{
    cpb_arena scratch = {.allocator = cpb_allocator_or_default(allocator)};
    cpb_plan_parts parts = {
        .tokens = tokens, .padding = n - tokens, .ranks = ranks, .balancer = ""};
    cpb_status status;

    assert(order && plan);
    *plan = NULL;
    CPB_TRY(check_sizes(tokens, n - tokens, ranks, error));
    CPB_TRY(check_permutation(order, n, &scratch, error));

    parts.promise = (cpb_promise){
        .sizes = n % ranks ? CPB_UNEVEN : CPB_EQUAL,
        .chunk = 1,
        .granularity = 1,
        .cap = -1,
        .algorithm = CPB_ALGORITHM,
        .tolerance_ppm = 10000,
    };
    parts.n_pieces = pieces_of_order(order, n, ranks, NULL);
    cpb_piece *const pieces = cpb_arena_take(&scratch, parts.n_pieces, sizeof *pieces);
    if (!pieces) {
        status = cpb_fail_memory(error);
        goto done;
    }
    pieces_of_order(order, n, ranks, pieces);
    parts.pieces = pieces;
    CPB_TRY(cpb_plan_build(&parts, allocator, plan, error));
done:
    cpb_arena_free(&scratch);
    return status;
}

void cpb_plan_sign(cpb_plan *plan, const char *balancer, const cpb_promise *promise)
{
    assert(promise->algorithm == plan->promise.algorithm); /* the hash covers it */
    plan->balancer = balancer;
    plan->promise = *promise;
}

void cpb_plan_free(cpb_plan *plan)
{
    if (!plan)
        return;
    cpb_arena memory = plan->memory;
    cpb_arena_free(&memory);
}

int64_t cpb_plan_tokens(const cpb_plan *plan)
{
    return plan->tokens;
}

int64_t cpb_plan_padding(const cpb_plan *plan)
{
    return plan->padding;
}

int32_t cpb_plan_ranks(const cpb_plan *plan)
{
    return plan->ranks;
}

const cpb_promise *cpb_plan_promise(const cpb_plan *plan)
{
    return &plan->promise;
}

const char *cpb_plan_balancer(const cpb_plan *plan)
{
    return plan->balancer;
}

int64_t cpb_plan_size(const cpb_plan *plan, int32_t rank)
{
    assert(rank >= 0 && rank < plan->ranks);
    return plan->size[rank];
}

/* Uneven sizes: numbers of whole chunks differ by at most one, and where tokens move,
 * sizes by less than a chunk. */
static int64_t uneven_room(const cpb_plan *plan)
{
    const cpb_promise *const promise = &plan->promise;
    const int64_t positions = plan->tokens + plan->padding;
    const int64_t chunks = cpb_ceil_div(positions, promise->chunk);
    const int64_t room =
        promise->granularity > 1
            ? cpb_ceil_div(chunks, plan->ranks) * promise->chunk
            : (positions + (plan->ranks - 1) * promise->chunk) / plan->ranks;
    return promise->cap < 0 ? room : cpb_min(room, promise->cap);
}

int64_t cpb_plan_largest(const cpb_plan *plan)
{
    int64_t largest = plan->promise.sizes == CPB_UNEVEN ? uneven_room(plan) : 0;
    for (int32_t r = 0; r < plan->ranks; r++)
        largest = cpb_max(largest, plan->size[r]);
    return cpb_min(largest, plan->tokens + plan->padding);
}

size_t cpb_plan_n_runs(const cpb_plan *plan, int32_t rank)
{
    assert(rank >= 0 && rank < plan->ranks);
    return (size_t)(plan->first[rank + 1] - plan->first[rank]);
}

size_t cpb_plan_all_runs(const cpb_plan *plan)
{
    return (size_t)plan->first[plan->ranks];
}

const cpb_range *cpb_plan_runs(const cpb_plan *plan, int32_t rank)
{
    assert(rank >= 0 && rank < plan->ranks);
    return plan->runs + plan->first[rank];
}

uint64_t cpb_plan_hash(const cpb_plan *plan)
{
    return plan->hash;
}
