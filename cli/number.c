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

/* Digits with a point somewhere, without the zeros at the end: `sum` x 10^`power`. */
static bool decimal(const char **text, int64_t *sum, int64_t *power)
{
    int64_t zeros = 0; /* at the end so far */
    bool any = false, behind = false;
    *sum = *power = 0;
    for (; (**text >= '0' && **text <= '9') || (**text == '.' && !behind); (*text)++) {
        if (**text == '.') {
            behind = true;
            continue;
        }
        any = true;
        *power -= behind;
        zeros++;
        if (**text == '0')
            continue;
        for (; zeros > 0 && *sum <= INT64_MAX / 10 - 1; zeros--)
            *sum *= 10;
        if (zeros)
            return false;
        *sum += **text - '0';
    }
    *power += zeros;
    return any;
}

/* What stands behind an `e`, 0 where there is none. */
static bool exponent(const char **text, int64_t *value)
{
    *value = 0;
    if (**text != 'e' && **text != 'E')
        return true;
    (*text)++;
    const bool negative = **text == '-';
    *text += negative || **text == '+';
    const bool good = digits(text, value) && *value <= INT32_MAX;
    *value = negative ? -*value : *value;
    return good;
}

bool number_read_ppm(const char *what, const char *text, int64_t *ppm, cpb_error *error)
{
    const int64_t most = MOST_TOLERANCE * INT64_C(1000000);
    const char *end = text;
    int64_t sum, power, ten;
    bool good = decimal(&end, &sum, &power) && exponent(&end, &ten) && !*end;
    if (good && sum) {
        power += ten + 6;
        for (; power > 0 && sum <= most; power--)
            sum *= 10;
        good = !power && sum <= most;
    }
    if (good) {
        *ppm = sum;
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
