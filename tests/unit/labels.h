// SPDX-License-Identifier: Apache-2.0
/* The law of every picture: its texts can be read. */
#ifndef CPB_TEST_LABELS_H
#define CPB_TEST_LABELS_H

#include "testing.h"

#include "picture/picture.h"

static inline bool labels_overlap(picture_box a, picture_box b)
{
    const double slack = 0.01;
    return a.x + slack < b.x + b.width && b.x + slack < a.x + a.width &&
           a.y + slack < b.y + b.height && b.y + slack < a.y + a.height;
}

/* Texts do not touch each other and stay on the page. */
static inline void check_labels(picture *p, const char *what, uint64_t seed)
{
    size_t n;
    const picture_label *const label = picture_labels(p, &n);
    const picture_box page = picture_page(p);
    for (size_t i = 0; i < n; i++) {
        const picture_box box = label[i].box;
        if (box.x < -0.01 || box.y < -0.01 || box.x + box.width > page.width + 0.01 ||
            box.y + box.height > page.height + 0.01)
            fail_msg("%s %d: \"%s\" leaves the page", what, (int)seed, label[i].text);
        for (size_t j = 0; j < i; j++)
            if (labels_overlap(box, label[j].box))
                fail_msg("%s %d: \"%s\" and \"%s\" overlap", what, (int)seed,
                         label[i].text, label[j].text);
    }
    if (picture_is_built())
        assert_true(n > 0);
}

#endif
