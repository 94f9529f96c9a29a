// SPDX-License-Identifier: Apache-2.0
/* `even` for several masks that ranks wait for one by one.
 *
 * Costs are rescaled so that the bound of every mask is one UNIT. Their sum is dealt by
 * rows. Then every rank that is above the target under some mask exchanges a chunk with
 * one that is low there, so that the squares of what lies above the bounds fall the
 * most; they never rise. */
#include "even.h"

#include "../base/range.h"
#include "../work/work.h"

/* Exchanges that a round tries, shared by the ranks above the target, and seats of each
 * rank that it tries them with. */
enum { SWAPS_TRIED = 8192, MOST_SWAPS = 16 * SWAPS_TRIED, SEATS_TRIED = 16 };

/* How much a mask that makes up all of the time counts against one that hardly
 * matters. */
enum { IMPORTANCE = 15 };

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
    cpb_item *above;     /* [ranks] those above the target */
    cpb_item *below;     /* [n * ranks] all, in ascending order under each mask */
    int32_t *taken;      /* [n] of those, how many took part in this round */
    int64_t round;
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
    l->above = cpb_arena_take(arena, ranks, sizeof *l->above);
    l->below = cpb_arena_take(arena, ranks * l->n, sizeof *l->below);
    l->taken = cpb_arena_zeros(arena, l->n, sizeof *l->taken);
    if (!bounds || !l->cost || !l->level || !l->importance || !l->above || !l->below ||
        !l->taken)
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
        gain += l->importance[m] * (penalty(high[m]) + penalty(low[m]) -
                                    penalty(high[m] - shift) - penalty(low[m] + shift));
    }
    return gain;
}

/* Where ranks hold many chunks every so many-th seat is tried, others in each round. */
static int64_t stride_of(int64_t seats)
{
    return cpb_max(1, seats / SEATS_TRIED);
}

static void try_partner(const layers *l, int32_t high, int32_t low, offer *best)
{
    const cpb_seating *const s = &l->seating;
    const int64_t give_stride = stride_of(s->first[high + 1] - s->first[high]);
    const int64_t take_stride = stride_of(s->first[low + 1] - s->first[low]);
    for (int64_t i = s->first[high] + l->round % give_stride; i < s->first[high + 1];
         i += give_stride)
        for (int64_t j = s->first[low] + l->round % take_stride; j < s->first[low + 1];
             j += take_stride) {
            const int64_t gain = gain_of(l, l->level + (size_t)high * l->n,
                                         l->level + (size_t)low * l->n,
                                         l->cost + (size_t)s->held[i].chunk * l->n,
                                         l->cost + (size_t)s->held[j].chunk * l->n);
            if (gain > best->gain)
                *best = (offer){.gain = gain, .low = low, .give = i, .take = j};
        }
}

/* The mask under which a rank is highest. */
static size_t worst_mask(const layers *l, int32_t rank)
{
    const int64_t *const level = l->level + (size_t)rank * l->n;
    size_t worst = 0;
    for (size_t m = 1; m < l->n; m++)
        worst = level[m] > level[worst] ? m : worst;
    return worst;
}

/* Enter the ranks above the target, lowest first, and return how many they are. */
static int32_t rank_above(layers *l, int64_t target)
{
    int32_t n = 0;
    for (int32_t r = 0; r < l->seating.ranks; r++) {
        const int64_t level = l->level[(size_t)r * l->n + worst_mask(l, r)];
        if (level > target)
            l->above[n++] = (cpb_item){(uint64_t)level, r};
    }
    cpb_sort(l->above, l->seating.pool, (size_t)n);
    return n;
}

/* The ranks in ascending order of their level under each mask. */
static void rank_below(layers *l)
{
    const size_t ranks = (size_t)l->seating.ranks;
    for (size_t m = 0; m < l->n; m++) {
        cpb_item *const below = l->below + m * ranks;
        for (size_t r = 0; r < ranks; r++)
            below[r] = (cpb_item){(uint64_t)l->level[r * l->n + m], (int64_t)r};
        cpb_sort(below, l->seating.pool, ranks);
        l->taken[m] = 0;
    }
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

/* Exchange a chunk of `high` with the best of some ranks that are low where it is
 * highest and that took no part yet. */
static bool lower(layers *l, int32_t high, int64_t partners)
{
    const size_t mask = worst_mask(l, high);
    const int32_t taken = l->taken[mask];
    cpb_item *const below = l->below + mask * (size_t)l->seating.ranks;
    const int64_t end = cpb_min(taken + partners, l->seating.ranks);
    offer best = {.gain = 0};
    int32_t partner = -1;
    for (int32_t p = taken; p < end; p++) {
        const int64_t gain = best.gain;
        if (below[p].value != high)
            try_partner(l, high, (int32_t)below[p].value, &best);
        if (best.gain > gain)
            partner = p;
    }
    if (partner < 0)
        return false;
    exchange(l, high, &best);
    const cpb_item used = below[partner];
    below[partner] = below[taken];
    below[taken] = used;
    l->taken[mask]++;
    return true;
}

/* One round: every rank above the target tries to come down, highest first. */
static bool lower_all(layers *l, int32_t above, int64_t partners)
{
    bool moved = false;
    rank_below(l);
    for (int32_t i = above - 1; i >= 0; i--)
        moved = lower(l, (int32_t)l->above[i].value, partners) || moved;
    l->round++;
    return moved;
}

/* Partners of each rank that is above: as many as the swaps to be tried allow. */
static int64_t partners_of(const layers *l, int64_t above, int64_t swaps)
{
    const cpb_view *const view = l->even->view;
    const int64_t seats =
        cpb_min(cpb_max(1, view->n_chunks / view->ranks), SEATS_TRIED);
    return cpb_max(1, swaps / (seats * seats * above));
}

static void improve(layers *l)
{
    const cpb_patience *const patience = cpb_even_patience(l->even->view);
    const int64_t target = cpb_even_above(UNIT, patience->layer_stop);
    int64_t swaps = SWAPS_TRIED; /* more of them after a round in vain */
    while (l->round < patience->layer_rounds && swaps <= MOST_SWAPS) {
        const int32_t above = rank_above(l, target);
        if (above == 0)
            break;
        const bool moved = lower_all(l, above, partners_of(l, above, swaps));
        swaps = moved ? SWAPS_TRIED : swaps * 4;
    }
}

cpb_status cpb_even_layers(cpb_even *even)
{
    layers l = {.even = even, .n = even->view->n_columns};
    cpb_status status = scale(&l);
    if (status == CPB_OK)
        status = start(&l);
    if (status != CPB_OK)
        return status;
    improve(&l);
    cpb_seating_owners(&l.seating, even->best.owner);
    return CPB_OK;
}
