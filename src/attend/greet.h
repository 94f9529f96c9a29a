// SPDX-License-Identifier: Apache-2.0
/* What ranks compare before the first key moves. */
#ifndef CPB_SRC_ATTEND_GREET_H
#define CPB_SRC_ATTEND_GREET_H

#include "attend.h"

/* In the order in which a difference is named. */
enum {
    CPB_WORD_VERSION,
    CPB_WORD_RANKS,
    CPB_WORD_MASK,
    CPB_WORD_PLAN,
    CPB_WORD_EXCHANGE,
    CPB_WORD_SHAPE,
    CPB_N_WORDS
};

typedef struct cpb_words {
    uint64_t word[CPB_N_WORDS];
} cpb_words;

void cpb_words_of(const cpb_attend *attend, const cpb_link *link, cpb_words *words);

/* Compare the words of all ranks; collective. */
cpb_status cpb_greet(const cpb_words *words, const cpb_link *link,
                     const cpb_allocator *allocator, cpb_error *error);

#endif
