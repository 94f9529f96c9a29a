// SPDX-License-Identifier: Apache-2.0
/* Pictures of the size that pages have. */
#include "pagepicture.h"

#include "message.h"

/* Points; as wide as a phone can show without shrinking letters to nothing. */
enum { WIDTH = 400, MARGIN = 10 };

picture *page_picture(double height)
{
    picture *const p = picture_create();
    if (!p)
        return NULL;
    picture_set_size(p, WIDTH, height);
    picture_rectangle(p, (picture_box){0, 0, WIDTH, height}, PICTURE_PAPER);
    return p;
}

picture_box page_inside(double height)
{
    return (picture_box){MARGIN, MARGIN, WIDTH - 2 * MARGIN, height - 2 * MARGIN};
}

bool page_finish(FILE *stream, picture *p, const char *caption, cpb_error *error)
{
    const bool good = p ? html_picture(stream, p, caption, error) : fail_memory(error);
    picture_free(p);
    return good;
}
