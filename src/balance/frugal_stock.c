// SPDX-License-Identifier: Apache-2.0
#include "frugal_stock.h"

#include <string.h>

enum { DENSITY_BITS = 20 };

/* Positions per cost, so that sorting by it puts cheap wares first; equal ones stay in
 * the order of positions. */
static uint64_t density_of(const cpb_ware *ware)
{
    return (uint64_t)(((cpb_sum)ware->cost << DENSITY_BITS) /
                      (ware->end - ware->begin));
}

cpb_status cpb_stock_create(const cpb_view *view, const cpb_isles *isles,
                            cpb_arena *arena, cpb_stock *stock)
{
    const size_t n = (size_t)isles->n_atoms;
    cpb_item *const items = cpb_arena_take(arena, 2 * n, sizeof *items);
    cpb_ware *const ware = cpb_arena_take(arena, n, sizeof *ware);
    stock->view = view;
    stock->n = isles->n_atoms;
    stock->whole = cpb_arena_take(arena, n, sizeof *stock->whole);
    stock->ware = ware;
    stock->gone = cpb_arena_take(arena, n, sizeof *stock->gone);
    stock->sum = cpb_arena_take(arena, n + 1, sizeof *stock->sum);
    if (!items || !ware || !stock->whole || !stock->gone || !stock->sum)
        return CPB_NO_MEMORY;
    for (stock->width = 1; 2 * stock->width <= stock->n;)
        stock->width *= 2;

    int64_t begin = 0, before = 0;
    int32_t isle = 0;
    for (size_t i = 0; i < n; i++) {
        const int64_t end = isles->atom_end[i];
        const int64_t after = view->lookup->before(view->lookup, end);
        while (isles->end[isle] < end)
            isle++;
        ware[i] = (cpb_ware){begin, begin, end, before, after - before, isle};
        items[i] = (cpb_item){density_of(&ware[i]), (int64_t)i};
        begin = end;
        before = after;
    }
    cpb_sort(items, items + n, n);
    for (size_t i = 0; i < n; i++)
        stock->whole[i] = ware[items[i].value];
    cpb_stock_refill(stock);
    return CPB_OK;
}

void cpb_stock_refill(cpb_stock *stock)
{
    memcpy(stock->ware, stock->whole, (size_t)stock->n * sizeof *stock->ware);
    memset(stock->gone, 0, (size_t)stock->n * sizeof *stock->gone);
    stock->front = 0;
    stock->back = stock->n - 1;
    stock->left = 0;
    memset(stock->sum, 0, ((size_t)stock->n + 1) * sizeof *stock->sum);
    for (int32_t i = 1; i <= stock->n; i++) {
        const cpb_ware *const w = &stock->ware[i - 1];
        const int32_t up = i + (i & -i);
        stock->sum[i].tokens += w->end - w->begin;
        stock->sum[i].cost += w->cost;
        stock->left += w->end - w->begin;
        if (up <= stock->n) {
            stock->sum[up].tokens += stock->sum[i].tokens;
            stock->sum[up].cost += stock->sum[i].cost;
        }
    }
}

int64_t cpb_stock_cheapest(const cpb_stock *stock, int64_t tokens)
{
    int64_t cost = 0;
    int32_t at = 0;
    for (int32_t step = stock->width; step; step /= 2) {
        if (at + step > stock->n || stock->sum[at + step].tokens > tokens)
            continue;
        at += step;
        tokens -= stock->sum[at].tokens;
        cost += stock->sum[at].cost;
    }
    if (at == stock->n || !tokens)
        return cost;
    const cpb_ware *const w = &stock->ware[at];
    const cpb_lookup *const lookup = stock->view->lookup;
    return cost + lookup->before(lookup, w->begin + tokens) - w->before;
}

static void change(cpb_stock *stock, int32_t i, int64_t tokens, int64_t cost)
{
    stock->left += tokens;
    for (i++; i <= stock->n; i += i & -i) {
        stock->sum[i].tokens += tokens;
        stock->sum[i].cost += cost;
    }
}

void cpb_stock_remove(cpb_stock *stock, int32_t i)
{
    const cpb_ware *const w = &stock->ware[i];
    change(stock, i, w->begin - w->end, -w->cost);
    stock->gone[i] = true;
    while (stock->front <= stock->back && stock->gone[stock->front])
        stock->front++;
    while (stock->front <= stock->back && stock->gone[stock->back])
        stock->back--;
}

void cpb_stock_shorten(cpb_stock *stock, int32_t i, int64_t begin)
{
    const cpb_lookup *const lookup = stock->view->lookup;
    cpb_ware *const w = &stock->ware[i];
    const int64_t cost = lookup->before(lookup, begin) - w->before;
    change(stock, i, w->begin - begin, -cost);
    w->begin = begin;
    w->before += cost;
    w->cost -= cost;
}
