// SPDX-License-Identifier: MIT
// search.c - depth first, through a tree whose nodes are the moments at which there is a choice.
//
// The path to the run just made is kept; the next run follows it to the last node at which a move
// is left, and takes that. With a bound, a move is left out when it would interrupt once too often.
// Without, sleep sets leave out what was seen: a move that was tried at a node need not be tried
// again below its other moves, until something happens that it conflicts with. (The two do not go
// together: what sleeps may have been cut off by the bound.)
#include "search.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct node {
    xp_set moves;  // possible, and not asleep or too dear
    xp_set tried;  // of those
    xp_set asleep; // when we came here first
    int chosen, cost;
};

enum { SEED_MOVES = 256 };

static struct state {
    const struct weft_explore_options *options;
    struct node *path; // XP_STEPS + 1: the choice that is one too many
    int length;        // of the path
    int depth;         // how far this run has come
    xp_set asleep;     // now
    bool diverged;     // this run did not repeat what the path says
    uint64_t random;
    int priority[XP_TASKS];
    uint64_t drops[16]; // steps at which a priority falls, PCT
    uint64_t longest;
    struct {
        uint64_t step;
        int move;
    } seed[SEED_MOVES];
    int seed_length, seed_at;
} * state;

bool xp_search_begin(void)
{
    state = calloc(1, sizeof *state);
    if (state)
        state->path = calloc(XP_STEPS + 1, sizeof *state->path);
    return state && state->path;
}

void xp_search_end(void)
{
    if (state)
        free(state->path);
    free(state);
    state = NULL;
}

double xp_seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

enum xp_end xp_one_run(const struct weft_explore_options *options)
{
    xp_memory_new_run();
    xp->faults = options->faults;
    xp->delays_stores = options->delayed_stores;
    enum xp_end end = xp_run_once(options->run_, options->arg);
    const char *fault = end == XP_PASSED ? xp_memory_fault(options->allows_leaks) : NULL;
    if (!fault)
        return end;
    if (fault != xp->failure)
        (void)snprintf(xp->failure, sizeof xp->failure, "%s", fault);
    return XP_BROKEN;
}

// ---- depth first ------------------------------------------------------------------------

static int lowest(xp_set moves)
{
    return moves ? __builtin_ctzll(moves) : XP_NO_MOVE;
}

int xp_bound(const struct weft_explore_options *options)
{
    return options->bound == 0 ? 2 : options->bound < 0 ? 0 : options->bound;
}

static bool is_drawn(const struct weft_explore_options *options)
{
    return options->search == WEFT_RANDOM || options->search == WEFT_PCT;
}

static xp_set affordable(xp_set moves, int itself)
{
    xp_set kept = 0;
    for (xp_set rest = moves; rest; rest &= rest - 1) {
        int move = lowest(rest);
        if (xp->cost + xp_price(move, itself) <= xp_bound(state->options))
            kept |= XP_BIT(move);
    }
    return kept;
}

static xp_set still_asleep(xp_set asleep, int move)
{
    xp_set kept = 0;
    for (xp_set rest = asleep; rest; rest &= rest - 1)
        if (!xp_conflict(lowest(rest), move))
            kept |= XP_BIT(lowest(rest));
    return kept;
}

static int choose_deep(xp_set moves, int itself)
{
    bool sleeps = state->options->search == WEFT_EXHAUSTIVE;
    struct node *node = &state->path[state->depth];
    if (state->depth == state->length) {
        xp_set kept = sleeps ? moves & ~state->asleep : affordable(moves, itself);
        if (kept == 0)
            return XP_NO_MOVE;
        *node = (struct node){.moves = kept, .asleep = state->asleep};
        node->chosen = xp_has(kept, itself) ? itself : lowest(kept);
        state->length++;
    }
    state->depth++;
    if (!(moves & XP_BIT(node->chosen))) {
        state->diverged = true;
        xp_fail("the test is not the same each time: it must depend on nothing but the order");
    }
    if (sleeps)
        state->asleep = still_asleep(node->asleep | node->tried, node->chosen);
    return node->chosen;
}

// False: the path was the last.
static bool next_path(void)
{
    while (state->length > 0) {
        struct node *node = &state->path[state->length - 1];
        node->tried |= XP_BIT(node->chosen);
        node->chosen = lowest(node->moves & ~node->tried);
        if (node->chosen != XP_NO_MOVE)
            return true;
        state->length--;
    }
    return false;
}

// ---- drawn ------------------------------------------------------------------------------

static uint64_t draw(void) // xorshift64*
{
    uint64_t x = state->random;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    state->random = x;
    return x * UINT64_C(0x2545F4914F6CDD1D) >> 16;
}

static bool is_rare(int move) // deadlines and faults
{
    return move >= XP_EXPIRE && move < XP_LAND;
}

static int any_of(xp_set moves)
{
    int n = (int)(draw() % (uint64_t)__builtin_popcountll(moves));
    while (n-- > 0)
        moves &= moves - 1;
    return lowest(moves);
}

static int choose_drawn(xp_set moves, int itself)
{
    (void)itself;
    xp_set common = moves & ~(XP_BIT(XP_LAND) - XP_BIT(XP_EXPIRE));
    int move = any_of(moves);
    return is_rare(move) && common && draw() % 8 != 0 ? any_of(common) : move;
}

static int choose_by_priority(xp_set moves, int itself)
{
    for (int i = 0; i < xp_bound(state->options); i++)
        if (state->drops[i] == xp->steps)
            state->priority[xp->previous] = -1 - i;
    int best = XP_NO_MOVE;
    for (xp_set rest = moves; rest; rest &= rest - 1) {
        int move = lowest(rest);
        if (!is_rare(move) && (best == XP_NO_MOVE ||
                               state->priority[xp_owner(move)] > state->priority[xp_owner(best)]))
            best = move;
    }
    if (best == XP_NO_MOVE || (moves & ~XP_BIT(best) && draw() % 32 == 0))
        return choose_drawn(moves, itself);
    return best;
}

static void draw_priorities(void)
{
    for (int i = 0; i < XP_TASKS; i++)
        state->priority[i] = (int)(draw() % 1000);
    for (int i = 0; i < 16; i++)
        state->drops[i] = draw() % (state->longest + 1);
}

// ---- the loop ---------------------------------------------------------------------------

static bool is_spent(const struct xp_search *search, double since)
{
    const struct weft_explore_options *o = &search->options;
    long most = o->runs > 0 ? o->runs : is_drawn(o) ? 20000 : 0;
    if (most > 0 && search->runs >= most)
        return true;
    return o->seconds > 0 && search->runs % 64 == 0 && xp_seconds() - since >= o->seconds;
}

bool xp_search(struct xp_search *search)
{
    double since = xp_seconds();
    enum weft_search kind = search->options.search;
    bool draws = is_drawn(&search->options);
    state->options = &search->options;
    state->random = UINT64_C(0x9E3779B97F4A7C15) + search->options.seed;
    state->length = 0;
    xp->choose = kind == WEFT_RANDOM ? choose_drawn
                 : kind == WEFT_PCT  ? choose_by_priority
                                     : choose_deep;
    enum xp_end end = XP_PASSED;
    bool more = true;
    while (more && end != XP_BROKEN && !is_spent(search, since)) {
        state->depth = 0;
        state->asleep = 0;
        state->diverged = false;
        if (kind == WEFT_PCT)
            draw_priorities();
        end = xp_one_run(&search->options);
        search->runs++;
        state->longest = xp->steps > state->longest ? xp->steps : state->longest;
        if (xp_cells_grew() && !draws) {
            state->length = 0; // what it thought was one task's alone is not: begin again
            if (state->diverged)
                end = XP_PASSED;
        } else if (!draws) {
            more = next_path();
        }
    }
    search->exhausted = !more;
    search->seconds += xp_seconds() - since;
    return end == XP_BROKEN;
}

// ---- seeds ------------------------------------------------------------------------------

static const char kinds[] = {[XP_GO] = '\0', [1] = 't', [2] = 'f', [3] = 's'};

void xp_write_seed(char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (uint64_t i = 0; i < xp->steps && used < size; i++) {
        if (!xp->odd[i])
            continue;
        int move = xp->moves[i];
        int n = snprintf(text + used, size - used, "%s%llu:%d", used > 0 ? "," : "",
                         (unsigned long long)i, xp_owner(move));
        used += n > 0 ? (size_t)n : 0;
        if (move >= XP_LAND)
            n = snprintf(text + used, size - used, "s%d", (move - XP_LAND) % XP_STORES);
        else
            n = snprintf(text + used, size - used, "%.1s", &kinds[move / XP_TASKS]);
        used += n > 0 && used < size ? (size_t)n : 0;
    }
    if (used == 0)
        (void)snprintf(text, size, "0");
}

static int choose_as_told(xp_set moves, int itself)
{
    if (state->seed_at < state->seed_length && state->seed[state->seed_at].step == xp->steps) {
        int move = state->seed[state->seed_at++].move;
        if (!xp_has(moves, move))
            xp_fail("WEFT_SCHEDULE is of another test, or of other code: no such move at step %llu",
                    (unsigned long long)xp->steps);
        return move;
    }
    return itself;
}

static bool read_move(const char **text, uint64_t *step, int *move)
{
    char *end;
    unsigned long long at = strtoull(*text, &end, 10);
    if (end == *text || *end != ':')
        return false;
    const char *digits = end + 1;
    long task = strtol(digits, &end, 10);
    if (end == digits || task < 0 || task >= XP_TASKS)
        return false;
    *step = at;
    *move = (int)task + (*end == 't' ? XP_EXPIRE : *end == 'f' ? XP_FAULT : 0);
    if (*end == 's' && end[1] >= '0' && end[1] < '0' + XP_STORES)
        *move = XP_LAND + (int)task * XP_STORES + (*++end - '0');
    if (*end == 't' || *end == 'f' || (*end >= '0' && *end < '0' + XP_STORES && end[-1] == 's'))
        end++;
    *text = end;
    return *end == ',' || *end == '\0';
}

static bool read_seed(const char *text)
{
    state->seed_length = state->seed_at = 0;
    if (strcmp(text, "0") == 0)
        return true;
    for (;;) {
        if (state->seed_length == SEED_MOVES ||
            !read_move(&text, &state->seed[state->seed_length].step,
                       &state->seed[state->seed_length].move))
            return false;
        state->seed_length++;
        if (*text++ == '\0')
            return true;
    }
}

bool xp_replay(const struct weft_explore_options *options, const char *seed, enum xp_end *end)
{
    if (!read_seed(seed))
        return false;
    state->options = options;
    xp->choose = choose_as_told;
    xp->uses_all_steps = true;
    *end = xp_one_run(options);
    xp->uses_all_steps = false;
    return true;
}
