// SPDX-License-Identifier: Apache-2.0
/* Pictures of the size that pages have. */
#ifndef CPB_CLI_PAGEPICTURE_H
#define CPB_CLI_PAGEPICTURE_H

#include "html.h"

/* Points: height of a plot; of a bar, and of what stands around bars. */
enum { PAGE_HEIGHT = 300, PAGE_BAR = 17, PAGE_AROUND_BARS = 80 };

/* An empty picture, NULL when memory ends; and its inside. */
picture *page_picture(double height);
picture_box page_inside(double height);

/* Put it on the page and free it; NULL is a failed allocation. */
bool page_finish(FILE *stream, picture *p, const char *caption, cpb_error *error);

#endif
