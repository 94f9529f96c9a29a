// SPDX-License-Identifier: Apache-2.0
/* Error records. */
#include "error.h"

#include "range.h"

#include <stdarg.h>
#include <stdio.h>

cpb_status cpb_fail(cpb_error *error, cpb_status status, int64_t at, const char *format,
                    ...)
{
    if (error) {
        va_list values;
        va_start(values, format);
        error->at = at;
        vsnprintf(error->message, sizeof error->message, format, values);
        va_end(values);
    }
    return status;
}

cpb_status cpb_fail_to_divide(cpb_error *error, int64_t n, const char *what, int64_t of,
                              const char *whole)
{
    int64_t below = cpb_min(n, of), above = cpb_max(n, 1);
    char nearest[48];
    while (below > 0 && of % below)
        below--;
    while (above < of && of % above)
        above++;
    if (below > 0 && above <= of)
        snprintf(nearest, sizeof nearest, "%lld and %lld do", (long long)below,
                 (long long)above);
    else
        snprintf(nearest, sizeof nearest, "%lld does", (long long)cpb_max(1, below));
    return cpb_fail(error, CPB_INVALID, -1, "%lld %s do not divide %lld %s%s; %s",
                    (long long)n, what, (long long)of, whole, of == 1 ? "" : "s",
                    nearest);
}

cpb_status cpb_fail_memory(cpb_error *error)
{
    return cpb_fail(error, CPB_NO_MEMORY, -1, "out of memory");
}
