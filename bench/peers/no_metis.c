// SPDX-License-Identifier: Apache-2.0
/* A build without METIS. */
#include "metis.h"

#include <stdlib.h>

bool metis_is_here(void)
{
    return false;
}

double metis_partition(const cpb_mask *mask, int64_t chunk, int32_t ranks,
                       double tolerance, bool volume, int32_t *owner)
{
    (void)mask, (void)chunk, (void)ranks, (void)tolerance, (void)volume, (void)owner;
    abort();
}
