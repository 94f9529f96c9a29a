// SPDX-License-Identifier: Apache-2.0
/* Error records. */
#include "error.h"

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

cpb_status cpb_fail_memory(cpb_error *error)
{
    return cpb_fail(error, CPB_NO_MEMORY, -1, "out of memory");
}
