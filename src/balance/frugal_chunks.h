// SPDX-License-Identifier: Apache-2.0
/* The positions of a view as chunks, for balancers and bounds that deal them. */
#ifndef CPB_SRC_FRUGAL_CHUNKS_H
#define CPB_SRC_FRUGAL_CHUNKS_H

#include "frugal_board.h"

/* The same positions with the costs of chunks; `chunk` is a multiple of the grid. */
cpb_status cpb_chunks_view(const cpb_view *from, int64_t chunk, cpb_arena *arena,
                           cpb_view *view);

/* Let limits rise to what is possible; `view` is that of cpb_chunks_view(). */
cpb_status cpb_chunks_raise(const cpb_view *view, cpb_arena *arena, cpb_goals *goals,
                            bool *raised);

#endif
