// SPDX-License-Identifier: Apache-2.0
/* Memory on large pages, where the system has them. */
#ifndef CPB_SRC_ATTEND_PAGES_H
#define CPB_SRC_ATTEND_PAGES_H

#include "base/memory.h"

/* At least `bytes` bytes, aligned for any type, not zeroed; from half a large page on they
 * begin with one. NULL when memory ends. */
void *cpb_pages_take(cpb_arena *arena, size_t bytes);

#endif
