// SPDX-License-Identifier: Apache-2.0
/* Lower bounds for traffic.
 *
 * Notation: W ranks, each with at most c positions and at most the weight T; the weight
 * of tokens is per_pair times their pairs + per_token times their number. Whatever a
 * bound forgets (needs, that a pad is no token) makes it lower, so it stays true.
 *
 * 1. Room. i ranks hold at most i c positions, and at least those that the other W - i
 *    have no room for. If they hold the tokens A, they weigh at least as much as A and
 *    the cheapest tokens that fill them up. `fits` asks whether that leaves A possible;
 *    if not, no set that contains A is.
 *
 * 2. Nested keys. Let D be a range of keys of which each query needs a beginning, the
 *    first depth(q) keys. A rank whose deepest query needs k keys holds x of these and
 *    receives k - x, and the x of all ranks sum to at most the largest depth. Sort ranks
 *    by k, deepest first. All queries deeper than k(i) lie on the ranks 0 .. i - 1, so
 *    k(i) is at least the least k for which these fit into i ranks; k(0) is the largest
 *    depth. So all ranks together receive at least k(1) + k(2) + ..., and of the ranks
 *    0 .. i - 1 one receives at least (k(0) + ... + k(i - 1) - min(k(0), i c)) / i.
 *    For one causal document without tolerance that is what head-tail reaches: the tail
 *    must be filled up with the cheapest tokens, and they are the head.
 *
 * 3. Banded keys. Let each query of D need the m keys of D before it, or all of D before
 *    it. A rank that holds x positions of D, the last of them at e, lacks e + 1 - x of
 *    those up to it. They form gaps before its runs, and of each it receives the last m:
 *    at least min(m, e + 1 - x). Sort the ranks by e. Those before the i-th from the end
 *    hold together X positions, all up to its e, so it receives at least min(m, X); and
 *    X is at least what the last i ranks have no room for, in positions or in weight.
 *
 * 4. Any keys. A rank that holds x tokens and a query of k keys receives at least k - x.
 *    With k(i) as in 2, over all queries, the ranks 0 .. i - 1 receive at least
 *    k(0) + ... + k(i - 1) - min(tokens, i c).
 *
 * 5. Volume. Of the pairs of a rank with x tokens at most x x have a key of its own, or
 *    x (x + 1) / 2 where no query needs a later key, and at most x times the keys that it
 *    receives have another's. With x <= c, summed up: c times what all receive is at
 *    least pairs - W c c, or pairs - W c (c + 1) / 2.
 *
 * Ranges D are disjoint, so 2 and 3 add up over them. 4 and 5 stand by themselves. */
#include "receive_bound.h"

#include "key_regions.h"

typedef struct bounding {
    const cpb_receive_problem *problem;
    cpb_arena *arena;
    cpb_levels levels;
    int64_t most_keys; /* of a query */
    cpb_receive_floor found;
    size_t room;          /* of the arrays, for the nested queries of a region */
    int64_t *tokens_from; /* [room + 1] of stretch i and those behind it */
    int64_t *pairs_from;  /* [room + 1] */
    bool failed;          /* memory ended */
} bounding;

static cpb_wide weight(const cpb_receive_problem *p, cpb_wide pairs, int64_t tokens)
{
    return pairs * p->per_pair + (cpb_wide)tokens * p->per_token;
}

/* 1: whether tokens with so many pairs may lie on `ranks` ranks. */
static bool fits(const bounding *b, int64_t ranks, int64_t tokens, cpb_wide pairs)
{
    const cpb_receive_problem *const p = b->problem;
    if (tokens > ranks * p->largest)
        return false;
    if (!p->limited)
        return true;
    const int64_t pads = p->positions - b->levels.tokens;
    const int64_t least = p->positions - (p->ranks - ranks) * p->largest;
    const int64_t filled = cpb_max(0, cpb_min(b->levels.tokens, least - tokens - pads));
    pairs += cpb_levels_cheapest(&b->levels, filled);
    return weight(p, pairs, tokens + filled) <= p->limit * ranks;
}

/* Receives at least that much, all of them or one of them. */
static void note_most(bounding *b, int64_t keys)
{
    b->found.most = cpb_max(b->found.most, keys);
}

/* --- 2: nested keys --------------------------------------------------------------- */

static bool make_room(bounding *b, size_t n)
{
    if (n <= b->room)
        return true;
    b->room = 2 * n;
    b->tokens_from = cpb_arena_take(b->arena, b->room + 1, sizeof *b->tokens_from);
    b->pairs_from = cpb_arena_take(b->arena, b->room + 1, sizeof *b->pairs_from);
    b->failed = !b->tokens_from || !b->pairs_from;
    return !b->failed;
}

static int64_t pairs_of(const bounding *b, int64_t first, int64_t n)
{
    return cpb_mask_pairs_of(b->problem->mask, (cpb_range){first, first + n});
}

static void sum_up(bounding *b, const cpb_key_region *region)
{
    b->tokens_from[region->n_nested] = b->pairs_from[region->n_nested] = 0;
    for (size_t i = region->n_nested; i-- > 0;) {
        const cpb_nested *const nested = &region->nested[i];
        b->tokens_from[i] = b->tokens_from[i + 1] + nested->n;
        b->pairs_from[i] = b->pairs_from[i + 1] + pairs_of(b, nested->first, nested->n);
    }
}

/* Whether the queries deeper than `depth` may lie on `ranks` ranks. */
static bool deeper_fit(const bounding *b, const cpb_key_region *region, int64_t depth,
                       int64_t ranks)
{
    size_t low = 0, high = region->n_nested; /* those from `high` on are deeper */
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (region->nested[middle].depth > depth)
            high = middle;
        else
            low = middle + 1;
    }
    int64_t tokens = b->tokens_from[high], pairs = b->pairs_from[high];
    if (high > 0 && region->nested[high - 1].rising) {
        const cpb_nested *const nested = &region->nested[high - 1];
        const int64_t shallow = depth - nested->depth + 1;
        if (shallow < nested->n) {
            tokens += nested->n - shallow;
            pairs += pairs_of(b, nested->first + shallow, nested->n - shallow);
        }
    }
    return fits(b, ranks, tokens, pairs);
}

/* The least depth that may be the deepest of the ranks behind `ranks`, at most `most`. */
static int64_t depth_behind(const bounding *b, const cpb_key_region *region,
                            int64_t ranks, int64_t most)
{
    int64_t low = 0, high = most; /* `low` is too low */
    if (deeper_fit(b, region, 0, ranks))
        return 0;
    while (high - low > 1) {
        const int64_t middle = low + (high - low) / 2;
        if (deeper_fit(b, region, middle, ranks))
            high = middle;
        else
            low = middle;
    }
    return high;
}

static int64_t bound_nested(bounding *b, const cpb_key_region *region)
{
    const cpb_receive_problem *const p = b->problem;
    if (!region->n_nested || !make_room(b, region->n_nested))
        return 0;
    sum_up(b, region);
    const cpb_nested *const last = &region->nested[region->n_nested - 1];
    const int64_t deepest = last->depth + (last->rising ? last->n - 1 : 0);
    int64_t depth = deepest, total = 0;
    for (int64_t i = 1; i <= p->ranks && depth > 0; i++) {
        const int64_t own = cpb_min(deepest, i * p->largest);
        note_most(b, cpb_ceil_div(cpb_max(0, deepest + total - own), i));
        if (i == p->ranks)
            break;
        depth = depth_behind(b, region, i, depth);
        total += depth;
    }
    return total;
}

/* --- 3: banded keys --------------------------------------------------------------- */

static int64_t bound_banded(bounding *b, const cpb_key_region *region)
{
    const cpb_receive_problem *const p = b->problem;
    const int64_t length = cpb_range_length(region->keys);
    const cpb_wide all = weight(p, pairs_of(b, region->keys.begin, length), length);
    const cpb_wide heaviest = weight(p, b->most_keys, 1);
    int64_t total = 0;
    for (int64_t i = 1; region->reach && i < p->ranks; i++) {
        int64_t before = length - i * p->largest;
        const cpb_wide over = all - p->limit * i;
        if (p->limited && heaviest && over > 0)
            before = cpb_max(before, (int64_t)((over + heaviest - 1) / heaviest));
        if (before <= 0)
            break;
        total += cpb_min(region->reach, before);
        note_most(b, cpb_min(region->reach, before));
    }
    return total;
}

static void bound_region(void *context, const cpb_key_region *region)
{
    bounding *const b = context;
    const int64_t nested = bound_nested(b, region);
    b->found.total += cpb_max(nested, bound_banded(b, region));
}

/* --- 4 and 5: any keys ------------------------------------------------------------ */

static int64_t count_most_keys(const cpb_mask *mask)
{
    int64_t most = 0;
    for (size_t i = 0; i < mask->n_bands; i++) {
        const cpb_band *const band = &mask->bands[i];
        const int64_t end = i + 1 < mask->n_bands ? band[1].begin : mask->tokens;
        most =
            cpb_max(most, cpb_max(band->keys,
                                  band->keys + band->slope * (end - 1 - band->begin)));
    }
    return most;
}

/* As depth_behind(), for the number of keys of any query. */
static int64_t keys_behind(const bounding *b, int64_t ranks, int64_t most)
{
    int64_t low = -1, high = most;
    while (high - low > 1) {
        const int64_t middle = low + (high - low) / 2;
        cpb_wide pairs;
        const int64_t tokens = cpb_levels_above(&b->levels, middle, &pairs);
        if (fits(b, ranks, tokens, pairs))
            high = middle;
        else
            low = middle;
    }
    return high;
}

static int64_t bound_any(const bounding *b)
{
    const cpb_receive_problem *const p = b->problem;
    int64_t keys = b->levels.level[b->levels.n - 1].keys - 1; /* counted at most */
    int64_t sum = 0, best = 0;
    for (int64_t i = 1; i <= p->ranks && keys > 0; i++) {
        sum += keys;
        best = cpb_max(best, sum - cpb_min(b->levels.tokens, i * p->largest));
        if (i < p->ranks)
            keys = keys_behind(b, i, keys);
    }
    return best;
}

static bool is_causal(const cpb_mask *mask)
{
    for (size_t i = 0; i < mask->n_slices; i++) {
        const cpb_range q = mask->slices[i].queries;
        if (cpb_slice_high(&mask->slices[i], q.begin) > q.begin + 1 ||
            cpb_slice_high(&mask->slices[i], q.end - 1) > q.end)
            return false;
    }
    return true;
}

static int64_t bound_volume(const cpb_receive_problem *p)
{
    const cpb_wide c = p->largest;
    const cpb_wide own = is_causal(p->mask) ? c * (c + 1) / 2 : c * c;
    const cpb_wide over = cpb_mask_pairs(p->mask) - own * p->ranks;
    return over > 0 ? (int64_t)((over + c - 1) / c) : 0;
}

cpb_status cpb_receive_bound(const cpb_receive_problem *problem, cpb_arena *arena,
                             cpb_receive_floor *bound)
{
    bounding b = {.problem = problem, .arena = arena};
    bool whole;
    *bound = (cpb_receive_floor){0};
    if (problem->ranks == 1)
        return CPB_OK;
    if (cpb_levels_create(problem->mask, arena, &b.levels) != CPB_OK)
        return CPB_NO_MEMORY;
    b.most_keys = count_most_keys(problem->mask);
    note_most(&b, b.most_keys - problem->largest);
    if (cpb_key_regions(problem->mask, arena, bound_region, &b, &whole) != CPB_OK ||
        b.failed)
        return CPB_NO_MEMORY;
    if (!whole && b.most_keys > problem->mask->tokens / problem->ranks)
        b.found.total = cpb_max(b.found.total, bound_any(&b));
    b.found.total = cpb_max(b.found.total, bound_volume(problem));
    note_most(&b, cpb_ceil_div(b.found.total, problem->ranks));
    *bound = b.found;
    return CPB_OK;
}
