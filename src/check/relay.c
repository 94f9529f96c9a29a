// SPDX-License-Identifier: Apache-2.0
/* The relay form of docs/exchange.md, played through for what each rank sends by it. */
#include "recount.h"

#include "../base/error.h"
#include "../base/range.h"

#include <string.h>

/* As the definition has them. */
enum { SHARE_OF_PIECE = 64, RISE = 8 };

/* A longest stretch of keys of one owner that the same others take, one at least. */
typedef struct portion {
    int64_t begin; /* of what is not yet relayed */
    int64_t end;
    int32_t owner;
    int32_t n_takers;
    uint64_t *takers; /* [words] a bit per rank */
} portion;

typedef struct play {
    cpb_recount *recount;
    size_t mask;
    int32_t ranks;
    int64_t level;
    size_t
        *next; /* [ranks] the first span of its needs that ends behind the position */
    size_t words;
    uint64_t *row; /* [words] who takes the key at the position */
    size_t n;
    size_t room;
    portion *portions;
    cpb_item *turns;
} play;

static int64_t *relayed(const play *p, int32_t rank)
{
    return &cpb_recount_tally(p->recount, p->mask, rank)->relay_send;
}

static const cpb_needed *needed(const play *p, int32_t rank)
{
    return &p->recount->needed[p->mask * (size_t)p->ranks + (size_t)rank];
}

/* Mark who takes the key at `position` from its owner. Positions ascend.
 * \return up to where the same ranks take keys, `end` at most */
static int64_t mark_takers(play *p, int64_t position, int64_t end, int32_t owner)
{
    memset(p->row, 0, p->words * sizeof *p->row);
    for (int32_t r = 0; r < p->ranks; r++) {
        const cpb_needed *const needs = needed(p, r);
        size_t *const i = &p->next[r];
        while (*i < needs->n && needs->at[*i].value <= position)
            ++*i;
        if (r == owner || *i == needs->n)
            continue;
        const bool takes = (int64_t)needs->at[*i].key <= position;
        p->row[r / 64] |= (uint64_t)takes << (r % 64);
        end = cpb_min(end, takes ? needs->at[*i].value : (int64_t)needs->at[*i].key);
    }
    return end;
}

static int32_t count_takers(const play *p)
{
    int32_t n = 0;
    for (size_t i = 0; i < p->words; i++)
        for (uint64_t bits = p->row[i]; bits; bits &= bits - 1)
            n++;
    return n;
}

static cpb_status make_room(play *p, cpb_error *error)
{
    enum { FIRST_ROOM = 64 };
    if (p->n < p->room)
        return CPB_OK;
    const size_t room = p->room ? 2 * p->room : FIRST_ROOM;
    portion *const grown = cpb_arena_take(p->recount->arena, room, sizeof *grown);
    if (!grown)
        return cpb_fail_memory(error);
    if (p->n)
        memcpy(grown, p->portions, p->n * sizeof *grown);
    p->portions = grown;
    p->room = room;
    return CPB_OK;
}

/* The row's takers take keys of one owner: a portion, or more of the last one. */
static cpb_status add_keys(play *p, cpb_range keys, int32_t owner, cpb_error *error)
{
    const size_t bytes = p->words * sizeof *p->row;
    const int32_t n_takers = count_takers(p);
    if (n_takers == 0)
        return CPB_OK;
    portion *const last = p->n ? &p->portions[p->n - 1] : NULL;
    if (last && last->owner == owner && last->end == keys.begin &&
        memcmp(last->takers, p->row, bytes) == 0) {
        last->end = keys.end;
        return CPB_OK;
    }
    if (make_room(p, error) != CPB_OK)
        return CPB_NO_MEMORY;
    uint64_t *const takers =
        cpb_arena_take(p->recount->arena, p->words, sizeof *takers);
    if (!takers)
        return cpb_fail_memory(error);
    memcpy(takers, p->row, bytes);
    p->portions[p->n++] = (portion){keys.begin, keys.end, owner, n_takers, takers};
    return CPB_OK;
}

/* Portions of the owners that send more than the level, by position. */
static cpb_status find_portions(play *p, cpb_error *error)
{
    const cpb_holders *const holding = p->recount->holding;
    cpb_status status = CPB_OK;
    for (size_t i = 0; i < holding->n; i++) {
        const cpb_owned *const owned = &holding->by_position[i];
        const int64_t end = cpb_min(owned->range.end, p->recount->claim->tokens);
        if (*relayed(p, owned->rank) <= p->level)
            continue;
        for (int64_t at = owned->range.begin; at < end;) {
            const int64_t stop = mark_takers(p, at, end, owned->rank);
            CPB_TRY(add_keys(p, (cpb_range){at, stop}, owned->rank, error));
            at = stop;
        }
    }
done:
    return status;
}

/* The taker that sends least; of several the lowest. */
static int32_t choose(const play *p, const portion *of)
{
    int32_t best = -1;
    for (int32_t r = 0; r < p->ranks; r++) {
        const bool takes = of->takers[r / 64] >> (r % 64) & 1;
        if (takes && (best < 0 || *relayed(p, r) < *relayed(p, best)))
            best = r;
    }
    return best;
}

/* One piece of a portion, or none where nobody has room for it. */
static bool relay_piece(play *p, portion *of)
{
    const int64_t others = of->n_takers - 1;
    int64_t *const owner = relayed(p, of->owner);
    if (of->begin == of->end || *owner <= p->level)
        return false;
    int64_t *const relay = relayed(p, choose(p, of));
    const int64_t wanted =
        cpb_min(of->end - of->begin, (*owner - p->level + others - 1) / others);
    const int64_t least = cpb_max(1, p->level / SHARE_OF_PIECE / others);
    const int64_t room = *relay < p->level ? (p->level - *relay) / others : 0;
    if (room < wanted && room < least)
        return false;
    const int64_t length = cpb_min(wanted, room);
    of->begin += length;
    *owner -= others * length;
    *relay += others * length;
    return true;
}

/* All portions in their turn. Whether one is left that an owner above the level could
 * still relay. */
static bool play_round(play *p)
{
    bool left = false;
    for (size_t i = 0; i < p->n; i++) {
        portion *const of = &p->portions[p->turns[i].value];
        if (of->n_takers == 1)
            continue;
        while (relay_piece(p, of))
            ;
        left = left || (of->begin<of->end && * relayed(p, of->owner)> p->level);
    }
    return left;
}

static cpb_status order_turns(play *p, cpb_error *error)
{
    cpb_item *const scratch = cpb_arena_take(p->recount->arena, p->n, sizeof *scratch);
    p->turns = cpb_arena_take(p->recount->arena, p->n, sizeof *p->turns);
    if (!scratch || !p->turns)
        return cpb_fail_memory(error);
    for (size_t i = 0; i < p->n; i++)
        p->turns[i] =
            (cpb_item){(uint64_t)(p->ranks - p->portions[i].n_takers), (int64_t)i};
    cpb_sort(p->turns, scratch, p->n);
    return CPB_OK;
}

/* Start from the flat form. Whether a rank sends more than the level. */
static bool start(play *p)
{
    bool above = false;
    for (int32_t r = 0; r < p->ranks; r++) {
        const cpb_tally *const tally = cpb_recount_tally(p->recount, p->mask, r);
        p->level = cpb_max(p->level, tally->receive);
        *relayed(p, r) = tally->send;
    }
    for (int32_t r = 0; r < p->ranks; r++)
        above = above || *relayed(p, r) > p->level;
    return above && p->recount->setup->transport == CPB_EXCHANGE;
}

cpb_status cpb_recount_relay(cpb_recount *recount, size_t mask, cpb_error *error)
{
    play p = {.recount = recount,
              .mask = mask,
              .ranks = recount->claim->ranks,
              .words = ((size_t)recount->claim->ranks + 63) / 64};
    cpb_status status = CPB_OK;
    if (!start(&p))
        return CPB_OK;
    p.next = cpb_arena_zeros(recount->arena, (size_t)p.ranks, sizeof *p.next);
    p.row = cpb_arena_take(recount->arena, p.words, sizeof *p.row);
    if (!p.next || !p.row)
        return cpb_fail_memory(error);
    CPB_TRY(find_portions(&p, error));
    CPB_TRY(order_turns(&p, error));
    while (play_round(&p))
        p.level += cpb_max(1, p.level / RISE);
done:
    return status;
}
