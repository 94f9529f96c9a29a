// SPDX-License-Identifier: Apache-2.0
/* METIS as a peer: a general graph partitioner that may be given our problem. */
#ifndef CPB_BENCH_METIS_H
#define CPB_BENCH_METIS_H

#include <cpb/mask.h>

/* Whether this build has METIS. */
bool metis_is_here(void);

/* Chunks are vertices with two weights, tokens and pairs, and as many keys to send as
 * they have tokens; chunks of which one needs keys of the other are neighbours. METIS
 * knows no direction, so its objective is near to the traffic but not the same.
 *
 * \param chunk     tokens per vertex; n = ceil(tokens / chunk) of at most 16,384
 * \param tolerance allowed excess of both weights
 * \param volume    objective: communication volume, else cut edges
 * \param[out] owner [n]
 * \return seconds of the partitioning alone; ends the program where it fails. */
double metis_partition(const cpb_mask *mask, int64_t chunk, int32_t ranks,
                       double tolerance, bool volume, int32_t *owner);

#endif
