// SPDX-License-Identifier: Apache-2.0
/* From values to places along an axis. */
#include "scale.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The round number (1, 2 or 5 times a power of ten) that is not below `value`. */
static double round_up(double value)
{
    const double power = pow(10, floor(log10(value)));
    const double lead = value / power;
    return power * (lead <= 1.0000001   ? 1
                    : lead <= 2.0000001 ? 2
                    : lead <= 5.0000001 ? 5
                                        : 10);
}

chart_scale scale_linear(double low, double high, size_t ticks)
{
    const double span = high - low > 0 ? high - low : fabs(high) > 0 ? fabs(high) : 1;
    const double step = round_up(span / (double)(ticks > 2 ? ticks - 1 : 1));
    const double first = floor(low / step + 1e-9), last = ceil(high / step - 1e-9);
    chart_scale scale = {.low = first * step, .step = step};
    scale.high = (last > first ? last : first + 1) * step;
    for (double i = first; scale.n < SCALE_TICKS && i * step <= scale.high + step / 2;
         i++)
        scale.tick[scale.n++] = i * step;
    return scale;
}

chart_scale scale_logarithmic(double low, double high, size_t ticks)
{
    const double first = floor(log10(low) + 1e-9), end = ceil(log10(high) - 1e-9);
    const double last = end > first ? end : first + 1;
    const double every = ceil((last - first) / (double)(ticks > 2 ? ticks - 1 : 1));
    chart_scale scale = {
        .low = pow(10, first), .high = pow(10, last), .logarithmic = true};
    for (double i = first; scale.n < SCALE_TICKS && i <= last + 0.5; i += every)
        scale.tick[scale.n++] = pow(10, i);
    return scale;
}

double scale_place(const chart_scale *scale, double value)
{
    if (scale->logarithmic)
        return (log10(value) - log10(scale->low)) /
               (log10(scale->high) - log10(scale->low));
    return (value - scale->low) / (scale->high - scale->low);
}

/* Commas between thousands of the whole part. */
static void group(char text[SCALE_TEXT_BYTES])
{
    char *const digits = text + (*text == '-');
    for (size_t n = strspn(digits, "0123456789"); n > 3; n -= 3) {
        const size_t cut = n - 3;
        if (strlen(text) + 2 > SCALE_TEXT_BYTES)
            return;
        memmove(digits + cut + 1, digits + cut, strlen(digits + cut) + 1);
        digits[cut] = ',';
    }
}

char *scale_number(double value, double step, char text[SCALE_TEXT_BYTES])
{
    static const struct {
        double above, unit;
        const char *suffix;
    } units[] = {{1e12, 1e12, "T"}, {1e9, 1e9, "G"}, {1e6, 1e6, "M"}, {0, 1, ""}};
    size_t u = 0;
    while (fabs(value) < units[u].above)
        u++;
    const double shown = value / units[u].unit;
    const double fine = (step > 0 ? step : fabs(value) / 100) / units[u].unit;
    const double wanted = fine > 0 ? ceil(-log10(fine) - 1e-9) : 0;
    const int decimals = wanted < 0 ? 0 : (int)fmin(wanted, 6);
    if (wanted > 6) {
        snprintf(text, SCALE_TEXT_BYTES, "%.3g", value);
        return text;
    }
    snprintf(text, SCALE_TEXT_BYTES - 2, "%.*f", decimals, shown);
    if (strchr(text, '.')) {
        size_t end = strlen(text);
        while (text[end - 1] == '0')
            end--;
        text[end - (text[end - 1] == '.')] = '\0';
    }
    if (!strcmp(text, "-0"))
        strcpy(text, "0");
    group(text);
    strcat(text, units[u].suffix);
    return text;
}
