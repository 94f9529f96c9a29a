// SPDX-License-Identifier: Apache-2.0
/* The 64-bit hash of docs/formats.md: FNV-1a over 64-bit words, with a fold after each
 * word so that high bits reach low ones. */
#ifndef CPB_SRC_HASH_H
#define CPB_SRC_HASH_H

#include <stdint.h>

#define CPB_HASH_START UINT64_C(14695981039346656037)

static inline uint64_t cpb_hash_word(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(1099511628211);
    return hash ^ hash >> 32;
}

#endif
