// SPDX-License-Identifier: MIT
// stack_test.c - the stacks of fibers: how each is guarded, and that memory comes back.
#include "unit.h"

#include "os/stack.h"

enum { RECORD = 512 };

static void take_many(struct wf_stack **stacks, size_t n, size_t size)
{
    for (size_t i = 0; i < n; i++) {
        stacks[i] = wf_stack_take(size, RECORD);
        assert_non_null(stacks[i]);
    }
}

static void give_many(struct wf_stack **stacks, size_t n)
{
    for (size_t i = 0; i < n; i++)
        wf_stack_give(stacks[i]);
}

static size_t count_guarded_by(struct wf_stack **stacks, size_t n, enum wf_guard guard)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += stacks[i]->guard == guard;
    return count;
}

// ---- the ladder: in a scene each, for guards stay as they are once made -----------------

// The kernel itself would refuse the access: reading by it harms nobody.
static bool can_be_touched(const void *byte)
{
    int fds[2];
    bool can = pipe2(fds, O_CLOEXEC) == 0 && write(fds[1], byte, 1) == 1;
    close(fds[0]);
    close(fds[1]);
    return can;
}

static bool is_guarded_at_both_ends(const struct wf_stack *stack)
{
    return !can_be_touched(stack->bottom - 1) && !can_be_touched(stack->bottom - WF_GUARD_SIZE) &&
           can_be_touched(stack->bottom) && can_be_touched(stack->bottom + stack->size - 1);
}

static int play_best(void)
{
    struct wf_stack *stack = wf_stack_take(0, RECORD), *large = wf_stack_take(1 << 20, RECORD);
    bool good = is_guarded_at_both_ends(stack) && is_guarded_at_both_ends(large);
    return good && stack->guard != WF_GUARD_CANARY ? 0 : 1;
}

static int play_by_protection(void)
{
    wf_stack_guard_by(WF_GUARD_PROTECTION, -1);
    struct wf_stack *stack = wf_stack_take(0, RECORD), *large = wf_stack_take(1 << 20, RECORD);
    bool good = is_guarded_at_both_ends(stack) && is_guarded_at_both_ends(large);
    return good && count_guarded_by((struct wf_stack *[]){stack, large}, 2, WF_GUARD_PROTECTION) ==
                       2
               ? 0
               : 1;
}

static int play_by_canary(void)
{
    wf_stack_guard_by(WF_GUARD_CANARY, -1);
    struct wf_stack *stack = wf_stack_take(0, RECORD);
    if (stack->guard != WF_GUARD_CANARY || !wf_stack_is_whole(stack))
        return 1;
    stack->bottom[3] ^= 1;
    if (wf_stack_is_whole(stack))
        return 2;
    wf_stack_give(stack);
    return wf_stack_take(0, RECORD) == stack && wf_stack_is_whole(stack) ? 0 : 3; // as new
}

static int play_more_than_the_budget(void)
{
    enum { N = 40, BUDGET = 15 };
    struct wf_stack *stacks[N];
    wf_stack_guard_by(WF_GUARD_PROTECTION, BUDGET);
    take_many(stacks, N / 2, 0);
    take_many(stacks + N / 2, N / 2, 100 << 10);
    for (size_t i = 0; i < N; i++)
        if (i < BUDGET ? !is_guarded_at_both_ends(stacks[i]) : !wf_stack_is_whole(stacks[i]))
            return 1;
    return count_guarded_by(stacks, N, WF_GUARD_PROTECTION) == BUDGET &&
                   count_guarded_by(stacks, N, WF_GUARD_CANARY) == N - BUDGET
               ? 0
               : 2;
}

// As many as the system's own table allows, and then as many again: the program can still map.
static int play_more_than_the_table(void)
{
    enum { N = 40000 };
    static struct wf_stack *stacks[N];
    wf_stack_guard_by(WF_GUARD_PROTECTION, -1);
    take_many(stacks, N, 0);
    size_t most = count_guarded_by(stacks, N, WF_GUARD_PROTECTION);
    if (count_guarded_by(stacks, N, WF_GUARD_CANARY) + most != N || most == 0)
        return 1;
    for (size_t i = 0; i < N; i++)
        if (!wf_stack_is_whole(stacks[i]))
            return 2;
    for (int i = 0; i < 1000; i++) { // each a line of the table: its neighbours are not alike
        int rights = i % 2 == 0 ? PROT_READ : PROT_NONE;
        if (mmap(NULL, 4096, rights, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
            return 3;
    }
    return 0;
}

static void a_stack_is_guarded_as_well_as_the_system_can(void **state)
{
    (void)state;
    assert_ends("play_best", 0, "");
    assert_ends("play_by_protection", 0, "");
    assert_ends("play_by_canary", 0, "");
}

static void beyond_the_budget_stacks_have_a_canary(void **state)
{
    (void)state;
    assert_ends("play_more_than_the_budget", 0, "");
}

static void the_table_of_mappings_is_left_to_the_program(void **state)
{
    (void)state;
    if (SANITIZED)
        skip(); // stacks of 512 KiB
    assert_ends("play_more_than_the_table", 0, "");
}

// ---- used again -------------------------------------------------------------------------

static void a_stack_has_the_size_that_was_asked_for(void **state)
{
    (void)state;
    static const size_t sizes[] = {1,         60 << 10,        64 << 10, (64 << 10) + 1,
                                   100 << 10, (1 << 20) - 512, 1 << 20,  1 << 30};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct wf_stack *stack = wf_stack_take(sizes[i], RECORD);
        assert_non_null(stack);
        assert_true(stack->size >= sizes[i]);
        assert_ptr_equal(stack->bottom + stack->size, stack);
        stack->bottom[0] = stack->bottom[stack->size - 1] = 1;
        wf_stack_give(stack);
    }
    assert_null(wf_stack_take((1 << 30) + 1, RECORD));
}

static void many_unused_small_ones_hide_no_large_one(void **state)
{
    (void)state;
    enum { N = 2000 };
    static struct wf_stack *small[N], *large[3];
    take_many(small, N, 0);
    take_many(large, COUNT(large), 1 << 20);
    struct wf_stack *last = large[COUNT(large) - 1];
    give_many(large, COUNT(large));
    give_many(small, N);
    assert_ptr_equal(wf_stack_take(1 << 20, RECORD), last);
    assert_true(last->size >= 1 << 20);
    wf_stack_give(last);
}

// Also of one whose memory was given back: all is zero but what take writes.
static void the_same_stacks_are_used_again(void **state)
{
    (void)state;
    enum { N = 1500 };
    static struct wf_stack *first[N], *then[N];
    take_many(first, N, 0);
    enum wf_guard guard = first[N - 1]->guard;
    give_many(first, N);
    take_many(then, N, 0);
    for (size_t i = 0; i < N; i++) {
        size_t found = 0;
        while (found < N && first[found] != then[i])
            found++;
        assert_true(found < N);
        assert_int_equal(then[i]->guard, guard);
        assert_ptr_equal(then[i]->bottom + then[i]->size, then[i]);
        first[found] = NULL;
    }
    give_many(then, N);
}

// ---- memory comes back ------------------------------------------------------------------

static size_t resident(void)
{
    char line[128];
    size_t kib = 0;
    FILE *f = fopen("/proc/self/status", "re");
    assert_non_null(f);
    while (fgets(line, sizeof line, f))
        (void)sscanf(line, "VmRSS: %zu", &kib); // most lines are others
    fclose(f);
    return kib << 10;
}

static weft_event morning;
static atomic_int asleep;

static int sleep_in(const weft_none *unused, weft_none *none)
{
    (void)unused, (void)none;
    volatile char frame[5000]; // so that it has a second page
    frame[0] = frame[sizeof frame - 1] = 1;
    atomic_fetch_add(&asleep, 1);
    return weft_event_wait(&morning, WEFT_FOREVER) + frame[0] - 1;
}
WEFT_TASK(sleep_in, weft_none, weft_none);

static void after_a_burst_the_memory_of_its_fibers_comes_back(void **state)
{
    (void)state;
    enum { N = 100000 };
    static weft_future *all[N];
    if (SANITIZED)
        skip(); // their shadows stay
    size_t before = resident();
    for (size_t i = 0; i < N; i++)
        assert_non_null(all[i] = weft_start(WEFT_FIBERS, sleep_in, &(weft_none){0}));
    while (atomic_load(&asleep) < N)
        nap_ms(1);
    size_t peak = resident();
    weft_event_set(&morning);
    for (size_t i = 0; i < N; i++)
        assert_int_equal(weft_join(&all[i], NULL, 0), 0);
    // A fiber gives back its stack a moment after its task has ended.
    while (resident() > before + (peak - before) / 8)
        nap_ms(1);
    assert_true(peak - before > (size_t)N * 8000);
}

static const struct scene scenes[] = {
    SCENE(play_best),
    SCENE(play_by_protection),
    SCENE(play_by_canary),
    SCENE(play_more_than_the_budget),
    SCENE(play_more_than_the_table),
};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_stack_is_guarded_as_well_as_the_system_can),
    cmocka_unit_test(beyond_the_budget_stacks_have_a_canary),
    cmocka_unit_test(the_table_of_mappings_is_left_to_the_program),
    cmocka_unit_test(a_stack_has_the_size_that_was_asked_for),
    cmocka_unit_test(many_unused_small_ones_hide_no_large_one),
    cmocka_unit_test(the_same_stacks_are_used_again),
    cmocka_unit_test(after_a_burst_the_memory_of_its_fibers_comes_back),
};
TEST_MAIN_WITH_SCENES(tests, scenes)
