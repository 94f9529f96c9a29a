// SPDX-License-Identifier: Apache-2.0
/* The relay form as a choice: which keys go by which rank, so that the largest send comes
 * near the largest receive. docs/exchange.md defines every step of it. */
#ifndef CPB_SRC_RELAY_H
#define CPB_SRC_RELAY_H

#include "cells.h"

/* Keys of a cell go to rank `by`, which passes them on to the cell's others; where `by` is
 * -1 they go straight to all. */
typedef cpb_status cpb_relay_fn(void *context, const cpb_key_cell *cell, int32_t by,
                                cpb_range keys);

/* Deal out the keys of those owners that send more than the largest receive.
 * \param wants   of all ranks
 * \param level   the largest receive
 * \param send    [owners->ranks] in: sends of the flat form; out: those of the relay form
 * \param deal    is told every piece, fails for want of memory only; or NULL
 * \return CPB_OK or CPB_NO_MEMORY. */
cpb_status cpb_relay_run(const cpb_wants *wants, const cpb_owners *owners,
                         int64_t level, int64_t *send, cpb_relay_fn *deal,
                         void *context, cpb_arena *arena);

#endif
