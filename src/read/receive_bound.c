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
 *    Ramps. Let all tokens lie in such D, n = 0, and let a query that is the f-th of its D
 *    see min(f, m) + 1 keys or more, and the K that any query sees at most if f >= m. So
 *    the first tau(y) = (K - 1) + ... + (K - y) is what y tokens of one D lack at most,
 *    and only its first m, the ramp, lack any. Let each rank have to lack `lack` pairs,
 *    or its weight would pass T.
 *    Sort the ranks that hold some of a ramp by the last position they hold there, and
 *    let y be what those before a rank hold of it. Then that rank receives
 *      R >= min(u, m + y):
 *    gaps before its last position of the ramp are shorter than m, so they count whole,
 *    y at least, and what else it lacks counts up to m. Beside min(m, v), what a rank with
 *    u >= v costs anyway, the y count in full, but for min(v, y, max(0, y + m - v)).
 *    Let A be the most that a ramp lacks, lack = (s - 1) A + rho with 0 < rho <= A, and
 *    let a rank be credited with min(rho, what it lacks) in each ramp. All its credits sum
 *    to s rho or more, whichever of them fall short of rho, so those of all ranks to
 *    W s rho. If those of one D sum to z, the ranks before the j-th from the end of its
 *    order have z - j rho of them, j = 1, 2, ..., and tau(y) is no less.
 *    As tau bends down, tau(y) <= tau(x) + (K - 1 - x) (y - x) for any x, which is a floor
 *    under y that is linear in z. With the same x for all D, floors sum up to one that
 *    depends on the sum of all z alone. D of which the whole ramp lacks little give all
 *    of it for nothing; the others share what remains, and x is best where they share it
 *    alike. What ranks with min(m, v) spare is at most what that floor is for the j = 1 of
 *    the ramp given away whole, in place of y.
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
#include "receive_bounding.h"

/* 1: whether tokens with so many pairs may lie on `ranks` ranks. */
static bool fits(const cpb_bounding *b, int64_t ranks, int64_t tokens, cpb_wide pairs)
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
    return cpb_bounding_weight(p, pairs, tokens + filled) <= p->limit * ranks;
}

/* --- 2: nested keys --------------------------------------------------------------- */

static bool make_room(cpb_bounding *b, size_t n)
{
    if (n <= b->room)
        return true;
    b->room = 2 * n;
    b->tokens_from = cpb_arena_take(b->arena, b->room + 1, sizeof *b->tokens_from);
    b->pairs_from = cpb_arena_take(b->arena, b->room + 1, sizeof *b->pairs_from);
    b->failed = b->failed || !b->tokens_from || !b->pairs_from;
    return !b->failed;
}

static void sum_up(cpb_bounding *b, const cpb_key_region *region)
{
    b->tokens_from[region->n_nested] = b->pairs_from[region->n_nested] = 0;
    for (size_t i = region->n_nested; i-- > 0;) {
        const cpb_nested *const nested = &region->nested[i];
        b->tokens_from[i] = b->tokens_from[i + 1] + nested->n;
        b->pairs_from[i] =
            b->pairs_from[i + 1] + cpb_bounding_pairs(b, nested->first, nested->n);
    }
}

/* Whether the queries deeper than `depth` may lie on `ranks` ranks. */
static bool deeper_fit(const cpb_bounding *b, const cpb_key_region *region,
                       int64_t depth, int64_t ranks)
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
            pairs +=
                cpb_bounding_pairs(b, nested->first + shallow, nested->n - shallow);
        }
    }
    return fits(b, ranks, tokens, pairs);
}

/* The least depth that may be the deepest of the ranks behind `ranks`, at most `most`. */
static int64_t depth_behind(const cpb_bounding *b, const cpb_key_region *region,
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

static int64_t bound_nested(cpb_bounding *b, const cpb_key_region *region)
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
        cpb_bounding_note_most(b, cpb_ceil_div(cpb_max(0, deepest + total - own), i));
        if (i == p->ranks)
            break;
        depth = depth_behind(b, region, i, depth);
        total += depth;
    }
    return total;
}

static void bound_region(void *context, const cpb_key_region *region)
{
    cpb_bounding *const b = context;
    const int64_t nested = bound_nested(b, region);
    const int64_t banded = cpb_bound_banded(b, region);
    b->found.total += cpb_max(nested, banded);
    cpb_ramps_add(b, region, banded);
}

/* --- 4 and 5: any keys ------------------------------------------------------------ */

/* As depth_behind(), for the number of keys of any query. */
static int64_t keys_behind(const cpb_bounding *b, int64_t ranks, int64_t most)
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

static int64_t bound_any(const cpb_bounding *b)
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
    cpb_bounding b = {.problem = problem, .arena = arena};
    bool whole;
    *bound = (cpb_receive_floor){0};
    if (problem->ranks == 1)
        return CPB_OK;
    if (cpb_levels_create(problem->mask, arena, &b.levels) != CPB_OK)
        return CPB_NO_MEMORY;
    b.most_keys = cpb_mask_most_keys(problem->mask);
    cpb_bounding_note_most(&b, b.most_keys - problem->largest);
    cpb_ramps_start(&b);
    if (cpb_key_regions(problem->mask, arena, bound_region, &b, &whole) != CPB_OK)
        return CPB_NO_MEMORY;
    b.found.total = cpb_max(b.found.total, cpb_bound_ramps(&b));
    if (b.failed)
        return CPB_NO_MEMORY;
    if (!whole && b.most_keys > problem->mask->tokens / problem->ranks)
        b.found.total = cpb_max(b.found.total, bound_any(&b));
    b.found.total = cpb_max(b.found.total, bound_volume(problem));
    cpb_bounding_note_most(&b, cpb_ceil_div(b.found.total, problem->ranks));
    *bound = b.found;
    return CPB_OK;
}
