// SPDX-License-Identifier: Apache-2.0
/* Any text as a number, a fraction or a shape of heads: refused with a sentence, or in
 * range and, written out again, read as the same. */
#include "fuzz_input.h"
#include "number.h"

#include <inttypes.h>

enum { MOST_BYTES = 400 };

static void try_whole(const char *text, int64_t low, int64_t high)
{
    char again[32];
    cpb_error error = {.at = -2};
    int64_t value, same;
    if (!number_read("--ranks", text, low, high, &value, &error)) {
        require_sentence(&error);
        return;
    }
    require(value >= low && value <= high);
    snprintf(again, sizeof again, "%" PRId64, value);
    require(number_read("--ranks", again, low, high, &same, &error) && same == value);
}

static void try_fraction(const char *text)
{
    char again[48];
    cpb_error error = {.at = -2};
    int64_t ppm, same;
    if (!number_read_ppm("--tolerance", text, &ppm, &error)) {
        require_sentence(&error);
        return;
    }
    require(ppm >= 0 && ppm <= INT64_C(1000000000));
    snprintf(again, sizeof again, "%" PRId64 ".%06" PRId64, ppm / 1000000,
             ppm % 1000000);
    require(number_read_ppm("--tolerance", again, &same, &error) && same == ppm);
}

static void try_model(const char *text)
{
    char again[80];
    cpb_error error = {.at = -2};
    cpb_setup setup = cpb_setup_default();
    cpb_model model = setup.model;
    if (!number_read_model("--model", text, &setup.model, &error)) {
        require_sentence(&error);
        require(!memcmp(&model, &setup.model, sizeof model));
        return;
    }
    snprintf(again, sizeof again, "%" PRId64 "/%" PRId64 "x%" PRId64,
             setup.model.q_heads, setup.model.kv_heads, setup.model.head_dim);
    require(number_read_model("--model", again, &model, &error));
    require(!memcmp(&model, &setup.model, sizeof model));
    if (cpb_setup_check(&setup, 4, &error) != CPB_OK)
        require_sentence(&error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[MOST_BYTES + 1];
    const size_t n = size < MOST_BYTES ? size : MOST_BYTES;
    memcpy(text, data, n);
    text[n] = '\0';
    try_whole(text, 1, CPB_MAX_RANKS);
    try_whole(text, 0, INT64_MAX);
    try_fraction(text);
    try_model(text);
    return 0;
}
