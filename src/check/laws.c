// SPDX-License-Identifier: Apache-2.0
/* Laws that need no mask: sane numbers, canonical runs, a bijection, sizes, hash. */
#include "recount.h"

#include "../base/error.h"
#include "../base/range.h"
#include "../base/sort.h"

static cpb_status check_numbers(const cpb_claim *claim, cpb_error *error)
{
    if (claim->tokens < 1 || claim->tokens > CPB_MAX_TOKENS)
        return cpb_fail(error, CPB_REFUTED, -1,
                        "%lld tokens are stated, but a plan has 1 .. %lld",
                        (long long)claim->tokens, (long long)CPB_MAX_TOKENS);
    if (claim->padding < 0 || claim->padding > CPB_MAX_TOKENS - claim->tokens)
        return cpb_fail(error, CPB_REFUTED, -1,
                        "a padding of %lld is stated, but %lld tokens leave room for "
                        "0 .. %lld",
                        (long long)claim->padding, (long long)claim->tokens,
                        (long long)(CPB_MAX_TOKENS - claim->tokens));
    if (claim->ranks < 1 || claim->ranks > CPB_MAX_RANKS)
        return cpb_fail(error, CPB_REFUTED, -1,
                        "%d ranks are stated, but a plan has 1 .. %d", claim->ranks,
                        CPB_MAX_RANKS);
    return CPB_OK;
}

static cpb_status check_promise(const cpb_promise *promise, cpb_error *error)
{
    if (promise->sizes != CPB_EQUAL && promise->sizes != CPB_UNEVEN)
        return cpb_fail(error, CPB_REFUTED, -1,
                        "sizes are stated as %d, but are 0 (equal) or 1 (uneven)",
                        (int)promise->sizes);
    if (promise->chunk < 1)
        return cpb_fail(error, CPB_REFUTED, -1,
                        "a chunk of %lld tokens is stated, but it holds at least 1",
                        (long long)promise->chunk);
    if (promise->granularity != 1 && promise->granularity != promise->chunk)
        return cpb_fail(
            error, CPB_REFUTED, -1,
            "a granularity of %lld is stated, but it is 1 or the chunk, %lld",
            (long long)promise->granularity, (long long)promise->chunk);
    if (promise->cap < -1)
        return cpb_fail(error, CPB_REFUTED, -1,
                        "a cap of %lld is stated, but it is at least 0, or -1 for none",
                        (long long)promise->cap);
    return CPB_OK;
}

/* Each run holds a position and no position is held twice, so there are at most as many
 * runs as positions; that also bounds what a hostile claim makes us allocate. */
static cpb_status check_first(const cpb_claim *claim, cpb_error *error)
{
    const int64_t positions = claim->tokens + claim->padding;
    if (claim->first[0] != 0)
        return cpb_fail(error, CPB_REFUTED, 0,
                        "the runs of rank 0 start at number %lld, not at 0",
                        (long long)claim->first[0]);
    for (int32_t r = 0; r < claim->ranks; r++) {
        if (claim->first[r + 1] < claim->first[r])
            return cpb_fail(error, CPB_REFUTED, r,
                            "the runs of rank %d end at number %lld, before they start "
                            "at %lld",
                            r, (long long)claim->first[r + 1],
                            (long long)claim->first[r]);
        if (claim->first[r + 1] > positions)
            return cpb_fail(
                error, CPB_REFUTED, r,
                "the runs of rank %d end at number %lld, but %lld positions "
                "make at most as many runs",
                r, (long long)claim->first[r + 1], (long long)positions);
    }
    return CPB_OK;
}

static cpb_status check_run(const cpb_claim *claim, int32_t rank, int64_t i,
                            cpb_error *error)
{
    const int64_t positions = claim->tokens + claim->padding;
    const int64_t number = i - claim->first[rank];
    const cpb_range run = claim->runs[i];
    if (run.begin < 0 || run.end > positions || run.begin >= run.end)
        return cpb_fail(error, CPB_REFUTED, i,
                        "run %lld of rank %d is %lld .. %lld, but runs are not empty "
                        "and lie inside 0 .. %lld",
                        (long long)number, rank, (long long)run.begin,
                        (long long)run.end, (long long)positions);
    if (number > 0 && claim->runs[i - 1].end == run.begin)
        return cpb_fail(error, CPB_REFUTED, i,
                        "runs %lld and %lld of rank %d continue each other at position "
                        "%lld and must be one",
                        (long long)(number - 1), (long long)number, rank,
                        (long long)run.begin);
    return CPB_OK;
}

static cpb_status check_runs(const cpb_claim *claim, cpb_error *error)
{
    cpb_status status = CPB_OK;
    for (int32_t r = 0; r < claim->ranks; r++)
        for (int64_t i = claim->first[r]; i < claim->first[r + 1]; i++)
            CPB_TRY(check_run(claim, r, i, error));
done:
    return status;
}

static int32_t rank_of_run(const cpb_claim *claim, int64_t run)
{
    int32_t low = 0, high = claim->ranks;
    while (high - low > 1) {
        const int32_t middle = low + (high - low) / 2;
        if (claim->first[middle] <= run)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Sort the runs by position, over all ranks and rank by rank. */
static cpb_status sort_runs(const cpb_claim *claim, cpb_arena *arena,
                            cpb_holders *holding, cpb_error *error)
{
    const size_t n = (size_t)claim->first[claim->ranks];
    const size_t ranks = (size_t)claim->ranks;
    cpb_item *const items = cpb_arena_take(arena, n, sizeof *items);
    cpb_item *const scratch = cpb_arena_take(arena, n, sizeof *scratch);
    int64_t *const next = cpb_arena_take(arena, ranks, sizeof *next);
    int64_t *const held = cpb_arena_zeros(arena, ranks, sizeof *held);
    *holding = (cpb_holders){.n = n, .first = claim->first};
    holding->by_position = cpb_arena_take(arena, n, sizeof *holding->by_position);
    holding->by_rank = cpb_arena_take(arena, n, sizeof *holding->by_rank);
    if (!items || !scratch || !next || !held || !holding->by_position ||
        !holding->by_rank)
        return cpb_fail_memory(error);

    for (size_t i = 0; i < n; i++)
        items[i] = (cpb_item){(uint64_t)claim->runs[i].begin, (int64_t)i};
    cpb_sort(items, scratch, n);
    for (size_t r = 0; r < ranks; r++)
        next[r] = claim->first[r];
    for (size_t i = 0; i < n; i++) {
        const cpb_range range = claim->runs[items[i].value];
        const int32_t rank = rank_of_run(claim, items[i].value);
        const cpb_owned owned = {range, rank, held[rank]};
        holding->by_position[i] = owned;
        holding->by_rank[next[rank]++] = owned;
        held[rank] += cpb_range_length(range);
    }
    return CPB_OK;
}

/* In ascending order each run must begin where the one before it ended. */
static cpb_status check_bijection(const cpb_claim *claim, const cpb_holders *holding,
                                  cpb_error *error)
{
    int64_t end = 0;
    for (size_t i = 0; i < holding->n; i++) {
        const cpb_owned *const owned = &holding->by_position[i];
        if (owned->range.begin < end)
            return cpb_fail(error, CPB_REFUTED, owned->range.begin,
                            "position %lld is held twice, by rank %d and by rank %d",
                            (long long)owned->range.begin, owned[-1].rank, owned->rank);
        if (owned->range.begin > end)
            break;
        end = owned->range.end;
    }
    if (end < claim->tokens + claim->padding)
        return cpb_fail(error, CPB_REFUTED, end, "position %lld is held by no rank",
                        (long long)end);
    return CPB_OK;
}

/* Positions of a rank; at most 2^30, as the runs are disjoint. */
static int64_t size_of(const cpb_claim *claim, int32_t rank)
{
    int64_t size = 0;
    for (int64_t i = claim->first[rank]; i < claim->first[rank + 1]; i++)
        size += cpb_range_length(claim->runs[i]);
    return size;
}

static cpb_status check_size(const cpb_claim *claim, int32_t rank, cpb_error *error)
{
    const int64_t positions = claim->tokens + claim->padding;
    const int64_t size = size_of(claim, rank), cap = claim->promise.cap;
    if (claim->promise.sizes == CPB_EQUAL && size != positions / claim->ranks)
        return cpb_fail(error, CPB_REFUTED, rank,
                        "rank %d holds %lld positions, but equal sizes give it %lld",
                        rank, (long long)size, (long long)(positions / claim->ranks));
    if (cap >= 0 && size > cap)
        return cpb_fail(error, CPB_REFUTED, rank,
                        "rank %d holds %lld positions, more than the cap of %lld", rank,
                        (long long)size, (long long)cap);
    return CPB_OK;
}

static cpb_status check_sizes(const cpb_claim *claim, cpb_error *error)
{
    const int64_t positions = claim->tokens + claim->padding;
    if (claim->promise.sizes == CPB_UNEVEN && claim->padding)
        return cpb_fail(error, CPB_REFUTED, -1,
                        "the sizes are uneven, yet there are %lld pads; accepted are "
                        "none, or as many positions on every rank",
                        (long long)claim->padding);
    if (claim->promise.sizes == CPB_EQUAL && positions % claim->ranks)
        return cpb_fail(error, CPB_REFUTED, -1,
                        "equal sizes are stated, but %d ranks do not divide %lld "
                        "positions",
                        claim->ranks, (long long)positions);
    cpb_status status = CPB_OK;
    for (int32_t r = 0; r < claim->ranks; r++)
        CPB_TRY(check_size(claim, r, error));
done:
    return status;
}

/* A chunk is split where the owner changes off the sequence grid. */
static cpb_status check_chunks(const cpb_claim *claim, const cpb_holders *holding,
                               cpb_error *error)
{
    const int64_t grain = claim->promise.granularity;
    for (size_t i = 1; i < holding->n; i++) {
        const cpb_owned *const owned = &holding->by_position[i];
        const int64_t at = owned->range.begin;
        if (owned[-1].rank != owned->rank && at % grain)
            return cpb_fail(error, CPB_REFUTED, at,
                            "chunk %lld of %lld tokens is split at position %lld "
                            "between rank %d and rank %d",
                            (long long)(at / grain), (long long)grain, (long long)at,
                            owned[-1].rank, owned->rank);
    }
    return CPB_OK;
}

static void take_word(uint64_t *hash, uint64_t word)
{
    *hash = (*hash ^ word) * UINT64_C(0x100000001b3);
    *hash ^= *hash >> 32;
}

static cpb_status check_hash(const cpb_claim *claim, cpb_error *error)
{
    if (!claim->hash)
        return CPB_OK;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    take_word(&hash, CPB_PLAN_VERSION);
    take_word(&hash, (uint64_t)claim->promise.algorithm);
    take_word(&hash, (uint64_t)claim->tokens);
    take_word(&hash, (uint64_t)claim->padding);
    take_word(&hash, (uint64_t)claim->ranks);
    for (int32_t r = 0; r < claim->ranks; r++) {
        take_word(&hash, (uint64_t)(claim->first[r + 1] - claim->first[r]));
        for (int64_t i = claim->first[r]; i < claim->first[r + 1]; i++) {
            take_word(&hash, (uint64_t)claim->runs[i].begin);
            take_word(&hash, (uint64_t)claim->runs[i].end);
        }
    }
    if (hash != *claim->hash)
        return cpb_fail(error, CPB_REFUTED, -1,
                        "the hash is stated as %016llx, a recount gives %016llx",
                        (unsigned long long)*claim->hash, (unsigned long long)hash);
    return CPB_OK;
}

cpb_status cpb_check_laws(const cpb_claim *claim, cpb_arena *arena,
                          cpb_holders *holding, cpb_error *error)
{
    cpb_status status;
    CPB_TRY(check_numbers(claim, error));
    CPB_TRY(check_promise(&claim->promise, error));
    CPB_TRY(check_first(claim, error));
    CPB_TRY(check_runs(claim, error));
    CPB_TRY(sort_runs(claim, arena, holding, error));
    CPB_TRY(check_bijection(claim, holding, error));
    CPB_TRY(check_sizes(claim, error));
    CPB_TRY(check_chunks(claim, holding, error));
    CPB_TRY(check_hash(claim, error));
done:
    return status;
}
