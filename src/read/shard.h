// SPDX-License-Identifier: Apache-2.0
/* Key layouts, and the walk over what a rank computes. */
#ifndef CPB_SRC_SHARD_H
#define CPB_SRC_SHARD_H

#include "../base/memory.h"
#include "../base/range.h"

#include <cpb/shard.h>

struct cpb_keys {
    cpb_arena memory; /* owns everything below, and the layout itself */
    cpb_key_order order;
    int64_t slots;
    size_t n;
    cpb_holding *at; /* [n] by ascending position, merged */
};

/* Index of the first holding that ends after `position`; n where there is none.
 * `hint` is any index, best the last answer: neighbours are found without a search. */
size_t cpb_keys_find(const cpb_keys *keys, size_t hint, int64_t position);

/* Refuse a shard whose mask and plan differ in tokens. */
cpb_status cpb_shard_check(const cpb_shard *shard, cpb_error *error);

/* The one sentence for a layout that lacks a needed key. */
cpb_status cpb_shard_fail_lack(int32_t rank, int64_t key, cpb_error *error);

#endif
