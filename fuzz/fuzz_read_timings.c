// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a file of timings: refused with a sentence, or timings that make sense, of
 * which a calibration is refused or gives a profile that a setup accepts. */
#include "calibration.h"
#include "fuzz_input.h"

#include <math.h>

enum { MOST_TOKENS = 20000, MOST_TIMINGS = 50 }; /* for a quick calibration */

/* Masks of a few tokens per slice take memory like their tokens: those of a file may have
 * so many together. */
enum { MOST_TOKENS_READ = 1 << 20 };

/* Lengths stand between `:` and `;` or the row's end. */
static bool has_small_masks(const uint8_t *data, size_t size)
{
    int64_t sum = 0, number = 0;
    bool inside = false;
    for (size_t i = 0; i < size && sum + number <= MOST_TOKENS_READ; i++) {
        const bool digit = data[i] >= '0' && data[i] <= '9';
        inside = data[i] == ':' || (inside && data[i] != ';' && data[i] != '\n');
        sum += digit ? 0 : number;
        number = digit && inside ? number * 10 + (data[i] - '0') : 0;
    }
    return sum + number <= MOST_TOKENS_READ;
}

static bool is_small(const cli_timings *timings)
{
    for (size_t i = 0; i < timings->n_masks; i++)
        if (cpb_mask_tokens(timings->mask[i]) > MOST_TOKENS)
            return false;
    for (size_t i = 0; i < timings->n; i++)
        for (size_t j = 0; j < timings->timing[i].n_runs; j++)
            if (timings->timing[i].runs[j].end > MOST_TOKENS)
                return false;
    return timings->n <= MOST_TIMINGS;
}

static void require_timing(const cli_timings *timings, const cli_timing *t)
{
    require(t->us > 0 && isfinite(t->us) && t->line > 1);
    require(t->what != TIMED_ATTENTION ||
            (t->mask < timings->n_masks && t->n_runs > 0));
    require(t->received >= 0 && t->bytes >= 0 && t->phases >= 0 && t->peers >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cpb_error error = {.at = -2};
    cli_timings timings = {0};
    cli_calibration found;
    if (!has_small_masks(data, size))
        return 0;
    if (!timings_read(input_path(data, size), &timings, &error)) {
        require_sentence(&error);
    } else {
        require(timings.n > 0);
        for (size_t i = 0; i < timings.n; i++)
            require_timing(&timings, &timings.timing[i]);
        if (is_small(&timings)) {
            cpb_setup setup = cpb_setup_default();
            if (calibrate(&timings, &found, &error)) {
                setup.profile = found.profile;
                require(cpb_setup_check(&setup, 1, &error) == CPB_OK);
                require(found.pairs_ranked <= found.pairs);
            } else {
                require_sentence(&error);
            }
        }
    }
    timings_free(&timings);
    return 0;
}
