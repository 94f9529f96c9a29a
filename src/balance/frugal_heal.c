// SPDX-License-Identifier: Apache-2.0
/* Two ranks exchange whole islands, one or two stretches of each, so that what is wanted
 * of sizes and loads is met nearly. Both lists of offers are sorted by length; for each
 * entry of the one those of the other are looked at that differ in length by what is
 * wanted, as sums of subsets are found from two sorted lists (Horowitz & Sahni, 1974).
 * What sizes still lack is made up by the begin of an island, which costs as many keys as
 * it is long. */
#include "frugal_heal.h"

enum { ROUNDS = 3 };

/* Offers looked at for each one of the other rank. */
enum { LOOKS_AROUND = 8 };

/* Cuts that cost no more are left alone. */
enum { GOOD_KEYS = 48 };

/* What a load above its limit counts, in keys for the mean cost of one, and the part of it
 * that an exchange must take away. */
enum { LOAD_KEYS = 4, LEAST_PART = 8 };

/* Ranks with the least loads that a rank above its limit turns to. */
enum { LOWS = 3 };

/* Passing so many ranks takes as long as looking at a patch. */
enum { RANKS_PER_LOOK = 16 };

/* Islands are small where so many of the longest make a share. */
enum { ISLANDS_PER_SHARE = 2 };

/* Load that rank[0] may lose. */
typedef struct room {
    int64_t least, most;
} room;

/* An island in two parts. */
typedef struct wound {
    cpb_range island;
    int64_t at;
    int32_t isle;
    int32_t rank[2]; /* who holds the end, and who the begin */
    int64_t held[2]; /* what these cost */
} wound;

/* An exchange that lowers loads. */
typedef struct relief {
    const cpb_offer *give[2];
    int64_t score; /* keys: of a cut, the offers' prices, loads above their limits */
} relief;

/* Some, the best first. */
enum { MOST_RELIEFS = 8 };

typedef struct reliefs {
    int n;
    relief list[MOST_RELIEFS];
} reliefs;

/* The best exchange so far. */
typedef struct cure {
    const cpb_offer *give[2]; /* NULL: none */
    int64_t at;               /* of a wound: where the island is cut then */
    int64_t keys;             /* that a cut costs, and the prices of the offers */
} cure;

cpb_status cpb_healer_create(const cpb_view *view, cpb_arena *arena, cpb_healer *healer)
{
    healer->offers = cpb_arena_take(arena, 2, sizeof *healer->offers);
    return healer->offers ? cpb_wholes_find(view, arena, &healer->wholes)
                          : CPB_NO_MEMORY;
}

bool cpb_healer_suffices(const cpb_healer *healer, const cpb_goals *goals,
                         int32_t ranks)
{
    return (int64_t)healer->wholes.longest * ISLANDS_PER_SHARE * ranks <=
           goals->positions;
}

static void list_offers(cpb_healer *h, cpb_climb *climb, int of, int32_t rank,
                        int32_t most)
{
    cpb_offers_list(&h->wholes, climb->board, rank, most, &h->offers[of]);
    climb->board->looked += h->offers[of].n / 2;
}

/* --- Cuts ------------------------------------------------------------------------- */

static room room_of(const cpb_climb *climb, const int32_t rank[2])
{
    return (room){-cpb_load_room(climb, rank[1], rank[0]),
                  cpb_load_room(climb, rank[0], rank[1])};
}

/* What rank[of] has more of a wounded island if it is cut at `at`. */
static int64_t gain_of(const cpb_board *board, const wound *w, int of, int64_t at)
{
    return of ? cpb_board_held(board, w->island.begin, at) - w->held[1]
              : cpb_board_held(board, at, w->island.end) - w->held[0];
}

/* For an offer of the end's owner, the other's that leave the shortest begin. */
static void match_cut(const cpb_board *board, const wound *w, room r,
                      const cpb_offer *x, const cpb_offers *theirs, cure *best)
{
    const int64_t least = x->length - (w->at - w->island.begin);
    const int32_t first = cpb_offers_from(theirs, least, 0);
    for (int32_t i = first; i < theirs->n && i < first + LOOKS_AROUND; i++) {
        const cpb_offer *const y = cpb_offers_at(theirs, i);
        const int64_t left = y->length - least, at = w->island.begin + left;
        const int64_t keys = left + x->price + y->price;
        const int64_t shift = x->cost - y->cost;
        if (left >= best->keys)
            return;
        if (keys < best->keys && shift - gain_of(board, w, 0, at) >= r.least &&
            shift + gain_of(board, w, 1, at) <= r.most)
            *best = (cure){{x, y}, at, keys};
    }
}

/* Keep an exchange if it lowers the worth and lifts no load further above its limit. */
static bool keep(cpb_climb *climb, const cpb_swap *s)
{
    const int64_t before = cpb_swap_excess(climb, s);
    if (cpb_swap_carry_out(climb, s) < 0 && cpb_swap_excess(climb, s) <= before)
        return true;
    cpb_swap_take_back(climb, s);
    return false;
}

static bool heal(cpb_healer *h, cpb_climb *climb, const wound *w)
{
    const room r = room_of(climb, w->rank);
    cure best = {.keys = w->at - w->island.begin};
    for (int32_t most = CPB_FEW_OFFERS;
         most <= CPB_MOST_OFFERS && best.keys > GOOD_KEYS;
         most *= CPB_MOST_OFFERS / CPB_FEW_OFFERS) {
        best = (cure){.keys = w->at - w->island.begin};
        for (int i = 0; i < 2; i++)
            list_offers(h, climb, i, w->rank[i], most);
        for (int32_t i = 0; i < h->offers[0].n; i++)
            match_cut(climb->board, w, r, &h->offers[0].offer[i], &h->offers[1], &best);
    }
    if (!best.give[0])
        return false;
    cpb_swap s = {.rank = {w->rank[0], w->rank[1]}};
    for (int i = 0; i < 2; i++)
        cpb_offer_add(&h->offers[i], best.give[i], i, &s);
    s.lot[s.n++] = (cpb_lot){{best.at, w->at}, w->isle, 1, -1};
    return keep(climb, &s);
}

/* The cut between a patch and the one behind it, if it is the only one of an island and
 * lies between two cards. */
static bool find_wound(const cpb_wholes *wholes, const cpb_board *board, int32_t id,
                       wound *w)
{
    const cpb_patch *const p = &board->patch[id];
    if (p->next < 0)
        return false;
    const cpb_patch *const q = &board->patch[p->next];
    if (p->isle != q->isle || p->rank / board->per_card == q->rank / board->per_card)
        return false;
    const int32_t island = cpb_wholes_from(wholes, p->end) - 1;
    const int32_t begin = cpb_whole_begin(wholes, island), end = wholes->end[island];
    if (begin < p->begin || end <= p->end || end > q->end)
        return false;
    *w = (wound){.island = {begin, end},
                 .at = p->end,
                 .isle = p->isle,
                 .rank = {q->rank, p->rank},
                 .held = {cpb_board_held(board, p->end, end),
                          cpb_board_held(board, begin, p->end)}};
    return true;
}

/* Heal one cut of an isle that can be. */
static bool heal_isle(cpb_healer *h, cpb_climb *climb, int32_t isle)
{
    const cpb_board *const board = climb->board;
    wound w;
    for (int32_t id = board->isle_first[isle];
         id >= 0 && board->patch[id].isle == isle && !climb->failed;
         id = board->patch[id].next)
        if (find_wound(&h->wholes, board, id, &w) && heal(h, climb, &w))
            return true;
    return false;
}

cpb_status cpb_heal_cuts(cpb_healer *h, cpb_climb *climb, int64_t effort)
{
    const int64_t end = climb->board->looked + effort;
    bool better = true;
    for (int round = 0; round < ROUNDS && better && !climb->failed; round++) {
        better = false;
        for (int32_t isle = 0;
             isle < climb->board->isles->n && climb->board->looked < end; isle++)
            if (heal_isle(h, climb, isle))
                better = true;
    }
    return climb->failed ? CPB_NO_MEMORY : CPB_OK;
}

/* --- Loads ------------------------------------------------------------------------ */

static void add_relief(reliefs *all, const relief *r)
{
    int at = all->n < MOST_RELIEFS ? all->n++ : MOST_RELIEFS - 1;
    for (; at > 0 && all->list[at - 1].score > r->score; at--)
        all->list[at] = all->list[at - 1];
    all->list[at] = *r;
}

/* What two loads are above their limits once so much of one went to the other. */
static int64_t left_above(const int64_t above[2], int64_t shift)
{
    return cpb_max(0, cpb_max(above[0] - shift, above[1] + shift));
}

/* For an offer of the rank above its limit, those of the other that are nearly as long. */
static void match_load(const int64_t above[2], int64_t unit, const cpb_offer *x,
                       const cpb_offers *theirs, reliefs *all)
{
    const int64_t wanted = (above[0] - above[1]) / 2;
    const int32_t middle = cpb_offers_from(theirs, x->length, x->cost - wanted);
    const int32_t end = (int32_t)cpb_min(theirs->n, middle + LOOKS_AROUND);
    for (int32_t i = (int32_t)cpb_max(0, middle - LOOKS_AROUND); i < end; i++) {
        const cpb_offer *const y = cpb_offers_at(theirs, i);
        const int64_t more = x->length - y->length;
        const int64_t left = left_above(above, x->cost - y->cost);
        if (left >= above[0])
            continue;
        const relief r = {{x, y},
                          (more < 0 ? -more : more) + x->price + y->price +
                              LOAD_KEYS * (left / unit)};
        if (all->n < MOST_RELIEFS || r.score < all->list[MOST_RELIEFS - 1].score)
            add_relief(all, &r);
    }
}

static bool is_in(const cpb_swap *s, cpb_range range)
{
    for (int32_t i = 0; i < s->n; i++)
        if (range.begin < s->lot[i].piece.end && s->lot[i].piece.begin < range.end)
            return true;
    return false;
}

/* The shortest island of more than `length` that rank[of] keeps; its isle, -1 for none. */
static int32_t shortest_kept(const cpb_wholes *wholes, const cpb_board *board,
                             int32_t of, int64_t length, const cpb_swap *s,
                             cpb_range *best)
{
    int32_t isle = -1;
    *best = (cpb_range){0, INT32_MAX};
    for (int32_t id = board->rank_first[s->rank[of]]; id >= 0;
         id = board->patch[id].fore) {
        const cpb_patch *const p = &board->patch[id];
        for (int32_t i = cpb_wholes_from(wholes, p->begin);
             i < wholes->n && wholes->end[i] <= p->end; i++) {
            const cpb_range range = {cpb_whole_begin(wholes, i), wholes->end[i]};
            if (cpb_range_length(range) <= length || is_in(s, range) ||
                cpb_range_length(range) >= cpb_range_length(*best))
                continue;
            *best = range;
            isle = p->isle;
        }
    }
    return isle;
}

/* What sizes lack is made up by the begin of an island, for a short one adds few tiles. */
static bool add_begin(const cpb_wholes *wholes, const cpb_board *board, int64_t more,
                      cpb_swap *s)
{
    const int32_t of = more > 0;
    const int64_t length = more < 0 ? -more : more;
    cpb_range range;
    const int32_t isle = shortest_kept(wholes, board, of, length, s, &range);
    if (isle >= 0)
        s->lot[s->n++] = (cpb_lot){{range.begin, range.begin + length}, isle, of, -1};
    return isle >= 0;
}

/* The exchange of an entry of the list; false where sizes cannot be made up. */
static bool swap_of(const cpb_healer *h, const cpb_board *board, const relief *r,
                    const int32_t rank[2], cpb_swap *s)
{
    const int64_t more = r->give[0]->length - r->give[1]->length;
    *s = (cpb_swap){.rank = {rank[0], rank[1]}};
    for (int i = 0; i < 2; i++)
        cpb_offer_add(&h->offers[i], r->give[i], i, s);
    return !more || add_begin(&h->wholes, board, more, s);
}

/* Carry an exchange out: how the worth changes, with what loads are above their limits
 * then. */
static cpb_sum carry_out(cpb_climb *climb, const cpb_swap *s, int64_t unit,
                         int64_t *left)
{
    const cpb_sum change = cpb_swap_carry_out(climb, s);
    *left = cpb_swap_excess(climb, s);
    return change + cpb_climb_price(climb, LOAD_KEYS * (*left / unit));
}

/* Exchanges of a rank above its limit, whose offers are listed, with another: the best is
 * carried out. */
static bool relieve_with(cpb_healer *h, cpb_climb *climb, int32_t high, int32_t low)
{
    const cpb_board *const board = climb->board;
    const int64_t above[2] = {board->load[high] - climb->limit[high],
                              board->load[low] - climb->limit[low]};
    const int64_t unit = cpb_max(1, board->goals->total / board->goals->positions);
    const int32_t rank[2] = {high, low};
    reliefs all = {.n = 0};
    cpb_sum least = 0;
    cpb_swap best = {.n = 0}, s;
    int64_t left;
    list_offers(h, climb, 1, low, CPB_MOST_OFFERS);
    for (int32_t i = 0; i < h->offers[0].n; i++)
        match_load(above, unit, &h->offers[0].offer[i], &h->offers[1], &all);
    for (int i = 0; i < all.n && !climb->failed; i++) {
        if (all.list[i].score >= board->goals->size[high] ||
            !swap_of(h, board, &all.list[i], rank, &s))
            continue;
        const cpb_sum change = carry_out(climb, &s, unit, &left);
        cpb_swap_take_back(climb, &s);
        if (left >= above[0] - above[0] / LEAST_PART || (best.n && change >= least))
            continue;
        least = change;
        best = s;
    }
    if (best.n)
        carry_out(climb, &best, unit, &left);
    return best.n > 0;
}

/* The rank that comes next by load against the limit, from the largest (sign 1) or the
 * least (-1), behind `last`; -1 where none does. */
static int32_t next_by_load(cpb_climb *climb, int64_t sign, int32_t last)
{
    int32_t best = -1;
    int64_t key = 0;
    climb->board->looked += climb->board->view->ranks / RANKS_PER_LOOK;
    const int64_t bar =
        last < 0 ? INT64_MAX : sign * (climb->board->load[last] - climb->limit[last]);
    for (int32_t r = 0; r < climb->board->view->ranks; r++) {
        const int64_t k = sign * (climb->board->load[r] - climb->limit[r]);
        if ((k < bar || (k == bar && r > last)) && (best < 0 || k > key))
            key = k, best = r;
    }
    return best;
}

static bool relieve(cpb_healer *h, cpb_climb *climb, int32_t high)
{
    int32_t low = -1;
    list_offers(h, climb, 0, high, CPB_MOST_OFFERS);
    for (int i = 0; i < LOWS; i++) {
        low = next_by_load(climb, -1, low);
        if (low < 0 || climb->board->load[low] >= climb->limit[low])
            break;
        if (relieve_with(h, climb, high, low))
            return true;
    }
    return false;
}

cpb_status cpb_heal_loads(cpb_healer *h, cpb_climb *climb, int64_t effort)
{
    const cpb_board *const board = climb->board;
    const int64_t end = board->looked + effort;
    while (board->looked < end && !climb->failed) {
        const int32_t high = next_by_load(climb, 1, -1);
        if (board->load[high] <= climb->limit[high] || !relieve(h, climb, high))
            break;
    }
    return climb->failed ? CPB_NO_MEMORY : CPB_OK;
}
