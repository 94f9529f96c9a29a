// SPDX-License-Identifier: Apache-2.0
/* `even` for several masks that ranks wait for one by one.
 *
 * Costs are rescaled so that the bound of every mask is one UNIT. Their sum is dealt by
 * rows. Then the rank that is highest under any mask exchanges a chunk with one that is
 * low there, so that the squares of what lies above the bounds fall the most. */
#include "even.h"

#include "../base/range.h"
#include "../work/work.h"

/* Partners and seats that an exchange is looked for among, and how much a mask that
 * makes up all of the time counts against one that hardly matters. */
enum { PARTNERS = 4, MORE_PARTNERS = 32, SEATS_TRIED = 32, IMPORTANCE = 15 };

/* What the bound of every mask becomes, and the excess that is still told apart. */
#define UNIT ((int64_t)1 << 30)
#define GRAIN_BITS 8
#define MOST_EXCESS ((int64_t)1 << 24)

/* Costs and levels under every mask, in units. */
typedef struct layers {
    cpb_even *even;
    size_t n;            /* masks */
    int64_t *cost;       /* [n_chunks * n] */
    int64_t *level;      /* [ranks * n] */
    int64_t *importance; /* [n] */
    cpb_seating seating; /* its levels are not used */
    int64_t step;
} layers;

/* x / bound in units; x <= bound. */
static int64_t in_units(int64_t x, int64_t bound)
{
    int shift = 0;
    while (bound >> shift >= INT64_C(1) << 32)
        shift++;
    return bound ? ((x >> shift) * UNIT) / (bound >> shift) : 0;
}

static cpb_status scale_mask(layers *l, size_t mask, int64_t *bound)
{
    const cpb_view *const view = l->even->view;
    const int64_t *const cost = view->columns + mask * (size_t)view->n_chunks;
    const int64_t *const carried =
        view->carried ? view->carried + mask * (size_t)view->ranks : NULL;
    const cpb_status status = cpb_even_bound(l->even, cost, carried, bound);
    if (status != CPB_OK)
        return status;

    for (int64_t c = 0; c < view->n_chunks; c++)
        l->cost[(size_t)c * l->n + mask] = in_units(cost[c], *bound);
    for (int32_t r = 0; r < view->ranks; r++) {
        const int64_t level = (carried ? in_units(carried[r], *bound) : 0) + UNIT -
                              cpb_even_goal(l->even, r, UNIT);
        l->level[(size_t)r * l->n + mask] = level;
        l->even->handicap[r] += level;
    }
    return CPB_OK;
}

/* Masks that make up much of the time count more. */
static void weigh_masks(layers *l, const int64_t *bounds)
{
    const int64_t *const weights = l->even->view->weights;
    cpb_wide total = 0;
    for (size_t m = 0; m < l->n; m++)
        total += (cpb_wide)bounds[m] * (weights ? weights[m] : 1);
    for (size_t m = 0; m < l->n; m++) {
        const cpb_wide share = (cpb_wide)bounds[m] * (weights ? weights[m] : 1);
        l->importance[m] = 1 + (total ? (int64_t)(IMPORTANCE * share / total) : 0);
    }
}

static cpb_status scale(layers *l)
{
    const cpb_view *const view = l->even->view;
    const size_t n = (size_t)view->n_chunks, ranks = (size_t)view->ranks;
    cpb_arena *const arena = l->even->arena;
    int64_t *const bounds = cpb_arena_take(arena, l->n, sizeof *bounds);
    l->cost = cpb_arena_take(arena, n * l->n, sizeof *l->cost);
    l->level = cpb_arena_take(arena, ranks * l->n, sizeof *l->level);
    l->importance = cpb_arena_take(arena, l->n, sizeof *l->importance);
    if (!bounds || !l->cost || !l->level || !l->importance)
        return CPB_NO_MEMORY;
    for (size_t m = 0; m < l->n; m++)
        if (scale_mask(l, m, &bounds[m]) != CPB_OK)
            return CPB_NO_MEMORY;
    weigh_masks(l, bounds);
    return CPB_OK;
}

/* The first deal, by the sum over the masks. */
static cpb_status start(layers *l)
{
    cpb_even *const even = l->even;
    const int64_t n = even->view->n_chunks;
    int64_t *const sum = cpb_arena_zeros(even->arena, (size_t)n, sizeof *sum);
    if (!sum)
        return CPB_NO_MEMORY;
    for (size_t c = 0; c < (size_t)n; c++)
        for (size_t m = 0; m < l->n; m++)
            sum[c] += l->cost[c * l->n + m];
    if (cpb_even_sort(even, sum) != CPB_OK)
        return CPB_NO_MEMORY;
    cpb_even_start(even, sum);

    for (size_t c = 0; c < (size_t)n; c++)
        for (size_t m = 0; m < l->n; m++)
            l->level[(size_t)even->best.owner[c] * l->n + m] += l->cost[c * l->n + m];
    return cpb_even_seat(even, &l->seating);
}

/* Square of what lies above the bound; far above it stops growing, which only matters
 * where a single chunk is far above. */
static int64_t penalty(int64_t level)
{
    const int64_t above = cpb_min((level - UNIT) >> GRAIN_BITS, MOST_EXCESS);
    return above > 0 ? above * above : 0;
}

/* An exchange that is the best so far. */
typedef struct offer {
    int64_t gain;
    int32_t low;
    int64_t give, take; /* seats */
} offer;

/* How much the penalties of two ranks fall when they exchange two chunks. */
static int64_t gain_of(const layers *l, const int64_t *high, const int64_t *low,
                       const int64_t *given, const int64_t *taken)
{
    int64_t gain = 0;
    for (size_t m = 0; m < l->n; m++) {
        const int64_t shift = given[m] - taken[m];
        gain += l->importance[m] *
                (penalty(high[m]) + penalty(low[m]) - penalty(high[m] - shift) -
                 penalty(low[m] + shift));
    }
    return gain;
}

/* Where ranks hold many chunks every so many-th seat is tried, others at each step. */
static int64_t stride_of(int64_t seats)
{
    return cpb_max(1, seats / SEATS_TRIED);
}

static void try_partner(const layers *l, int32_t high, int32_t low, offer *best)
{
    const cpb_seating *const s = &l->seating;
    const int64_t give_stride = stride_of(s->first[high + 1] - s->first[high]);
    const int64_t take_stride = stride_of(s->first[low + 1] - s->first[low]);
    for (int64_t i = s->first[high] + l->step % give_stride; i < s->first[high + 1];
         i += give_stride)
        for (int64_t j = s->first[low] + l->step % take_stride; j < s->first[low + 1];
             j += take_stride) {
            const int64_t gain = gain_of(l, l->level + (size_t)high * l->n,
                                         l->level + (size_t)low * l->n,
                                         l->cost + (size_t)s->held[i].chunk * l->n,
                                         l->cost + (size_t)s->held[j].chunk * l->n);
            if (gain > best->gain)
                *best = (offer){.gain = gain, .low = low, .give = i, .take = j};
        }
}

/* The highest rank under any mask, and that mask. */
static int64_t find_highest(const layers *l, int32_t *rank, size_t *mask)
{
    int64_t highest = -1;
    for (int32_t r = 0; r < l->seating.ranks; r++)
        for (size_t m = 0; m < l->n; m++)
            if (l->level[(size_t)r * l->n + m] > highest) {
                highest = l->level[(size_t)r * l->n + m];
                *rank = r;
                *mask = m;
            }
    return highest;
}

/* The ranks in ascending order of their level under one mask. */
static const cpb_item *rank_under(layers *l, size_t mask)
{
    cpb_item *const order = l->seating.pool;
    for (int32_t r = 0; r < l->seating.ranks; r++)
        order[r] = (cpb_item){(uint64_t)l->level[(size_t)r * l->n + mask], r};
    cpb_sort(order, order + l->seating.ranks, (size_t)l->seating.ranks);
    return order;
}

static void exchange(layers *l, int32_t high, const offer *best)
{
    cpb_held *const held = l->seating.held;
    const cpb_held given = held[best->give], taken = held[best->take];
    held[best->give] = taken;
    held[best->take] = given;
    for (size_t m = 0; m < l->n; m++) {
        const int64_t shift = l->cost[(size_t)given.chunk * l->n + m] -
                              l->cost[(size_t)taken.chunk * l->n + m];
        l->level[(size_t)high * l->n + m] -= shift;
        l->level[(size_t)best->low * l->n + m] += shift;
    }
}

/* One exchange of the highest rank; false when it is within the target or stuck. */
static bool lower_highest(layers *l, int64_t target)
{
    int32_t high = 0;
    size_t mask = 0;
    if (find_highest(l, &high, &mask) <= target)
        return false;
    const cpb_item *const order = rank_under(l, mask);
    offer best = {.gain = 0};
    for (int32_t p = 0; p < cpb_min(MORE_PARTNERS, l->seating.ranks); p++) {
        if (p >= PARTNERS && best.gain > 0)
            break;
        if (order[p].value != high)
            try_partner(l, high, (int32_t)order[p].value, &best);
    }
    if (best.gain <= 0)
        return false;
    exchange(l, high, &best);
    return true;
}

cpb_status cpb_even_layers(cpb_even *even)
{
    layers l = {.even = even, .n = even->view->n_columns};
    cpb_status status = scale(&l);
    if (status == CPB_OK)
        status = start(&l);
    if (status != CPB_OK)
        return status;

    const cpb_patience *const patience = cpb_even_patience(even->view);
    const int64_t steps = patience->rounds * even->view->ranks / 8 + patience->rounds;
    const int64_t target = cpb_even_above(UNIT, patience->layer_stop);
    while (l.step < steps && lower_highest(&l, target))
        l.step++;
    cpb_seating_owners(&l.seating, even->best.owner);
    return CPB_OK;
}
