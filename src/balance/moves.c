// SPDX-License-Identifier: Apache-2.0
/* Redealing hands, and swaps between two ranks. */
#include "moves.h"

#include "../base/range.h"

/* How many seats come before each rank's own. */
static void count_seats(int64_t n, const cpb_item *rising, const int32_t *owner,
                        cpb_seating *seating)
{
    int64_t *const first = seating->first;
    for (int64_t i = 0; i < n; i++)
        first[owner[rising[i].value] + 1]++;
    for (int32_t r = 0; r < seating->ranks; r++)
        first[r + 1] += first[r];
}

cpb_status cpb_seating_fill(cpb_seating *seating, int64_t n, const cpb_item *rising,
                            const int32_t *owner, cpb_arena *arena)
{
    const size_t ranks = (size_t)seating->ranks;
    seating->first = cpb_arena_zeros(arena, ranks + 1, sizeof *seating->first);
    seating->pool = cpb_arena_take(arena, 3 * ranks, sizeof *seating->pool);
    seating->hand = cpb_arena_take(arena, 2 * ranks, sizeof *seating->hand);
    seating->spot = cpb_arena_take(arena, 2 * ranks, sizeof *seating->spot);
    if (!seating->first || !seating->pool || !seating->hand || !seating->spot)
        return CPB_NO_MEMORY;

    count_seats(n, rising, owner, seating);
    int64_t *const next = seating->spot;
    for (size_t r = 0; r < ranks; r++)
        next[r] = seating->first[r];
    for (int64_t i = n - 1; i >= 0; i--) {
        const int64_t chunk = rising[i].value;
        seating->held[next[owner[chunk]]++] =
            (cpb_held){.cost = (int64_t)rising[i].key, .chunk = chunk};
    }
    return CPB_OK;
}

void cpb_seating_owners(const cpb_seating *seating, int32_t *owner)
{
    for (int32_t r = 0; r < seating->ranks; r++)
        for (int64_t i = seating->first[r]; i < seating->first[r + 1]; i++)
            owner[seating->held[i].chunk] = r;
}

/* The generator splitmix64: the same numbers everywhere. */
static uint64_t next_random(uint64_t *seed)
{
    uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* Choose one or two different seats of each rank that has as many, and enter the rank
 * with its level without them, and them with their cost. Returns how many take part. */
static size_t collect_hands(cpb_seating *seating, int size, uint64_t *seed)
{
    cpb_item *const rests = seating->pool, *const hands = rests + seating->ranks;
    size_t n = 0;
    for (int32_t r = 0; r < seating->ranks; r++) {
        const int64_t begin = seating->first[r];
        const uint64_t seats = (uint64_t)(seating->first[r + 1] - begin);
        if (seats < (uint64_t)size)
            continue;
        const uint64_t random = next_random(seed);
        int64_t *const spot = &seating->spot[2 * r];
        cpb_held *const hand = &seating->hand[2 * r];
        spot[0] = begin + (int64_t)((random >> 32) * seats >> 32);
        hand[0] = seating->held[spot[0]];
        int64_t sum = hand[0].cost;
        if (size == 2) {
            spot[1] = begin + (int64_t)((random & UINT32_MAX) * (seats - 1) >> 32);
            spot[1] += spot[1] >= spot[0];
            hand[1] = seating->held[spot[1]];
            sum += hand[1].cost;
        }
        rests[n] = (cpb_item){(uint64_t)(seating->level[r] - sum), r};
        hands[n++] = (cpb_item){~(uint64_t)sum, r}; /* descending */
    }
    return n;
}

/* Pairing in opposite orders has the lowest maximum of all pairings, so the old one is
 * not better. */
void cpb_redeal(cpb_seating *seating, int size, uint64_t *seed)
{
    const size_t n = collect_hands(seating, size, seed);
    cpb_item *const rests = seating->pool, *const hands = rests + seating->ranks;
    cpb_item *const spare = hands + seating->ranks;
    cpb_sort(rests, spare, n);
    cpb_sort(hands, spare, n);
    for (size_t i = 0; i < n; i++) {
        const int64_t rank = rests[i].value, from = hands[i].value;
        seating->level[rank] = (int64_t)rests[i].key + (int64_t)~hands[i].key;
        for (int j = 0; j < size; j++)
            seating->held[seating->spot[2 * rank + j]] = seating->hand[2 * from + j];
    }
}

/* Costliest first. Steps leave ranks nearly sorted, where this is fast. */
static void sort_seats(cpb_seating *seating, int32_t rank)
{
    cpb_held *const held = seating->held + seating->first[rank];
    const int64_t n = seating->first[rank + 1] - seating->first[rank];
    for (int64_t i = 1; i < n; i++) {
        const cpb_held moved = held[i];
        int64_t j = i;
        for (; j > 0 && held[j - 1].cost < moved.cost; j--)
            held[j] = held[j - 1];
        held[j] = moved;
    }
}

/* What the high rank should shed: into the middle of what brings both within the
 * target, or half the gap where nothing does. */
static int64_t wanted_shift(int64_t high, int64_t low, int64_t target)
{
    const int64_t least = high - target, most = target - low;
    return least <= most ? least + (most - least) / 2 : (high - low) / 2;
}

/* An exchange of the chunks in two seats. */
typedef struct seat_swap {
    int64_t give; /* seat of the high rank */
    int64_t take; /* seat of the low rank */
    int64_t peak; /* the higher of both levels afterwards */
} seat_swap;

/* The exchange between two ranks that leaves the lower peak, or the first one found
 * that leaves both within `target`. Without any gain `peak` is the level of `high`.
 * Sorts both ranks' seats. O(seats of both) where they are nearly sorted. */
static seat_swap best_swap(cpb_seating *seating, int32_t high, int32_t low,
                           int64_t target)
{
    const int64_t above = seating->level[high], below = seating->level[low];
    const int64_t wanted = wanted_shift(above, below, target);
    const cpb_held *const held = seating->held;
    const int64_t begin = seating->first[low], end = seating->first[low + 1];
    seat_swap best = {.peak = above};

    sort_seats(seating, high);
    sort_seats(seating, low);
    int64_t take = begin;
    for (int64_t give = seating->first[high];
         give < seating->first[high + 1] && best.peak > target; give++) {
        const int64_t wish = held[give].cost - wanted;
        while (take < end && held[take].cost > wish)
            take++;
        for (int64_t i = cpb_max(take - 1, begin); i <= take && i < end; i++) {
            const int64_t shift = held[give].cost - held[i].cost;
            const int64_t peak = cpb_max(above - shift, below + shift);
            if (peak < best.peak)
                best = (seat_swap){.give = give, .take = i, .peak = peak};
        }
    }
    return best;
}

static void apply_swap(cpb_seating *seating, int32_t high, int32_t low,
                       const seat_swap *swap)
{
    const cpb_held given = seating->held[swap->give];
    const cpb_held taken = seating->held[swap->take];
    seating->held[swap->give] = taken;
    seating->held[swap->take] = given;
    seating->level[high] -= given.cost - taken.cost;
    seating->level[low] += given.cost - taken.cost;
}

bool cpb_mend(cpb_seating *seating, int64_t target, int32_t partners)
{
    cpb_item *const order = seating->pool;
    for (int32_t r = 0; r < seating->ranks; r++)
        order[r] = (cpb_item){(uint64_t)seating->level[r], r};
    cpb_sort(order, order + seating->ranks, (size_t)seating->ranks);

    bool done = true;
    int32_t lowest = 0;
    for (int32_t i = seating->ranks - 1; i >= lowest; i--) {
        const int32_t high = (int32_t)order[i].value;
        if (seating->level[high] <= target)
            break;
        seat_swap best = {.peak = seating->level[high]};
        int32_t partner = -1;
        for (int32_t p = lowest; p < i && p - lowest < partners && best.peak > target;
             p++) {
            const int32_t low = (int32_t)order[p].value;
            if (p > lowest && seating->level[low] >= target)
                break;
            const seat_swap swap = best_swap(seating, high, low, target);
            if (swap.peak < best.peak) {
                best = swap;
                partner = p;
            }
        }
        done = done && best.peak <= target;
        if (partner < 0)
            continue;
        apply_swap(seating, high, (int32_t)order[partner].value, &best);
        for (int32_t p = partner; p > lowest; p--)
            order[p] = order[p - 1]; /* those still free stay in order */
        lowest++;
    }
    return done;
}
