// SPDX-License-Identifier: Apache-2.0
#include <cpb/attend.h>
#include <cpb/cpb.h>

extern cpb_plan *plan;
extern cpb_mask *mask;
extern cpb_exchange *exchange;
extern cpb_attention shape;
extern cpb_attend *attend;
extern cpb_attend_saved saved;
extern cpb_attend_times times;
extern int32_t ranks;
extern float *rows, *all, *q, *kv, *out, *lse, *dq, *dkv;
extern size_t row_bytes;
extern void *context;
extern cpb_error error;
