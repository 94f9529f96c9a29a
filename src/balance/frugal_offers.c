// SPDX-License-Identifier: Apache-2.0
#include "frugal_offers.h"

/* What a stretch that changes hands must save, in positions. */
enum { STRETCH_KEYS = 16 };

cpb_status cpb_wholes_find(const cpb_view *view, cpb_arena *arena, cpb_wholes *wholes)
{
    *wholes = (cpb_wholes){
        .end = cpb_arena_take(arena, view->n_islands, sizeof *wholes->end),
        .before = cpb_arena_take(arena, view->n_islands + 1, sizeof *wholes->before)};
    if (!wholes->end || !wholes->before)
        return CPB_NO_MEMORY;
    int32_t begin = 0;
    wholes->before[0] = 0;
    for (size_t i = 0; i < view->n_islands; i++) {
        const int32_t end =
            (int32_t)(cpb_ceil_div(view->island_ends[i], view->grid) * view->grid);
        if (end == begin)
            continue;
        wholes->end[wholes->n++] = end;
        wholes->before[wholes->n] = view->lookup->before(view->lookup, end);
        if (end - begin > wholes->longest)
            wholes->longest = end - begin;
        begin = end;
    }
    return CPB_OK;
}

int32_t cpb_wholes_from(const cpb_wholes *wholes, int64_t position)
{
    int32_t at = 1; /* island 0 begins at 0, others where the one before ends */
    if (position <= 0)
        return 0;
    for (int32_t left = wholes->n - at; left > 0; left /= 2) {
        const int32_t half = (left + 1) / 2;
        at += wholes->end[at + half - 2] < position ? half : 0;
    }
    return at;
}

static void add_stretches(const cpb_wholes *wholes, const cpb_patch *p, cpb_offers *o)
{
    for (int32_t i = cpb_wholes_from(wholes, p->begin);
         i < wholes->n && wholes->end[i] <= p->end; i++) {
        const int64_t begin = cpb_whole_begin(wholes, i);
        for (int32_t j = i; j < wholes->n && wholes->end[j] <= p->end; j++) {
            if (o->n_stretches == CPB_MOST_STRETCHES)
                return;
            o->stretch[o->n_stretches++] =
                (cpb_whole_stretch){{begin, wholes->end[j]},
                                    p->isle,
                                    wholes->before[j + 1] - wholes->before[i]};
        }
    }
}

/* Two stretches, or one where `second` is -1, or none. */
static void add_offer(cpb_offers *o, int32_t first, int32_t second)
{
    cpb_offer *const offer = &o->offer[o->n++];
    *offer = (cpb_offer){.stretch = {first, second}};
    for (int i = 0; i < 2; i++) {
        if (offer->stretch[i] < 0)
            continue;
        const cpb_whole_stretch *const s = &o->stretch[offer->stretch[i]];
        offer->length += cpb_range_length(s->range);
        offer->cost += s->cost;
        offer->price += STRETCH_KEYS;
    }
}

/* Lengths first, and of equal ones what they cost. */
static uint64_t key_of(const cpb_offers *o, int64_t length, int64_t cost)
{
    return ((uint64_t)cpb_max(0, length) << 32) +
           (uint64_t)(cpb_max(0, cost) >> o->shift);
}

static bool overlap(cpb_range a, cpb_range b)
{
    return a.begin < b.end && b.begin < a.end;
}

void cpb_offers_list(const cpb_wholes *wholes, const cpb_board *board, int32_t rank,
                     int32_t most, cpb_offers *o)
{
    o->n_stretches = 0;
    o->n = 0;
    for (int32_t id = board->rank_first[rank]; id >= 0; id = board->patch[id].fore)
        add_stretches(wholes, &board->patch[id], o);
    add_offer(o, -1, -1);
    for (int32_t i = 0; i < o->n_stretches && o->n < most; i++)
        add_offer(o, i, -1);
    for (int32_t gap = 1; gap < o->n_stretches; gap++)
        for (int32_t i = 0; i + gap < o->n_stretches && o->n < most; i++)
            if (!overlap(o->stretch[i].range, o->stretch[i + gap].range))
                add_offer(o, i, i + gap);
    for (o->shift = 0; board->goals->total >> o->shift > INT32_MAX;)
        o->shift++;
    for (int32_t i = 0; i < o->n; i++)
        o->sorted[i] = (cpb_item){key_of(o, o->offer[i].length, o->offer[i].cost), i};
    cpb_sort(o->sorted, o->spare, (size_t)o->n);
}

int32_t cpb_offers_from(const cpb_offers *o, int64_t length, int64_t cost)
{
    const uint64_t key = key_of(o, length, cost);
    int32_t at = 0;
    for (int32_t left = o->n; left > 0; left /= 2) {
        const int32_t half = (left + 1) / 2;
        at += o->sorted[at + half - 1].key < key ? half : 0;
    }
    return at;
}

void cpb_offer_add(const cpb_offers *o, const cpb_offer *offer, int32_t of,
                   cpb_swap *swap)
{
    for (int i = 0; i < 2; i++)
        if (offer->stretch[i] >= 0) {
            const cpb_whole_stretch *const s = &o->stretch[offer->stretch[i]];
            swap->lot[swap->n++] = (cpb_lot){s->range, s->isle, of, -1};
        }
}
