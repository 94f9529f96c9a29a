// SPDX-License-Identifier: Apache-2.0
/* Numbers as people type them, read exactly. */
#define _XOPEN_SOURCE 700 /* POSIX 2008 */
#include "number.h"

#include "message.h"

#include <inttypes.h>
#include <time.h>

enum { MOST_TOLERANCE = 1000 };

/* Digits from *text on; leaves *text behind them. At most INT64_MAX. */
static bool digits(const char **text, int64_t *value)
{
    const char *const begin = *text;
    int64_t sum = 0;
    for (; **text >= '0' && **text <= '9'; (*text)++) {
        const int64_t digit = **text - '0';
        if (sum > (INT64_MAX - digit) / 10)
            return false;
        sum = sum * 10 + digit;
    }
    *value = sum;
    return *text != begin;
}

bool number_read(const char *what, const char *text, int64_t low, int64_t high,
                 int64_t *value, cpb_error *error)
{
    const char *end = text;
    if (digits(&end, value) && !*end && *value >= low && *value <= high)
        return true;
    return fail(error,
                "%.40s is \"%.40s\"; accepted are whole numbers from %" PRId64
                " to %" PRId64,
                what, text, low, high);
}

/* The decimals behind a point, as millionths. */
static bool millionths(const char **text, int64_t *value)
{
    int64_t unit = 100000, sum = 0;
    const char *const begin = *text;
    for (; **text >= '0' && **text <= '9'; (*text)++, unit /= 10) {
        if (!unit && **text != '0')
            return false;
        sum += unit * (**text - '0');
    }
    *value = sum;
    return *text != begin;
}

bool number_read_ppm(const char *what, const char *text, int64_t *ppm, cpb_error *error)
{
    const char *end = text;
    int64_t whole = 0, part = 0;
    bool good = *end == '.' || digits(&end, &whole);
    if (good && *end == '.') {
        end++;
        good = millionths(&end, &part);
    }
    if (good && !*end &&
        (whole < MOST_TOLERANCE || (whole == MOST_TOLERANCE && !part))) {
        *ppm = whole * 1000000 + part;
        return true;
    }
    return fail(error,
                "%.40s is \"%.40s\"; accepted are decimal fractions from 0 up to %d "
                "with at most six decimals, such as 0.01",
                what, text, MOST_TOLERANCE);
}

bool number_read_model(const char *what, const char *text, cpb_model *model,
                       cpb_error *error)
{
    const char *end = text;
    cpb_model read = *model;
    const bool good = digits(&end, &read.q_heads) && *end++ == '/' &&
                      digits(&end, &read.kv_heads) && *end++ == 'x' &&
                      digits(&end, &read.head_dim) && !*end;
    if (!good)
        return fail(error,
                    "%.40s is \"%.40s\"; accepted is QUERY_HEADS/KV_HEADSxDIMENSION, "
                    "such as 64/4x128",
                    what, text);
    *model = read;
    return true;
}

double number_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}
