// SPDX-License-Identifier: Apache-2.0
/* Bounds for banded keys, and for the ramps that they begin with: 3 of the proofs in
 * receive_bound.c. */
#include "receive_bounding.h"

#include "../base/sort.h"

/* --- Bands ------------------------------------------------------------------------ */

/* One side of a range of banded keys, of which each query needs `reach`. */
typedef struct side {
    cpb_range range;
    int64_t reach;
    cpb_wide weight; /* of the range */
} side;

static side side_of(const cpb_bounding *b, cpb_range range, int64_t reach)
{
    const int64_t length = cpb_range_length(range);
    const int64_t pairs = cpb_bounding_pairs(b, range.begin, length);
    return (side){range, reach, cpb_bounding_weight(b->problem, pairs, length)};
}

/* Positions that `ranks` ranks have no room for, in positions or in weight; 0 where they
 * have. */
static int64_t left_over(const cpb_bounding *b, const side *s, int64_t ranks)
{
    const cpb_receive_problem *const p = b->problem;
    const int64_t left = cpb_range_length(s->range) - ranks * p->largest;
    const cpb_wide heaviest = cpb_bounding_weight(p, b->most_keys, 1);
    const cpb_wide over = s->weight - p->limit * ranks;
    const bool heavy = p->limited && heaviest && over > 0;
    return cpb_max(cpb_max(0, left),
                   heavy ? (int64_t)((over + heaviest - 1) / heaviest) : 0);
}

static int64_t bound_side(cpb_bounding *b, cpb_range range, int64_t reach)
{
    const side s = side_of(b, range, reach);
    int64_t total = 0;
    for (int64_t i = 1; reach && i <= b->problem->ranks; i++) {
        const int64_t keys = cpb_min(reach, left_over(b, &s, i));
        if (!keys)
            break;
        total += keys;
        cpb_bounding_note_most(b, keys);
    }
    return total;
}

/* Both sides: one of the range without the last keys of the other. */
int64_t cpb_bound_banded(cpb_bounding *b, const cpb_key_region *region)
{
    const cpb_range keys = region->keys;
    const int64_t before = cpb_min(region->before, cpb_range_length(keys));
    const int64_t behind = cpb_min(region->behind, cpb_range_length(keys));
    const cpb_range head = {keys.begin, keys.end - behind};
    const cpb_range tail = {keys.begin + before, keys.end};
    return cpb_max(bound_side(b, head, before) + bound_side(b, keys, behind),
                   bound_side(b, tail, behind) + bound_side(b, keys, before));
}

/* --- Ramps ------------------------------------------------------------------------ */

/* Pairs that every rank must lack, against tokens that see as many keys as any. */
static cpb_wide least_lack(const cpb_bounding *b)
{
    const cpb_receive_problem *const p = b->problem;
    const int64_t least = b->levels.tokens - (p->ranks - 1) * p->largest;
    if (!p->limited || !p->per_pair || least <= 0)
        return 0;
    const cpb_wide pairs = (p->limit - (cpb_wide)least * p->per_token) / p->per_pair;
    const cpb_wide lack = (cpb_wide)least * b->most_keys - pairs;
    return lack > 0 ? lack : 0;
}

void cpb_ramps_start(cpb_bounding *b)
{
    const size_t most = 2 * b->problem->mask->n_slices; /* islands and fixed slices */
    b->ramps.lack = least_lack(b);
    if (b->ramps.lack)
        b->ramps.ramp = cpb_arena_take(b->arena, most, sizeof *b->ramps.ramp);
    b->failed = b->ramps.lack && !b->ramps.ramp;
}

void cpb_ramps_add(cpb_bounding *b, const cpb_key_region *region, int64_t banded)
{
    cpb_ramps *const ramps = &b->ramps;
    const cpb_range keys = region->keys;
    const int64_t length = cpb_min(region->before, cpb_range_length(keys));
    const int64_t level = cpb_range_length(keys) - length;
    const bool rises =
        !region->behind && region->own &&
        cpb_bounding_pairs(b, keys.begin + length, level) == level * b->most_keys;
    if (!rises)
        ramps->lack = 0;
    if (!ramps->lack || b->failed)
        return;
    ramps->tokens += cpb_range_length(keys);
    ramps->banded += banded;
    ramps->ramp[ramps->n++] = (cpb_ramp){keys, length};
}

/* tau: what so many tokens of a ramp lack at most. */
static cpb_wide lack_of(const cpb_bounding *b, int64_t tokens)
{
    return (cpb_wide)tokens * (b->most_keys - 1) - (cpb_wide)tokens * (tokens - 1) / 2;
}

/* The most tokens, up to `most`, that lack no more than `lack` >= 0. */
static int64_t tokens_within(const cpb_bounding *b, cpb_wide lack, int64_t most)
{
    int64_t low = 0, high = most + 1;
    while (high - low > 1) {
        const int64_t middle = low + (high - low) / 2;
        if (lack_of(b, middle) <= lack)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* The shortest ramps first. */
static void sort_ramps(cpb_bounding *b)
{
    const size_t n = b->ramps.n;
    cpb_item *const items = cpb_arena_take(b->arena, n, sizeof *items);
    cpb_item *const spare = cpb_arena_take(b->arena, n, sizeof *spare);
    cpb_ramp *const sorted = cpb_arena_take(b->arena, n, sizeof *sorted);
    b->failed = !items || !spare || !sorted;
    if (b->failed)
        return;
    for (size_t i = 0; i < n; i++)
        items[i] = (cpb_item){(uint64_t)b->ramps.ramp[i].length, (int64_t)i};
    cpb_sort(items, spare, n);
    for (size_t i = 0; i < n; i++)
        sorted[i] = b->ramps.ramp[items[i].value];
    b->ramps.ramp = sorted;
}

/* How ranks get their credits: those ramps that lack less than their part of what remains
 * give all of it. */
typedef struct sharing {
    cpb_wide credit; /* rho: of a rank in one ramp, at most */
    cpb_wide need;   /* of all ranks, that the others share */
    size_t first;    /* of the others, sorted by length */
    int64_t n;       /* of the others */
} sharing;

static sharing share_out(const cpb_bounding *b)
{
    const cpb_ramp *const ramp = b->ramps.ramp;
    const cpb_wide most = lack_of(b, ramp[b->ramps.n - 1].length);
    const cpb_wide whole = most ? (b->ramps.lack - 1) / most : 0;
    sharing s = {.credit = b->ramps.lack - whole * most, .n = (int64_t)b->ramps.n};
    s.need = (whole + 1) * s.credit * b->problem->ranks;
    for (; s.n && lack_of(b, ramp[s.first].length) * s.n <= s.need; s.first++, s.n--)
        s.need -= lack_of(b, ramp[s.first].length);
    return s;
}

/* What is over for the ranks before the `behind`-th from the end of each order. */
static cpb_wide shared_before(const sharing *s, int64_t behind)
{
    return s->need - s->credit * behind * s->n;
}

/* x: how many tokens of each ramp these hold, if all do alike. */
static int64_t alike(const cpb_bounding *b, const sharing *s, cpb_wide before)
{
    return tokens_within(b, before / s->n, b->ramps.ramp[b->ramps.n - 1].length);
}

/* The most that ranks of a ramp spare whose window, or part of one, counts anyway. */
static int64_t spared(const cpb_bounding *b, const sharing *s, const cpb_ramp *ramp)
{
    const side keys = side_of(b, ramp->keys, ramp->length);
    const int64_t x = alike(b, s, shared_before(s, 1));
    const cpb_wide over = lack_of(b, ramp->length) - s->credit - lack_of(b, x);
    const int64_t slope = b->most_keys - 1 - x;
    const int64_t held = x + (int64_t)((over + slope - 1) / slope);
    int64_t sum = 0, left;
    for (int64_t i = 1; i < b->problem->ranks && (left = left_over(b, &keys, i)); i++)
        sum += cpb_max(0, cpb_min(cpb_min(left, held), held + ramp->length - left));
    return sum;
}

/* In one ramp that holds all tokens every rank has some of it: one of them is the i-th
 * from the end or behind it, and has i - 1 or more before it in the ramp. */
static void bound_most(cpb_bounding *b)
{
    const cpb_ramp *const ramp = &b->ramps.ramp[0];
    const side keys = side_of(b, ramp->keys, ramp->length);
    for (int64_t i = 1; i <= b->problem->ranks; i++) {
        const cpb_wide lack = b->ramps.lack * (i - 1);
        const int64_t held =
            lack ? 1 + tokens_within(b, lack - 1, ramp->length - 1) : 0;
        const int64_t left = left_over(b, &keys, i);
        cpb_bounding_note_most(b, cpb_max(held, cpb_min(left, ramp->length + held)));
    }
}

/* Ramps that are shared, at the least. */
static int64_t bound_shared(const cpb_bounding *b, const sharing *s)
{
    int64_t total = b->ramps.banded;
    if (!s->n || shared_before(s, 1) <= 0)
        return 0;
    for (int64_t j = 1; j < b->problem->ranks && shared_before(s, j) > 0; j++) {
        const cpb_wide before = shared_before(s, j);
        const int64_t x = alike(b, s, before);
        const cpb_wide over = before - lack_of(b, x) * s->n;
        total += x * s->n + (int64_t)(over / (b->most_keys - 1 - x));
    }
    for (size_t i = s->first; i < b->ramps.n; i++)
        total -= spared(b, s, &b->ramps.ramp[i]);
    return total;
}

int64_t cpb_bound_ramps(cpb_bounding *b)
{
    if (b->failed || !b->ramps.lack || b->ramps.tokens != b->levels.tokens)
        return 0;
    if (b->ramps.n == 1)
        bound_most(b);
    sort_ramps(b);
    if (b->failed)
        return 0;
    const sharing s = share_out(b);
    return bound_shared(b, &s);
}
