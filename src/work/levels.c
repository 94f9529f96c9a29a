// SPDX-License-Identifier: Apache-2.0
/* A band of tokens whose keys rise or fall by 1 has one token on each of its levels, a
 * level band has all of them on one, and steeper bands are laid on neighbouring levels
 * from their least, where no token is counted above itself. */
#include "levels.h"

#include "../base/sort.h"

static size_t add_events(const cpb_mask *mask, cpb_item *events)
{
    size_t n = 0;
    for (size_t i = 0; i < mask->n_bands; i++) {
        const cpb_band *const band = &mask->bands[i];
        const int64_t end = i + 1 < mask->n_bands ? band[1].begin : mask->tokens;
        const int64_t tokens = end - band->begin;
        const int64_t last = band->keys + band->slope * (tokens - 1);
        const int64_t least = cpb_min(band->keys, last);
        const int64_t rate = band->slope ? 1 : tokens;
        events[n++] = (cpb_item){(uint64_t)least, rate};
        events[n++] = (cpb_item){(uint64_t)(least + tokens / rate), -rate};
    }
    return n;
}

/* Pairs of the first `n` tokens of a level and those that follow it. */
static cpb_wide pairs_from(const cpb_level *level, int64_t n)
{
    if (!level->rate)
        return 0;
    const int64_t whole = n / level->rate, rest = n % level->rate;
    return (cpb_wide)level->rate *
               ((cpb_wide)whole * level->keys + (cpb_wide)whole * (whole - 1) / 2) +
           (cpb_wide)rest * (level->keys + whole);
}

cpb_status cpb_levels_create(const cpb_mask *mask, cpb_arena *arena, cpb_levels *levels)
{
    cpb_item *const events = cpb_arena_take(arena, 2 * mask->n_bands, sizeof *events);
    cpb_item *const spare = cpb_arena_take(arena, 2 * mask->n_bands, sizeof *spare);
    levels->level = cpb_arena_take(arena, 2 * mask->n_bands, sizeof *levels->level);
    if (!events || !spare || !levels->level)
        return CPB_NO_MEMORY;
    const size_t n_events = add_events(mask, events);
    cpb_sort(events, spare, n_events);

    cpb_level now = {.keys = (int64_t)events[0].key};
    levels->n = 0;
    levels->tokens = mask->tokens;
    for (size_t i = 0; i < n_events;) {
        const int64_t keys = (int64_t)events[i].key;
        const int64_t tokens = now.rate * (keys - now.keys);
        now.pairs_before += pairs_from(&now, tokens);
        now.tokens_before += tokens;
        now.keys = keys;
        for (; i < n_events && (int64_t)events[i].key == keys; i++)
            now.rate += events[i].value;
        levels->level[levels->n++] = now;
    }
    return CPB_OK;
}

int64_t cpb_levels_above(const cpb_levels *levels, int64_t keys, cpb_wide *pairs)
{
    const cpb_level *const end = &levels->level[levels->n - 1];
    size_t low = 0, high = levels->n; /* level[low].keys <= keys < level[high].keys */
    *pairs = end->pairs_before;
    if (levels->level[0].keys > keys)
        return levels->tokens;
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (levels->level[middle].keys <= keys)
            low = middle;
        else
            high = middle;
    }
    const cpb_level *const level = &levels->level[low];
    const int64_t tokens = level->rate * (keys + 1 - level->keys);
    *pairs -= level->pairs_before + pairs_from(level, tokens);
    return levels->tokens - level->tokens_before - tokens;
}

cpb_wide cpb_levels_cheapest(const cpb_levels *levels, int64_t n)
{
    size_t low = 0, high = levels->n; /* level[low].tokens_before <= n */
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (levels->level[middle].tokens_before <= n)
            low = middle;
        else
            high = middle;
    }
    const cpb_level *const level = &levels->level[low];
    return level->pairs_before + pairs_from(level, n - level->tokens_before);
}
