// SPDX-License-Identifier: Apache-2.0
/* Do all ranks mean the same? Rank 0 compares and tells everybody. */
#include "greet.h"

#include "base/error.h"
#include "base/hash.h"

#include <string.h>

static const char *const word_names[CPB_N_WORDS] = {
    [CPB_WORD_VERSION] = "version of cpbalance",
    [CPB_WORD_RANKS] = "number of ranks",
    [CPB_WORD_MASK] = "mask",
    [CPB_WORD_PLAN] = "plan",
    [CPB_WORD_EXCHANGE] = "exchange",
    [CPB_WORD_SHAPE] = "shape of attention"};

static uint64_t mask_hash(const cpb_mask *mask)
{
    const cpb_slice *const slices = cpb_mask_slices(mask);
    uint64_t hash = cpb_hash_word(CPB_HASH_START, (uint64_t)cpb_mask_tokens(mask));
    for (size_t i = 0; i < cpb_mask_n_slices(mask); i++) {
        hash = cpb_hash_word(hash, (uint64_t)slices[i].queries.begin);
        hash = cpb_hash_word(hash, (uint64_t)slices[i].queries.end);
        hash = cpb_hash_word(hash, (uint64_t)slices[i].keys.begin);
        hash = cpb_hash_word(hash, (uint64_t)slices[i].keys.end);
        hash = cpb_hash_word(hash, (uint64_t)slices[i].kind);
    }
    return hash;
}

static uint64_t shape_hash(const cpb_attend *attend)
{
    const cpb_attention *const shape = &attend->shape;
    uint64_t scale, hash = CPB_HASH_START;
    memcpy(&scale, &shape->scale, sizeof scale);
    hash = cpb_hash_word(hash, (uint64_t)shape->q_heads);
    hash = cpb_hash_word(hash, (uint64_t)shape->kv_heads);
    hash = cpb_hash_word(hash, (uint64_t)shape->head_dim);
    hash = cpb_hash_word(hash, scale);
    hash = cpb_hash_word(hash, (uint64_t)shape->accumulate);
    return cpb_hash_word(hash, attend->backward);
}

void cpb_words_of(const cpb_attend *attend, const cpb_link *link, cpb_words *words)
{
    words->word[CPB_WORD_VERSION] =
        CPB_VERSION_MAJOR << 20 | CPB_VERSION_MINOR << 10 | CPB_VERSION_PATCH;
    words->word[CPB_WORD_RANKS] =
        (uint64_t)cpb_plan_ranks(attend->plan) << 32 | (uint32_t)link->ranks;
    words->word[CPB_WORD_MASK] = mask_hash(attend->mask);
    words->word[CPB_WORD_PLAN] = cpb_plan_hash(attend->plan);
    words->word[CPB_WORD_EXCHANGE] = cpb_exchange_hash(attend->exchange);
    words->word[CPB_WORD_SHAPE] = shape_hash(attend);
}

/* Which rank differs, and in what; word CPB_N_WORDS: none does. */
typedef struct verdict {
    int64_t rank;
    int64_t word;
} verdict;

static const cpb_range one = {0, 1};

static cpb_status transact(const cpb_link *link, const cpb_round *round,
                           cpb_error *error)
{
    const cpb_status status = link->start(link->context, round, error);
    return status == CPB_OK ? link->wait(link->context, error) : status;
}

static verdict judge(const cpb_words *words, int32_t ranks)
{
    for (int32_t r = 1; r < ranks; r++)
        for (int64_t w = 0; w < CPB_N_WORDS; w++)
            if (words[r].word[w] != words[0].word[w])
                return (verdict){r, w};
    return (verdict){0, CPB_N_WORDS};
}

/* Rank 0 hears everybody and answers. */
static cpb_status hear(const cpb_link *link, const cpb_words *mine, verdict *found,
                       cpb_arena *arena, cpb_error *error)
{
    const size_t ranks = (size_t)link->ranks;
    cpb_words *const words = cpb_arena_take(arena, ranks, sizeof *words);
    cpb_get *const gets = cpb_arena_take(arena, ranks, sizeof *gets);
    cpb_give *const gives = cpb_arena_take(arena, ranks, sizeof *gives);
    if (!words || !gets || !gives)
        return cpb_fail_memory(error);
    words[0] = *mine;
    for (int32_t r = 1; r < link->ranks; r++) {
        gets[r - 1] = (cpb_get){r, sizeof *words, 1, &one, &words[r]};
        gives[r - 1] = (cpb_give){r, sizeof *found, 1, &one, found};
    }
    const cpb_round in = {0, NULL, ranks - 1, gets}, out = {ranks - 1, gives, 0, NULL};
    cpb_status status = transact(link, &in, error);
    if (status == CPB_OK)
        *found = judge(words, link->ranks);
    return status == CPB_OK ? transact(link, &out, error) : status;
}

static cpb_status tell(const cpb_link *link, const cpb_words *mine, verdict *found,
                       cpb_error *error)
{
    const cpb_give give = {0, sizeof *mine, 1, &one, mine};
    const cpb_get get = {0, sizeof *found, 1, &one, found};
    const cpb_round out = {1, &give, 0, NULL}, in = {0, NULL, 1, &get};
    const cpb_status status = transact(link, &out, error);
    return status == CPB_OK ? transact(link, &in, error) : status;
}

cpb_status cpb_greet(const cpb_words *words, const cpb_link *link,
                     const cpb_allocator *allocator, cpb_error *error)
{
    cpb_arena arena = {.allocator = cpb_allocator_or_default(allocator)};
    verdict found = {0, CPB_N_WORDS};
    cpb_status status = link->rank ? tell(link, words, &found, error)
                                   : hear(link, words, &found, &arena, error);
    if (status == CPB_OK && found.word != CPB_N_WORDS)
        status = cpb_fail(error, CPB_BROKEN, found.rank,
                          "rank %d has another %s than rank 0", (int)found.rank,
                          word_names[found.word]);
    cpb_arena_free(&arena);
    return status;
}

cpb_status cpb_attend_greet(const cpb_attend *attend, const cpb_link *link,
                            cpb_error *error)
{
    cpb_words words;
    cpb_words_of(attend, link, &words);
    return cpb_greet(&words, link, &attend->arena.allocator, error);
}
