// SPDX-License-Identifier: Apache-2.0
/* A first plan, rank by rank, from the remaining work.
 *
 * Each rank takes what is dense, to meet its share of the cost, and fills up with what is
 * cheap, to meet its size. A long document is *open* over several ranks: each takes from
 * its end what it needs, and a bounded part of its begin as filler, for the keys there are
 * needed by all of them and should not all lie with one. Everything else stays whole,
 * where it can. */
#include "frugal_build.h"

#include "frugal_swap.h"

/* Wares that are tried as a whole before one is cut. */
enum { WHOLES_TRIED = 24, HEAD_PARTS = 64 };

/* A begin is shortened by this part of it at a time. */
enum { HEAD_STEPS = 16 };

/* A cost this part of the slack away from what is wanted is met. */
enum { NEAR_ENOUGH = 32 };

/* This part of a share makes no difference where whole islands make it up later. */
enum { WHOLE_SLACK = 200 };

/* Recipes aim in such parts of what the tolerance allows. */
enum { AIM_PARTS = 4 };

typedef struct builder {
    cpb_board *board;
    cpb_stock *stock;
    const cpb_recipe *recipe;
    int64_t tile; /* shorter begins are not worth their while */
    int64_t step; /* cuts lie on multiples of it, from the begin of an atom on */
    cpb_ware open;
    bool is_open;

    /* Of the rank at hand. */
    int32_t rank;
    int64_t size;
    int64_t cost;
    int64_t slack; /* cost that makes no difference */
    int64_t head;  /* most of the open document's begin */
    bool failed;
} builder;

/* Cost of the begin of the open document up to a position. */
static int64_t cost_before(const builder *b, int64_t position)
{
    const cpb_lookup *const lookup = b->board->view->lookup;
    if (position == b->open.begin)
        return 0;
    return position == b->open.end ? b->open.cost
                                   : lookup->before(lookup, position) - b->open.before;
}

static void give(builder *b, int32_t isle, int64_t begin, int64_t end, int64_t cost)
{
    if (begin == end || b->failed)
        return;
    b->size -= end - begin;
    b->cost -= cost;
    if (b->rank == 0)
        return; /* has all that nobody else takes */
    const int32_t id = cpb_board_find(b->board, isle, (int32_t)begin);
    b->failed = cpb_board_give(b->board, id, (int32_t)begin, (int32_t)end, b->rank) < 0;
}

static void give_whole(builder *b, int32_t i)
{
    const cpb_ware ware = b->stock->ware[i];
    cpb_stock_remove(b->stock, i);
    give(b, ware.isle, ware.begin, ware.end, ware.cost);
}

static void fill(builder *b)
{
    while (b->size > 0 && b->stock->front <= b->stock->back) {
        const int32_t i = b->stock->front;
        const cpb_ware ware = b->stock->ware[i];
        if (ware.end - ware.begin <= b->size) {
            give_whole(b, i);
            continue;
        }
        const int64_t end = ware.begin + b->size;
        cpb_stock_shorten(b->stock, i, end);
        give(b, ware.isle, ware.begin, end, ware.cost - b->stock->ware[i].cost);
    }
}

/* The last cut at or before a position. */
static int64_t cut_before(const builder *b, int64_t position)
{
    const int64_t origin = b->open.origin;
    return cpb_max(b->open.begin, origin + (position - origin) / b->step * b->step);
}

/* Where the begin of the open document ends that goes along when its end is cut off at
 * `at`: at least what nothing else can fill. */
static int64_t head_end(const builder *b, int64_t at)
{
    const int64_t left = b->size - (b->open.end - at);
    const int64_t most = cpb_min(cpb_min(b->head, left), at - b->open.begin);
    return cpb_max(cut_before(b, b->open.begin + most),
                   b->open.begin + left - b->stock->left);
}

/* Cost of the rank if the open document is cut at `at`. */
static int64_t cost_at(const builder *b, int64_t at)
{
    const int64_t head = head_end(b, at);
    const int64_t left = b->size - (b->open.end - at) - (head - b->open.begin);
    return b->open.cost - cost_before(b, at) + cost_before(b, head) +
           cpb_stock_cheapest(b->stock, left);
}

/* Where to cut the open document; the later, the less it costs. */
static int64_t best_cut(const builder *b)
{
    int64_t low = cut_before(b, cpb_max(b->open.begin, b->open.end - b->size));
    if (b->open.end - low > b->size)
        low = cpb_min(low + b->step, b->open.end);
    int64_t high = b->open.end;
    const int64_t near = b->slack / NEAR_ENOUGH;
    while (high - low > b->step) {
        const int64_t middle = cut_before(b, low + (high - low) / 2);
        if (middle <= low)
            break;
        const int64_t above = cost_at(b, middle) - b->cost;
        if (above <= near && -above <= near)
            return middle;
        if (above > 0)
            low = middle;
        else
            high = middle;
    }
    const int64_t above = cost_at(b, low) - b->cost, below = b->cost - cost_at(b, high);
    return above < below ? low : high;
}

/* How far the cost is from what is wanted if the open document is cut at `at`. */
static int64_t miss_at(const builder *b, int64_t at)
{
    const int64_t above = cost_at(b, at) - b->cost;
    return above < 0 ? -above : above;
}

/* Cuts of a long document are coarse. A begin that is up to a quarter shorter, with other
 * filler instead, may bring the cost nearer, here or a step aside, for no more keys. */
static int64_t fine_cut(builder *b, int64_t at)
{
    const int64_t most = b->head,
                  part = b->step * cpb_ceil_div(most, HEAD_STEPS * b->step);
    int64_t least = miss_at(b, at), head = most, best = at;
    for (int64_t side = -1; most && side <= 1 && least > b->slack; side++) {
        const int64_t cut = at + side * b->step;
        if (cut <= b->open.begin || cut > b->open.end || b->open.end - cut > b->size)
            continue;
        for (b->head = most; b->head >= most - most / 4 && least > b->slack;
             b->head -= part) {
            const int64_t miss = miss_at(b, cut);
            if (miss >= least)
                continue;
            least = miss;
            head = b->head;
            best = cut;
        }
    }
    b->head = head;
    return best;
}

/* End this rank with a part of the open document; false where all that fits of it is too
 * little. */
static bool take_open(builder *b)
{
    const cpb_ware *const open = &b->open;
    const int64_t length = open->end - open->begin;
    if (length <= b->size &&
        open->cost + cpb_stock_cheapest(b->stock, b->size - length) <= b->cost) {
        give(b, open->isle, open->begin, open->end, open->cost);
        b->is_open = false;
        return b->size == 0;
    }
    /* One cut of a small island can be healed later, two cannot. */
    b->head = b->board->goals->whole ? 0
                                     : (int64_t)b->board->goals->size[b->rank] *
                                           b->recipe->head / HEAD_PARTS;
    while (b->head >= b->tile && cost_at(b, open->end) > b->cost)
        b->head /= 2; /* the begin has become too dense for a filler */
    const int64_t at = fine_cut(b, best_cut(b)), head = head_end(b, at);
    const int64_t to_head = cost_before(b, head), to_cut = cost_before(b, at);
    give(b, open->isle, at, open->end, open->cost - to_cut);
    give(b, open->isle, open->begin, head, to_head);
    b->open.begin = head;
    b->open.end = at;
    b->open.before += to_head;
    b->open.cost = to_cut - to_head;
    b->is_open = head < at;
    fill(b);
    return true;
}

/* Cost of the rank once it has a ware as a whole and is filled up. */
static int64_t cost_with(const builder *b, int32_t i)
{
    const cpb_ware *const ware = &b->stock->ware[i];
    const int64_t left = b->size - (ware->end - ware->begin);
    return ware->cost + cpb_stock_cheapest(b->stock, left);
}

/* Whether it fits as a whole, and then brings the rank to `least` or more. */
static bool fits_above(const builder *b, int32_t i, int64_t least)
{
    const cpb_ware *const ware = &b->stock->ware[i];
    const int64_t most = b->cost + b->slack;
    if (ware->end - ware->begin > b->size || ware->cost > most)
        return false;
    const int64_t cost = cost_with(b, i);
    return cost <= most && cost >= least;
}

static bool fits(const builder *b, int32_t i)
{
    return fits_above(b, i, 0);
}

/* A ware that as a whole closes the rank's deficit; -1 where none is found. What wares
 * add grows with their density, near enough to begin the search by halving. */
static int32_t closing(const builder *b)
{
    const cpb_stock *const stock = b->stock;
    int32_t low = stock->front, high = stock->back + 1;
    while (high - low > 1) {
        const int32_t middle = low + (high - low) / 2;
        if (fits(b, middle))
            low = middle;
        else
            high = middle;
    }
    const int32_t last = (int32_t)cpb_min(stock->back, low + WHOLES_TRIED);
    for (int32_t i = last; i >= stock->front && i >= low - WHOLES_TRIED; i--)
        if (!stock->gone[i] && fits_above(b, i, b->cost - b->slack))
            return i;
    return -1;
}

/* Whether a ware is as dense as what the rank still needs. */
static bool is_dense(const builder *b, int32_t i)
{
    const cpb_ware *const ware = &b->stock->ware[i];
    return (cpb_sum)ware->cost * b->size >=
           (cpb_sum)b->cost * (ware->end - ware->begin);
}

/* The least dense of the wares that are as dense as what the rank needs; -1 where none
 * is. Wares are sorted by density. */
static int32_t least_dense(const builder *b)
{
    int32_t low = b->stock->front, high = b->stock->back + 1;
    while (low < high) {
        const int32_t middle = low + (high - low) / 2;
        if (is_dense(b, middle))
            high = middle;
        else
            low = middle + 1;
    }
    while (low <= b->stock->back && b->stock->gone[low])
        low++;
    return low <= b->stock->back ? low : -1;
}

static void open_ware(builder *b, int32_t i)
{
    b->open = b->stock->ware[i];
    b->is_open = true;
    cpb_stock_remove(b->stock, i);
}

/* The next ware: the densest that fits goes as a whole; where none is dense enough, one
 * that closes the deficit; where none does, one that is denser is opened. */
static void choose(builder *b, bool fresh)
{
    const cpb_stock *const stock = b->stock;
    const int64_t deficit = b->cost - cpb_stock_cheapest(stock, b->size);
    int32_t denser = -1, tried = 0;
    if (deficit <= b->slack && !fresh) {
        fill(b);
        return;
    }
    for (int32_t i = stock->back; i >= stock->front && tried < WHOLES_TRIED; i--) {
        if (stock->gone[i])
            continue;
        if (!is_dense(b, i))
            break;
        if (fits(b, i)) {
            give_whole(b, i);
            return;
        }
        tried++;
        denser = i;
        if (fresh && b->recipe->longest_first)
            break;
    }
    const int32_t whole = fresh ? -1 : closing(b);
    if (whole >= 0) {
        give_whole(b, whole);
        return;
    }
    if (fresh || denser < 0)
        denser = stock->back;
    if (b->board->goals->whole && least_dense(b) >= 0)
        denser = least_dense(b);
    open_ware(b, denser);
}

static void fill_rank(builder *b)
{
    bool fresh = true;
    while (b->size > 0 && !b->failed) {
        if (b->is_open) {
            if (take_open(b))
                return;
        } else if (b->stock->front <= b->stock->back) {
            choose(b, fresh);
        } else {
            return;
        }
        fresh = false;
    }
}

/* What a rank should cost, of what is left, and how far off makes no difference. Where costs
 * are not sums over runs, or met by whole islands later on, it is the mean of what is left. */
static int64_t aim_at(builder *b, int32_t r, int64_t mean, int64_t left)
{
    const cpb_goals *const goals = b->board->goals;
    const int64_t over = cpb_max(0, goals->limit[r] - goals->goal[r]);
    const int64_t above = (int64_t)((cpb_sum)over * b->recipe->aim / AIM_PARTS);
    b->slack = over / 2;
    if (goals->whole)
        b->slack = cpb_max(b->slack, goals->goal[r] / WHOLE_SLACK);
    if (goals->whole || !b->recipe->aim || cpb_cuts_cost(b->board->view))
        return mean;
    b->slack = over - above;
    return cpb_min(goals->goal[r] + above, left);
}

cpb_status cpb_frugal_build(const cpb_recipe *recipe, cpb_stock *stock,
                            cpb_board *board)
{
    const cpb_goals *const goals = board->goals;
    builder b = {.board = board,
                 .stock = stock,
                 .recipe = recipe,
                 .tile = cpb_climb_tile(board->view)};
    b.step = cpb_cuts_cost(board->view) ? b.tile : board->view->grid;
    int64_t cost = goals->total, goal = 0;
    for (int32_t r = 0; r < board->view->ranks; r++)
        goal += goals->goal[r];
    cpb_board_clear(board);
    cpb_stock_refill(stock);
    for (int32_t r = board->view->ranks - 1; r > 0 && !b.failed; r--) {
        const int64_t mean =
            goal ? (int64_t)((cpb_sum)cost * goals->goal[r] / goal) : 0;
        const int64_t target = aim_at(&b, r, mean, cost);
        b.rank = r;
        b.size = goals->size[r];
        b.cost = target;
        fill_rank(&b);
        cost -= target - b.cost;
        goal -= goals->goal[r];
    }
    return b.failed ? CPB_NO_MEMORY : cpb_board_count(board);
}
