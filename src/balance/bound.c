// SPDX-License-Identifier: Apache-2.0
/* Lower bounds of the largest load.
 *
 * Every argument is a pigeonhole: among the largest m chunks some ranks must hold more
 * than the others, and whatever else they hold weighs at least as much as the smallest
 * chunks of all. Sums come from prefix sums over the sorted costs. */
#include "bound.h"

#include "../base/range.h"

/* Second pigeonholes per first one, and chunks per rank up to which they are tried:
 * beyond, the mean is as good. */
enum { DEPTH = 8, FEW_SEATS = 32 };

/* Cuts per world size where ranks differ, and how many of them are tried. */
enum { CUTS_PER_ROW = 4, CUTS = 64 };

/* The costs in ascending order and the sums of their beginnings. */
typedef struct ladder {
    int64_t n;
    const cpb_item *step; /* [n] */
    int64_t *sum;         /* [n + 1] sum[x]: the x smallest */
} ladder;

cpb_seats cpb_seats_of(cpb_sizes sizes, int64_t tokens, int64_t chunk, int32_t ranks,
                       int64_t cap)
{
    const int64_t n = cpb_ceil_div(tokens, chunk);
    if (sizes == CPB_EQUAL)
        return (cpb_seats){n / ranks, cpb_ceil_div(n, ranks)};
    if (cap < 0)
        return (cpb_seats){0, cpb_ceil_div(n, ranks)};

    /* One rank may hold the short last chunk, which leaves room for more whole ones. */
    const int64_t last = tokens - (n - 1) * chunk;
    const int64_t beside_last = cap >= last ? (cap - last) / chunk + 1 : 0;
    return (cpb_seats){0, cpb_min(n, cpb_max(cap / chunk, beside_last))};
}

int64_t cpb_scaled_load(int64_t load, int64_t fastest, int64_t speed)
{
    if (load / speed >= CPB_MOST_SCALED / fastest)
        return CPB_MOST_SCALED;
    return load / speed * fastest + cpb_ceil_div(load % speed * fastest, speed);
}

int64_t cpb_load_within(int64_t scaled, int64_t fastest, int64_t speed)
{
    return scaled / fastest * speed + scaled % fastest * speed / fastest;
}

/* The costs in ascending order; NULL when memory ends. */
static const cpb_item *rising_costs(const cpb_load_problem *problem, cpb_arena *arena)
{
    if (problem->rising)
        return problem->rising;
    const size_t n = (size_t)problem->n;
    cpb_item *const items = cpb_arena_take(arena, 2 * n, sizeof *items);
    if (!items)
        return NULL;
    for (size_t i = 0; i < n; i++)
        items[i] = (cpb_item){.key = (uint64_t)problem->cost[i], .value = (int64_t)i};
    cpb_sort(items, items + n, n);
    return items;
}

static cpb_status make_ladder(const cpb_load_problem *problem, cpb_arena *arena,
                              ladder *out)
{
    *out = (ladder){
        .n = problem->n, .step = rising_costs(problem, arena), .sum = problem->scratch};
    if (!out->sum)
        out->sum = cpb_arena_take(arena, (size_t)problem->n + 1, sizeof *out->sum);
    if (!out->step || !out->sum)
        return CPB_NO_MEMORY;
    out->sum[0] = 0;
    for (int64_t i = 0; i < out->n; i++)
        out->sum[i + 1] = out->sum[i] + (int64_t)out->step[i].key;
    return CPB_OK;
}

/* The i-th smallest cost. */
static int64_t step(const ladder *costs, int64_t i)
{
    return (int64_t)costs->step[i].key;
}

/* Sum of the x smallest; no chunks for x <= 0. */
static int64_t smallest(const ladder *costs, int64_t x)
{
    return costs->sum[cpb_max(x, 0)];
}

/* Sum of the x smallest among the m largest. */
static int64_t smallest_of_top(const ladder *costs, int64_t m, int64_t x)
{
    return costs->sum[costs->n - m + x] - costs->sum[costs->n - m];
}

static int64_t common_divisor(int64_t a, int64_t b)
{
    while (b) {
        const int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* Round up to a load that sums of chunks can have: where every rank holds k chunks and
 * all costs are congruent modulo g, loads are k * cost + multiples of g. Otherwise they
 * are multiples of what divides every cost. */
static int64_t round_to_lattice(const ladder *costs, cpb_seats seats, int64_t load)
{
    const bool same_counts = seats.least == seats.most;
    const int64_t origin = same_counts ? step(costs, 0) : 0;
    int64_t g = 0;
    for (int64_t i = 0; i < costs->n && g != 1; i++)
        g = common_divisor(step(costs, i) - origin, g);
    if (g == 0)
        return same_counts ? seats.least * origin : 0;

    const int64_t base = same_counts ? seats.least * origin : 0;
    return load <= base ? base : base + cpb_ceil_div(load - base, g) * g;
}

/* A first pigeonhole: i ranks that hold `held` of the m largest each. */
typedef struct crowd {
    int64_t m;
    int64_t ranks;
    int64_t held;
    int64_t others; /* chunks that these ranks hold beside those, at least */
} crowd;

/* The largest load in a crowd. Its mean is one bound. The others spread over the
 * ranks of the crowd, so of the s * ranks + 1 largest among them some rank holds s +
 * 1: another bound for each s. */
static int64_t crowd_bound(const ladder *costs, cpb_seats seats, const crowd *who,
                           int64_t limit)
{
    const int64_t tops = smallest_of_top(costs, who->m, who->ranks * who->held);
    int64_t bound = cpb_ceil_div(tops + smallest(costs, who->others), who->ranks);

    const int64_t top = smallest_of_top(costs, who->m, who->held);
    for (int64_t s = 0; s < DEPTH && bound < limit; s++) {
        const int64_t begin = who->others - s * who->ranks - 1;
        if (begin < 0)
            break;
        const int64_t seconds = costs->sum[begin + s + 1] - costs->sum[begin];
        const int64_t rest = smallest(costs, seats.least - who->held - s - 1);
        bound = cpb_max(bound, top + seconds + rest);
    }
    return bound;
}

/* Of the m = j * ranks + i largest chunks either some rank holds j + 2 or more, or at
 * least i ranks hold j + 1: the lesser of both is a bound. */
static int64_t pigeonhole(const ladder *costs, const cpb_load_problem *problem,
                          int64_t least, int64_t j, int64_t i, int64_t best)
{
    const int64_t ranks = problem->ranks, most = problem->seats.most;
    const int64_t m = j * ranks + i;
    int64_t stacked = INT64_MAX;
    if (j + 2 <= most && j + 2 <= m)
        stacked = smallest_of_top(costs, m, j + 2) + smallest(costs, least - j - 2);
    if (stacked <= best)
        return best;

    const int64_t held = i * (j + 1);
    const int64_t at_least =
        cpb_max(i * least, costs->n - cpb_min((ranks - i) * most, costs->n));
    const crowd who = {
        .m = m, .ranks = i, .held = j + 1, .others = cpb_max(at_least - held, 0)};
    const cpb_seats seats = {least, most};
    return cpb_max(best, cpb_min(stacked, crowd_bound(costs, seats, &who, stacked)));
}

/* All ranks alike. */
static int64_t bound_of_equals(const cpb_load_problem *problem, const ladder *costs)
{
    const int64_t n = problem->n, ranks = problem->ranks;
    const cpb_seats seats = problem->seats;
    /* The other ranks cannot hold more than their seats. */
    const int64_t least =
        cpb_max(seats.least, n - cpb_min((ranks - 1) * seats.most, n));

    int64_t best = cpb_ceil_div(costs->sum[n], ranks);
    best = cpb_max(best, step(costs, n - 1) + smallest(costs, least - 1));
    const int64_t widest = seats.most <= FEW_SEATS ? ranks : 1;
    for (int64_t j = 0; j < seats.most; j++)
        for (int64_t i = 1; i <= widest && j * ranks + i <= n; i++)
            best = pigeonhole(costs, problem, least, j, i, best);
    return round_to_lattice(costs, seats, best);
}

/* What can be said of one scaled load, for ranks that differ. */
typedef struct question {
    const cpb_load_problem *problem;
    const ladder *costs;
    int64_t fastest;
    int64_t m; /* the largest chunks must find a place; all of them: as a sum */
} question;

static int64_t room_of(const question *ask, int32_t rank, int64_t scaled)
{
    const cpb_load_problem *const problem = ask->problem;
    const int64_t speed = problem->speeds ? problem->speeds[rank] : 1;
    const int64_t carried = problem->carried ? problem->carried[rank] : 0;
    return cpb_load_within(scaled, ask->fastest, speed) - carried;
}

/* Most of the m largest that a rank with this room can hold beside its least chunks. */
static int64_t places(const question *ask, int64_t room)
{
    const cpb_seats seats = ask->problem->seats;
    int64_t low = 0, high = cpb_min(seats.most, ask->m);
    while (low < high) {
        const int64_t middle = (low + high + 1) / 2;
        if (smallest_of_top(ask->costs, ask->m, middle) +
                smallest(ask->costs, seats.least - middle) <=
            room)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

/* Can the m largest chunks find a place, every rank staying within `scaled`? */
static bool places_suffice(const question *ask, int64_t scaled)
{
    int64_t left = ask->m;
    for (int32_t r = 0; r < ask->problem->ranks && left > 0; r++)
        left -= places(ask, room_of(ask, r, scaled));
    return left <= 0;
}

/* Can the sum of all costs, and does every rank have room for its least chunks? */
static bool sum_suffices(const question *ask, int64_t scaled)
{
    const ladder *const costs = ask->costs;
    const cpb_seats seats = ask->problem->seats;
    const int64_t most = cpb_min(seats.most, costs->n);
    const int64_t heaviest = costs->sum[costs->n] - costs->sum[costs->n - most];
    int64_t left = costs->sum[costs->n];
    for (int32_t r = 0; r < ask->problem->ranks; r++) {
        const int64_t room = room_of(ask, r, scaled);
        if (room < smallest(costs, seats.least))
            return false;
        left -= cpb_min(cpb_min(room, heaviest), cpb_max(left, 0));
    }
    return left <= 0;
}

/* The least scaled load >= low to which the answer is yes; it is for `high`. */
static int64_t least_yes(const question *ask, bool (*answer)(const question *, int64_t),
                         int64_t low, int64_t high)
{
    if (answer(ask, low))
        return low;
    while (high - low > 1) {
        const int64_t middle = low + (high - low) / 2;
        if (answer(ask, middle))
            high = middle;
        else
            low = middle;
    }
    return high;
}

static int64_t bound_of_different(const cpb_load_problem *problem, const ladder *costs)
{
    question ask = {.problem = problem, .costs = costs, .fastest = 1};
    for (int32_t r = 0; r < problem->ranks && problem->speeds; r++)
        ask.fastest = cpb_max(ask.fastest, problem->speeds[r]);

    /* What is carried is a bound, and with all chunks on top of it everything fits. */
    int64_t low = 0, high = 0;
    for (int32_t r = 0; r < problem->ranks; r++) {
        const int64_t speed = problem->speeds ? problem->speeds[r] : 1;
        const int64_t carried = problem->carried ? problem->carried[r] : 0;
        low = cpb_max(low, cpb_scaled_load(carried, ask.fastest, speed));
        high = cpb_max(
            high, cpb_scaled_load(carried + costs->sum[costs->n], ask.fastest, speed));
    }

    int64_t best = least_yes(&ask, sum_suffices, low, high);
    const int64_t stride = cpb_ceil_div(problem->ranks, CUTS_PER_ROW);
    for (int64_t cut = 0; cut < CUTS && cut * stride + 1 <= costs->n; cut++) {
        ask.m = cut * stride + 1;
        best = least_yes(&ask, places_suffice, best, high);
    }
    return best;
}

cpb_status cpb_load_bound(const cpb_load_problem *problem, cpb_arena *arena,
                          int64_t *bound)
{
    ladder costs;
    const cpb_status status = make_ladder(problem, arena, &costs);
    if (status != CPB_OK)
        return status;
    *bound = problem->speeds || problem->carried ? bound_of_different(problem, &costs)
                                                 : bound_of_equals(problem, &costs);
    return CPB_OK;
}
