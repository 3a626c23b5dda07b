// SPDX-License-Identifier: MIT
// process_mad_test.c - workers that write where they must not: over their channel, which the root
// reads. Whatever they write, the root lives, nobody waits for ever, and tasks elsewhere are
// unharmed. WEFT_TEST_SEED picks the first seed, WEFT_TEST_ROUNDS how many.
#include "board.h"
#include "process_helpers.h"

#include "exec/channel.h"

static uint32_t draw(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static uint32_t number_from(const char *variable, uint32_t otherwise)
{
    const char *text = getenv(variable);
    return text ? (uint32_t)strtoul(text, NULL, 10) : otherwise;
}

// ---- what a task finds of its channel -------------------------------------------------------

// The channel and the files of maps and large arguments have one name; they are told apart by size.
static char *find_file(bool is_channel, size_t *size)
{
    char line[512], *found = NULL;
    FILE *f = fopen("/proc/self/maps", "re");
    while (f && !found && fgets(line, sizeof line, f)) {
        uintptr_t from, to;
        if (!strstr(line, "memfd:weft-task") ||
            sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &from, &to) != 2)
            continue;
        *size = to - from;
        if ((*size / 4096 == (sizeof(struct wf_channel) + 4095) / 4096) == is_channel)
            found = (char *)from; // NOLINT(performance-no-int-to-ptr)
    }
    if (f)
        fclose(f);
    return found;
}

// An argument that is small lies in its slot.
static struct wf_slot *slot_of(const void *arg)
{
    return (struct wf_slot *)((char *)arg - offsetof(struct wf_slot, payload));
}

// ---- one word that cannot be ----------------------------------------------------------------

static int write_nonsense(atomic_int *const *written, weft_none *none)
{
    atomic_int *tell = *written;
    (void)none;
    atomic_store((_Atomic uint32_t *)&slot_of(written)->state, 99);
    atomic_store(tell, 1);
    for (;;)
        pause();
    return 0;
}
WEFT_TASK(write_nonsense, atomic_int *, weft_none);

static void a_mad_worker_is_ended_and_called_so(void **state)
{
    (void)state;
    for (int early = 0; early < 2; early++) {
        atomic_int *written = on_board(atomic_int);
        weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 1);
        weft_future *f = weft_submit(pool, write_nonsense, &written);
        assert_true(early || eventually(atomic_load(written) == 1 || weft_done(f)));
        assert_int_equal(weft_join(&f, NULL, 0), -EOWNERDEAD);
        assert_non_null(strstr(weft_error(), "it wrote into its channel what cannot be"));
        long out = 0;
        f = weft_submit(pool, square, &(int){6});
        assert_int_equal(weft_join_as(&f, square, &out), 0);
        assert_int_equal(out, 36);
        weft_pool_close(&pool);
    }
}

static int claim_not_to_have_started(const weft_none *none, weft_none *out)
{
    (void)none, (void)out;
    size_t size;
    struct wf_channel *c = (struct wf_channel *)(void *)find_file(true, &size);
    if (!c)
        return -ENOENT;
    c->start_code = -EPERM;
    atomic_store((_Atomic uint32_t *)&c->phase, WF_START_FAILED);
    return 0;
}
WEFT_TASK(claim_not_to_have_started, weft_none, weft_none);

static void a_worker_that_has_started_cannot_fail_its_pool(void **state)
{
    (void)state;
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 1);
    weft_future *f = weft_submit(pool, claim_not_to_have_started, &(weft_none){0});
    assert_int_equal(weft_join(&f, NULL, 0), 0);
    for (int i = 0; i < 20; i++) {
        long out = 0;
        f = weft_submit(pool, square, &i);
        int rc = weft_join_as(&f, square, &out);
        assert_true((rc == 0 && out == (long)i * i) || rc == -EOWNERDEAD);
    }
    weft_pool_close(&pool);
}

static int say_nothing(const weft_none *none, weft_none *out)
{
    (void)out;
    size_t size;
    struct wf_channel *c = (struct wf_channel *)(void *)find_file(true, &size);
    if (!c)
        return -ENOENT;
    nap_ms(50); // the joiner waits by now
    atomic_store((_Atomic uint32_t *)&c->tell, *none ? 77 : WF_TELL_NOTHING);
    return 0;
}
WEFT_TASK(say_nothing, weft_none, weft_none);

static void a_result_of_which_no_word_is_said_is_found(void **state)
{
    (void)state;
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 1);
    for (char how = 0; how < 2; how++) {
        weft_future *f = weft_submit(pool, say_nothing, &how);
        assert_int_equal(weft_join(&f, NULL, 0), 0);
    }
    weft_pool_close(&pool);
}

// ---- descriptors ------------------------------------------------------------------------------

struct bearer {
    weft_end end;
};

static int bear_end(const struct bearer *b, weft_none *none)
{
    (void)none;
    weft_end end = b->end;
    weft_end_close(&end);
    return 0;
}
WEFT_TASK(bear_end, struct bearer, weft_none, .ends = {WEFT_END(struct bearer, end)});

// The task behind this one loses what says that it has an end.
static int rob_the_next(struct hold *const *h, weft_none *none)
{
    struct wf_slot *next = slot_of(h) + 1;
    (void)hold(h, none);
    memcpy(next->payload, &(struct bearer){{-1}}, sizeof(struct bearer));
    return 0;
}
WEFT_TASK(rob_the_next, struct hold *, weft_none);

static int count_open(const weft_none *none, int *out)
{
    (void)none;
    *out = open_descriptors();
    return 0;
}
WEFT_TASK(count_open, weft_none, int);

static int open_in_worker(weft_pool *pool)
{
    int out = -1;
    weft_future *f = weft_submit(pool, count_open, &(weft_none){0});
    assert_int_equal(weft_join_as(&f, count_open, &out), 0);
    return out;
}

static void descriptors_for_nobody_are_closed(void **state)
{
    (void)state;
    struct hold *h = on_board(struct hold);
    hold_init(h);
    weft_end ours, theirs;
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 1);
    assert_int_equal(weft_pipe(&ours, &theirs), 0);
    int before = open_in_worker(pool);
    weft_future *robber = weft_submit(pool, rob_the_next, &h);
    sem_take(&h->started);
    weft_future *f = weft_submit(pool, bear_end, &(struct bearer){theirs});
    assert_int_equal(let_go(&robber, h), 0);
    assert_int_equal(weft_join(&f, NULL, 0), -EMFILE);
    assert_non_null(strstr(weft_error(), "bear_end: its descriptors did not arrive"));
    assert_int_equal(open_in_worker(pool), before);
    char byte;
    assert_int_equal(weft_recv(ours, &byte, 1, much_later()), -EPIPE);
    weft_end_close(&ours);
    weft_pool_close(&pool);
}

// ---- at random ----------------------------------------------------------------------------------

enum { FILL_RANDOM, SPRINKLE, FILL_SMALL, FILL_ZERO, FILL_ONES, HEAD_ONLY, FILLS };
enum { RETURN, DIE, STAY, AFTERS };
enum { ROUNDS = 18, AROUND = SANITIZED ? 4 : 20 }; // each fill with each end

struct madness {
    uint32_t seed;
    int fill, after;
    bool is_channel;
};

static void scribble(char *at, size_t size, struct madness m)
{
    if (m.fill == HEAD_ONLY)
        size = offsetof(struct wf_channel, slots);
    size_t times = m.fill == SPRINKLE ? 2000 : size;
    for (size_t i = 0; i < times; i++) {
        size_t where = m.fill == SPRINKLE ? draw(&m.seed) % size : i;
        uint32_t byte = m.fill == FILL_ZERO ? 0 : m.fill == FILL_ONES ? 0xff : draw(&m.seed);
        at[where] = (char)(m.fill == FILL_SMALL ? (where % 4 == 0) * byte % 7 : byte);
    }
}

static int go_mad(const struct madness *arg, long *out)
{
    struct madness m = *arg; // it lies where we are going to write
    size_t size;
    char *at = find_file(m.is_channel, &size);
    *out = 0;
    if (!at)
        return -ENOENT;
    scribble(at, size, m);
    if (m.after == DIE)
        raise(SIGKILL);
    while (m.after == STAY)
        pause();
    return 0;
}
WEFT_TASK(go_mad, struct madness, long);

// One that stays, and has not hit what the root looks at, is as any task that takes long.
static weft_future *submit_mad(weft_pool *pool, struct madness m)
{
    weft_future *f = weft_submit_until(pool, weft_after_ms(700), go_mad, &m);
    assert_non_null(f);
    return f;
}

static struct madness madness_of(uint32_t seed, bool is_channel)
{
    int fill = (int)(seed % FILLS), after = (int)(seed / FILLS % AFTERS);
    return (struct madness){seed * 7919, fill, after, is_channel};
}

static void ends_somehow(weft_future **f, uint32_t seed)
{
    if (weft_wait(*f, weft_after_ms(20000)) != 0)
        fail_msg("seed %u: a task does not end", seed);
    (void)weft_join(f, NULL, 0);
}

static void submit_squares(weft_pool *pool, weft_future *futures[AROUND])
{
    for (int i = 0; i < AROUND; i++)
        assert_non_null(futures[i] = weft_submit(pool, square, &i));
}

static void join_squares(weft_future *futures[AROUND], uint32_t seed)
{
    for (int i = 0; i < AROUND; i++) {
        long out = -1;
        if (weft_wait(futures[i], weft_after_ms(20000)) != 0)
            fail_msg("seed %u: a square does not end", seed);
        int rc = weft_join_as(&futures[i], square, &out);
        if (rc != 0 || out != (long)i * i)
            fail_msg("seed %u: square of %d: %d, %ld (%s)", seed, i, rc, out, weft_error());
    }
}

// Each worker has one task, so there is no other in the channel that goes mad.
static void tasks_in_other_workers_are_unharmed(void **state)
{
    (void)state;
    uint32_t seed = number_from("WEFT_TEST_SEED", 0);
    uint32_t rounds = number_from("WEFT_TEST_ROUNDS", ROUNDS);
    weft_future *before[AROUND], *after[AROUND];
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 2, .tasks_per_worker = 1);
    for (uint32_t end = seed + rounds; seed < end; seed++) {
        submit_squares(pool, before);
        weft_future *mad = submit_mad(pool, madness_of(seed, true));
        submit_squares(pool, after);
        join_squares(before, seed);
        ends_somehow(&mad, seed);
        join_squares(after, seed);
    }
    weft_pool_close(&pool);
}

// What lies in the same channel may be spoilt; but it ends, and so does that worker.
static void a_mad_worker_holds_nobody_up(void **state)
{
    (void)state;
    uint32_t seed = number_from("WEFT_TEST_SEED", 0);
    uint32_t rounds = number_from("WEFT_TEST_ROUNDS", ROUNDS);
    weft_future *more[AROUND];
    for (uint32_t end = seed + rounds; seed < end; seed++) {
        weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 2);
        weft_future *mad = submit_mad(pool, madness_of(seed, true));
        submit_squares(pool, more);
        for (int i = 0; i < AROUND; i++)
            ends_somehow(&more[i], seed);
        ends_somehow(&mad, seed);
        weft_pool_close(&pool);
    }
}

static void an_item_of_a_map_may_go_mad(void **state)
{
    (void)state;
    weft_pool *pool = weft_pool_open(WEFT_PROCESSES, .workers = 2);
    for (uint32_t seed = 0; seed < FILLS * 2; seed++) { // those that do not stay
        struct madness in[8];
        long out[8];
        for (uint32_t i = 0; i < COUNT(in); i++)
            in[i] = madness_of(seed, false);
        (void)weft_map(pool, weft_after_ms(5000), go_mad, COUNT(in), out, in);
        weft_future *squares[AROUND];
        submit_squares(pool, squares);
        join_squares(squares, seed);
    }
    weft_pool_close(&pool);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_mad_worker_is_ended_and_called_so),
    cmocka_unit_test(a_worker_that_has_started_cannot_fail_its_pool),
    cmocka_unit_test(a_result_of_which_no_word_is_said_is_found),
    cmocka_unit_test(descriptors_for_nobody_are_closed),
    cmocka_unit_test(tasks_in_other_workers_are_unharmed),
    cmocka_unit_test(a_mad_worker_holds_nobody_up),
    cmocka_unit_test(an_item_of_a_map_may_go_mad),
};

TEST_MAIN(tests)
