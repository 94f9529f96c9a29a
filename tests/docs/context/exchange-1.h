// SPDX-License-Identifier: Apache-2.0
#include <cpb/cpb.h>

extern cpb_plan *plan;
extern cpb_mask *mask;
extern cpb_exchange *exchange;
extern cpb_status status;
extern cpb_error error;
