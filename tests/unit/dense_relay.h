// SPDX-License-Identifier: Apache-2.0
/* The relay form key by key, after docs/exchange.md: what scores and recounts of it are
 * held against. */
#ifndef CPB_TESTING_DENSE_RELAY_H
#define CPB_TESTING_DENSE_RELAY_H

#include <stdbool.h>
#include <stdint.h>

/* Who lacks each key, a bit per rank, and who owns it. */
typedef struct dense_keys {
    int64_t tokens;
    int32_t ranks;
    const int32_t *owner;   /* [tokens] */
    const uint32_t *takers; /* [tokens] */
} dense_keys;

static inline int32_t dense_bits(uint32_t bits)
{
    int32_t n = 0;
    for (; bits; bits >>= 1)
        n += (int32_t)(bits & 1);
    return n;
}

/* The end of the cell that begins with key k. */
static inline int64_t dense_cell_end(const dense_keys *d, int64_t k)
{
    int64_t end = k + 1;
    while (end < d->tokens && d->owner[end] == d->owner[k] &&
           d->takers[end] == d->takers[k])
        end++;
    return end;
}

/* Relay keys begin .. end - 1 of one cell while there is cause and room.
 * \return the first key that is not relayed */
static inline int64_t dense_relieve(const dense_keys *d, int64_t begin, int64_t end,
                                    int64_t level, int64_t *send)
{
    const int32_t owner = d->owner[begin];
    const int64_t others = dense_bits(d->takers[begin]) - 1;
    while (begin < end && send[owner] > level) {
        int32_t by = -1;
        for (int32_t r = d->ranks - 1; r >= 0; r--)
            if (d->takers[begin] >> r & 1 && (by < 0 || send[r] <= send[by]))
                by = r;
        /* The longest piece that is of use and leaves the relay at the level. */
        int64_t useful = 0, length = 0;
        while (useful < end - begin && send[owner] - useful * others > level)
            useful++;
        while (length < useful && send[by] + (length + 1) * others <= level)
            length++;
        const int64_t least = level / 64 / others;
        if (length < useful && length < (least > 1 ? least : 1))
            break;
        send[owner] -= length * others;
        send[by] += length * others;
        begin += length;
    }
    return begin;
}

/* One round: whether an owner is left above the level with keys to relay. `first` is the
 * first key of each cell, by its beginning, that is not relayed. */
static inline bool dense_round(const dense_keys *d, const bool *above, int64_t level,
                               int64_t *send, int64_t *first)
{
    bool left = false;
    for (int32_t n = d->ranks; n >= 2; n--)
        for (int64_t k = 0, end; k < d->tokens; k = end) {
            end = dense_cell_end(d, k);
            if (!above[d->owner[k]] || dense_bits(d->takers[k]) != n)
                continue;
            if (first[k] < end)
                first[k] = dense_relieve(d, first[k], end, level, send);
            left = left || (first[k] < end && send[d->owner[k]] > level);
        }
    return left;
}

/* Turn sends of the flat form, [ranks], into those of the relay form.
 * \param first [tokens] scratch */
static inline void dense_relay(const dense_keys *d, int64_t receive_max, int64_t *send,
                               int64_t *first)
{
    bool above[32];
    for (int32_t r = 0; r < d->ranks; r++)
        above[r] = send[r] > receive_max;
    for (int64_t k = 0; k < d->tokens; k++)
        first[k] = k;
    for (int64_t level = receive_max; dense_round(d, above, level, send, first);)
        level += level / 8 > 1 ? level / 8 : 1;
}

#endif
