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
 * 3. Banded keys. Let each query of D = [0, L) need the m keys before it and the n keys
 *    behind it, as far as D goes. A rank that holds x positions, the first at f, the last
 *    at e, with gaps g between its runs, receives R = min(m, f) + sum min(g, m + n) +
 *    min(n, L - 1 - e).
 *    One side. It lacks u = e + 1 - x of the positions up to e, so R >= min(m, u). Sort
 *    ranks by e: those before the i-th from the end hold together X(i) positions, all up
 *    to its e, so u >= X(i); and X(i) is at least what the last i ranks have no room
 *    for, in positions or in weight.
 *    Both sides. Let t of its positions be among the last n of D, and v what it lacks up
 *    to the last of its others, 0 where it has none. Then
 *      R + t >= min(m, v) + min(n, L - f) where f > 0, R + t - n >= min(m, v) where f = 0.
 *    For where gaps sum to m + n, R alone is enough. Else gaps count whole, and the last
 *    n positions that are not before f are its own (t), behind e (counted in R), or in
 *    gaps that v leaves out; so these make up min(n, L - f), and what v counts comes on
 *    top. All t sum to n and one rank has f = 0. So all R sum to at least the sum of
 *    min(m, v), which is one side of D without its last n, and that of min(n, L - f)
 *    over all but the first by f, which is the other side of D: what is before the j-th
 *    f lies on j - 1 ranks. The mirror image holds as well.
 *    A ramp. Let D be all tokens, n = 0, and let all queries but the first a, a <= m, see
 *    as many keys as any. A rank keeps the limit only with some of the first a, so that
 *    it lacks as many pairs as needed. Sort ranks by their last position among these.
 *    The first j of them hold at least Y(j) of these positions: the fewest that lack j
 *    times as many pairs. What a rank lacks before its last one lies in gaps shorter than
 *    m, so behind j ranks it receives at least Y(j), and Y(j) + m where u >= 2 m. So all
 *    sum to m times the ranks with u >= 2 m and Y(0) + Y(1) + ...; or, counting Y for
 *    these ranks only, whichever they are, to theirs and min(m, u) of the others.
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

/* Positions of a range that `ranks` ranks have no room for, in positions or in weight. */
static int64_t left_over(const bounding *b, cpb_range range, cpb_wide all,
                         int64_t ranks)
{
    const cpb_receive_problem *const p = b->problem;
    const int64_t left = cpb_range_length(range) - ranks * p->largest;
    const cpb_wide heaviest = weight(p, b->most_keys, 1);
    const cpb_wide over = all - p->limit * ranks;
    return p->limited && heaviest && over > 0
               ? cpb_max(left, (int64_t)((over + heaviest - 1) / heaviest))
               : left;
}

/* Pairs that every rank must lack, against tokens that see as many keys as any. */
static cpb_wide least_lack(const bounding *b)
{
    const cpb_receive_problem *const p = b->problem;
    const int64_t least = b->levels.tokens - (p->ranks - 1) * p->largest;
    if (!p->limited || !p->per_pair || least <= 0)
        return 0;
    const cpb_wide pairs = (p->limit - (cpb_wide)least * p->per_token) / p->per_pair;
    const cpb_wide lack = (cpb_wide)least * b->most_keys - pairs;
    return lack > 0 ? lack : 0;
}

/* The ramp of a region: how many tokens, all in front, see fewer keys than others. 0
 * where the region is none that the bound of ramps is for. */
static int64_t ramp_of(const bounding *b, const cpb_key_region *region)
{
    cpb_wide pairs;
    const int64_t tokens = b->levels.tokens;
    const int64_t ramp =
        tokens - cpb_levels_above(&b->levels, b->most_keys - 1, &pairs);
    if (cpb_range_length(region->keys) < tokens || region->behind ||
        ramp > region->before)
        return 0;
    return pairs_of(b, ramp, tokens - ramp) == (tokens - ramp) * b->most_keys ? ramp
                                                                              : 0;
}

/* The fewest tokens of the ramp that lack so many pairs, all of them if none do. */
static int64_t tokens_that_lack(const bounding *b, int64_t ramp, cpb_wide lack)
{
    int64_t low = 0, high = ramp;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if ((cpb_wide)middle * b->most_keys - cpb_levels_cheapest(&b->levels, middle) >=
            lack)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* One side of a range of banded keys, of which each query needs `reach`. */
static int64_t bound_side(bounding *b, cpb_range range, int64_t reach, int64_t ramp)
{
    const int64_t length = cpb_range_length(range), ranks = b->problem->ranks;
    const cpb_wide all = weight(b->problem, pairs_of(b, range.begin, length), length);
    const cpb_wide lack = ramp ? least_lack(b) : 0;
    int64_t total = 0, by_left = 0, by_ramp = 0;
    for (int64_t i = 1; reach && i <= ranks; i++) {
        const int64_t left = cpb_max(0, left_over(b, range, all, i));
        if (!left && !lack)
            break;
        const int64_t before = tokens_that_lack(b, ramp, lack * (i - 1));
        const bool far = left / 2 >= reach;
        total += far ? reach + before : 0;
        by_left += far ? 0 : cpb_min(reach, left);
        by_ramp += far ? 0 : before;
        note_most(b, far ? reach + before : cpb_max(before, cpb_min(reach, left)));
    }
    return total + cpb_max(by_left, by_ramp);
}

/* Both sides: one of the range without the last keys of the other. */
static int64_t bound_banded(bounding *b, const cpb_key_region *region)
{
    const cpb_range keys = region->keys;
    const int64_t before = cpb_min(region->before, cpb_range_length(keys));
    const int64_t behind = cpb_min(region->behind, cpb_range_length(keys));
    const cpb_range head = {keys.begin, keys.end - behind};
    const cpb_range tail = {keys.begin + before, keys.end};
    const int64_t ramp = ramp_of(b, region);
    return cpb_max(bound_side(b, head, before, ramp) + bound_side(b, keys, behind, 0),
                   bound_side(b, tail, behind, 0) + bound_side(b, keys, before, ramp));
}

static void bound_region(void *context, const cpb_key_region *region)
{
    bounding *const b = context;
    const int64_t nested = bound_nested(b, region);
    b->found.total += cpb_max(nested, bound_banded(b, region));
}

/* --- 4 and 5: any keys ------------------------------------------------------------ */

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
    b.most_keys = cpb_mask_most_keys(problem->mask);
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
