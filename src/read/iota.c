// SPDX-License-Identifier: Apache-2.0
/* The list of ways to write runs, and the one that every processor has. */
#include "iota.h"

void cpb_iota_write(cpb_index type, void *out, int64_t value, int64_t n)
{
    if (type == CPB_INT32) {
        int32_t *const narrow = out;
        for (int64_t i = 0; i < n; i++)
            narrow[i] = (int32_t)(value + i);
    } else {
        int64_t *const wide = out;
        for (int64_t i = 0; i < n; i++)
            wide[i] = value + i;
    }
}

static bool always(void)
{
    return true;
}

static void write_plain(const cpb_iota *iota)
{
    const size_t bytes = cpb_index_bytes(iota->type);
    unsigned char *const order = iota->order, *const inverse = iota->inverse;
    int64_t slot = 0;
    for (size_t i = 0; i < iota->n_runs; i++) {
        const cpb_range run = iota->runs[i];
        const int64_t n = run.end - run.begin;
        if (order)
            cpb_iota_write(iota->type, order + (size_t)slot * bytes, run.begin, n);
        if (inverse)
            cpb_iota_write(iota->type, inverse + (size_t)run.begin * bytes, slot, n);
        slot += n;
    }
}

static const cpb_iota_way plain = {"plain", always, write_plain, write_plain};

const cpb_iota_way *cpb_iota_way_at(size_t i)
{
    if (i == 0)
        return &plain;
    return i == 1 ? cpb_iota_avx2 : NULL;
}
