// SPDX-License-Identifier: Apache-2.0
/* Who has to do with whom, kept up to date where peers are limited. */
#ifndef CPB_SRC_FRUGAL_PEERS_H
#define CPB_SRC_FRUGAL_PEERS_H

#include "../base/memory.h"

/* Ranks are peers while there are links between them. */
typedef struct cpb_peers {
    int32_t ranks;
    int32_t most; /* peers that a rank may have */
    int32_t
        *links; /* [ranks][ranks] the lesser rank first; NULL where none is too much */
    int32_t *n; /* [ranks] peers */
    int64_t excess; /* peers above the limit, summed over the ranks */
} cpb_peers;

/* No links yet. O(ranks^2) memory, none where the limit allows everything. */
cpb_status cpb_peers_create(cpb_arena *arena, int32_t ranks, int32_t most,
                            cpb_peers *peers);
void cpb_peers_clear(cpb_peers *peers);

/* Both were created alike. */
void cpb_peers_copy(const cpb_peers *from, cpb_peers *to);

/* Add (sign 1) or take away (-1) a link between two ranks. */
void cpb_peers_link(cpb_peers *peers, int32_t a, int32_t b, int32_t sign);

#endif
