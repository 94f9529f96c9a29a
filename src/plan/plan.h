// SPDX-License-Identifier: Apache-2.0
/* Building plans inside the library. */
#ifndef CPB_SRC_PLAN_H
#define CPB_SRC_PLAN_H

#include "../base/memory.h"

#include <cpb/plan.h>

/* What cpb_plan_create_runs() takes, already known to be a bijection. */
typedef struct cpb_plan_parts {
    int64_t tokens;
    int64_t padding;
    int32_t ranks;
    const int64_t *first;  /* [ranks + 1] */
    const cpb_range *runs; /* [first[ranks]] */
    cpb_promise promise;
    const char *balancer; /* static memory */
} cpb_plan_parts;

/* Drop empty runs, merge neighbours, hash. */
cpb_status cpb_plan_build(const cpb_plan_parts *parts, const cpb_allocator *allocator,
                          cpb_plan **plan, cpb_error *error);

#endif
