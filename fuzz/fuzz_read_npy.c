// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a .npy file: refused with a sentence, or the integers that end it. As an
 * order they make a plan exactly where they are a permutation. */
#include "fuzz_input.h"
#include "npy.h"

enum { RANKS = 3, START_1 = 10, START_2 = 12 };

static size_t elements_at(const uint8_t *data)
{
    const size_t low = data[8] | (size_t)data[9] << 8;
    return data[6] == 1
               ? START_1 + low
               : START_2 + (low | (size_t)data[10] << 16 | (size_t)data[11] << 24);
}

static int64_t element(const uint8_t *data, size_t bytes, size_t i)
{
    uint64_t value = 0;
    for (size_t k = bytes; k-- > 0;)
        value = value << 8 | data[i * bytes + k];
    return bytes == 4 ? (int32_t)(uint32_t)value : (int64_t)value;
}

static void require_elements(const uint8_t *data, size_t size, int64_t n,
                             const int64_t *values)
{
    const size_t start = elements_at(data), left = size - start;
    const size_t bytes = left / (size_t)n;
    require(n >= 1 && start < size && left % (size_t)n == 0);
    require(bytes == 4 || bytes == 8);
    for (int64_t i = 0; i < n; i++)
        require(values[i] == element(data + start, bytes, (size_t)i));
}

static void try_order(int64_t n, const int64_t *order)
{
    cpb_error error = {.at = -2};
    cpb_plan *plan = NULL;
    const bool good = cpb_check_order(n, order, NULL, &error) == CPB_OK;
    if (!good)
        require_sentence(&error);
    require(good ==
            (cpb_plan_create_order(n, n, order, RANKS, NULL, &plan, &error) == CPB_OK));
    if (!good)
        require_sentence(&error);
    cpb_plan_free(plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cpb_error error = {.at = -2};
    int64_t n, *values;
    if (npy_read(input_path(data, size), &n, &values, &error)) {
        require_elements(data, size, n, values);
        try_order(n, values);
    } else {
        require_sentence(&error);
    }
    free(values);
    return 0;
}
