// SPDX-License-Identifier: Apache-2.0
/* Who has to do with whom, kept up to date where peers are limited. */
#include "frugal_peers.h"

#include <string.h>

cpb_status cpb_peers_create(cpb_arena *arena, int32_t ranks, int32_t most,
                            cpb_peers *peers)
{
    const size_t n = (size_t)ranks;
    *peers = (cpb_peers){.ranks = ranks, .most = most};
    if (most >= ranks - 1)
        return CPB_OK;
    peers->links = cpb_arena_take(arena, n * n, sizeof *peers->links);
    peers->n = cpb_arena_take(arena, n, sizeof *peers->n);
    if (!peers->links || !peers->n)
        return CPB_NO_MEMORY;
    cpb_peers_clear(peers);
    return CPB_OK;
}

void cpb_peers_clear(cpb_peers *peers)
{
    const size_t n = (size_t)peers->ranks;
    if (!peers->links)
        return;
    memset(peers->links, 0, n * n * sizeof *peers->links);
    memset(peers->n, 0, n * sizeof *peers->n);
    peers->excess = 0;
}

void cpb_peers_copy(const cpb_peers *from, cpb_peers *to)
{
    const size_t n = (size_t)from->ranks;
    if (!from->links)
        return;
    memcpy(to->links, from->links, n * n * sizeof *to->links);
    memcpy(to->n, from->n, n * sizeof *to->n);
    to->excess = from->excess;
}

static void count(cpb_peers *peers, int32_t rank, int32_t sign)
{
    const int32_t before = peers->n[rank], after = before + sign;
    peers->n[rank] = after;
    peers->excess += (after > peers->most ? after - peers->most : 0) -
                     (before > peers->most ? before - peers->most : 0);
}

void cpb_peers_link(cpb_peers *peers, int32_t a, int32_t b, int32_t sign)
{
    if (a == b)
        return;
    const size_t low = (size_t)(a < b ? a : b), high = (size_t)(a < b ? b : a);
    int32_t *const links = &peers->links[low * (size_t)peers->ranks + high];
    const bool linked = *links > 0;
    *links += sign;
    if (linked == (*links > 0))
        return;
    count(peers, a, sign);
    count(peers, b, sign);
}
