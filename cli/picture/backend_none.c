// SPDX-License-Identifier: Apache-2.0
/* Where cairo is not there: nothing can be rendered, and callers are told so. */
#include "shapes.h"

#include <stdlib.h>

struct backend {
    int nothing;
};

backend *backend_create(void)
{
    return calloc(1, sizeof(backend));
}

void backend_free(backend *b)
{
    free(b);
}

text_extent backend_measure(backend *b, picture_font font, const char *text)
{
    (void)b;
    (void)font;
    (void)text;
    return (text_extent){0};
}

bool backend_has_fonts(backend *b)
{
    (void)b;
    return false;
}

bool picture_is_built(void)
{
    return false;
}

picture_status picture_render(const picture *p, picture_format format,
                              unsigned char **bytes, size_t *n)
{
    (void)p;
    (void)format;
    *bytes = NULL;
    *n = 0;
    return PICTURE_NOT_BUILT;
}
