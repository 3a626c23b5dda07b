// SPDX-License-Identifier: MIT
// guard_test.c - the ladder of guards: each in a scene, for guards stay as they are once made, and
// what the kernel refused once is not asked of it again.
#include "refused_maps.h"
#include "stack_helpers.h"

enum { GUARD_INSTALL = 102 }; // MADV_GUARD_INSTALL, of Linux 6.13

static size_t count_guarded_by(struct wf_stack **stacks, size_t n, enum wf_guard guard)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += stacks[i]->guard == guard;
    return count;
}

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

// A usual one and a large one are guarded so, and the guards hold.
static bool are_guarded_by(enum wf_guard guard)
{
    struct wf_stacks *stacks = stacks_of_scene();
    struct wf_stack *pair[] = {wf_stack_take(stacks, 0), wf_stack_take(stacks, 1 << 20)};
    return count_guarded_by(pair, COUNT(pair), guard) == COUNT(pair) &&
           is_guarded_at_both_ends(pair[0]) && is_guarded_at_both_ends(pair[1]);
}

static bool kernel_has_guards(void)
{
    char *page = mmap(NULL, WF_GUARD_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                      0);
    return madvise(page, WF_GUARD_SIZE, GUARD_INSTALL) == 0;
}

static int play_best(void)
{
    return are_guarded_by(kernel_has_guards() ? WF_GUARD_ADVICE : WF_GUARD_PROTECTION) ? 0 : 1;
}

static int play_by_protection(void)
{
    wf_stack_guard_by(WF_GUARD_PROTECTION, -1);
    return are_guarded_by(WF_GUARD_PROTECTION) ? 0 : 1;
}

static int play_by_canary(void)
{
    wf_stack_guard_by(WF_GUARD_CANARY, -1);
    struct wf_stacks *stacks = stacks_of_scene();
    struct wf_stack *stack = wf_stack_take(stacks, 0);
    if (stack->guard != WF_GUARD_CANARY || !wf_stack_is_whole(stack))
        return 1;
    stack->bottom[3] ^= 1;
    if (wf_stack_is_whole(stack))
        return 2;
    wf_stack_give(stack);
    return wf_stack_take(stacks, 0) == stack && wf_stack_is_whole(stack) ? 0 : 3; // as new
}

static void a_stack_is_guarded_as_well_as_the_system_can(void **state)
{
    (void)state;
    assert_ends("play_best", 0, "");
    assert_ends("play_by_protection", 0, "");
    assert_ends("play_by_canary", 0, "");
}

// ---- the budget -------------------------------------------------------------------------

// Of all stores together.
static int play_more_than_the_budget(void)
{
    enum { N = 40, BUDGET = 15 };
    struct wf_stack *taken[N];
    wf_stack_guard_by(WF_GUARD_PROTECTION, BUDGET);
    take_many(stacks_of_scene(), taken, N / 4, 0);
    take_many(stacks_of_scene(), taken + N / 4, N / 4, 0);
    take_many(stacks_of_scene(), taken + N / 2, N / 2, 100 << 10);
    for (size_t i = 0; i < N; i++)
        if (i < BUDGET ? !is_guarded_at_both_ends(taken[i]) : !wf_stack_is_whole(taken[i]))
            return 1;
    return count_guarded_by(taken, N, WF_GUARD_PROTECTION) == BUDGET &&
                   count_guarded_by(taken, N, WF_GUARD_CANARY) == N - BUDGET
               ? 0
               : 2;
}

enum { THREADS = 4, EACH = 60 };
static struct wf_stack *of_threads[THREADS][EACH];

static void *take_each(void *mine)
{
    take_many(stacks_of_scene(), mine, EACH, 0);
    return NULL;
}

static int play_side_by_side(void)
{
    enum { BUDGET = 100 };
    pthread_t threads[THREADS];
    wf_stack_guard_by(WF_GUARD_PROTECTION, BUDGET);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_each, of_threads[i]), 0);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    return count_guarded_by(of_threads[0], THREADS * EACH, WF_GUARD_PROTECTION) == BUDGET ? 0 : 1;
}

// A guard is passed on with its stack: it is counted once.
static int play_again_and_again(void)
{
    enum { N = 10, BUDGET = 15 };
    struct wf_stack *taken[N];
    wf_stack_guard_by(WF_GUARD_PROTECTION, BUDGET);
    for (int i = 0; i < 100; i++) {
        struct wf_stacks *stacks = new_stacks();
        take_many(stacks, taken, N, 0);
        if (count_guarded_by(taken, N, WF_GUARD_PROTECTION) != N ||
            !is_guarded_at_both_ends(taken[i % N]))
            return 1;
        give_many(taken, N);
        wf_stacks_free(stacks);
    }
    return 0;
}

// As many as the system's own table allows, and then as many again: the program can still map.
static int play_more_than_the_table(void)
{
    enum { N = 40000 };
    static struct wf_stack *taken[N];
    wf_stack_guard_by(WF_GUARD_PROTECTION, -1);
    take_many(stacks_of_scene(), taken, N, 0);
    size_t most = count_guarded_by(taken, N, WF_GUARD_PROTECTION);
    if (count_guarded_by(taken, N, WF_GUARD_CANARY) + most != N || most == 0)
        return 1;
    for (size_t i = 0; i < N; i++)
        if (!wf_stack_is_whole(taken[i]))
            return 2;
    for (int i = 0; i < 1000; i++) { // each a line of the table: its neighbours are not alike
        int rights = i % 2 == 0 ? PROT_READ : PROT_NONE;
        if (mmap(NULL, 4096, rights, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
            return 3;
    }
    return 0;
}

static void beyond_the_budget_stacks_have_a_canary(void **state)
{
    (void)state;
    assert_ends("play_more_than_the_budget", 0, "");
    assert_ends("play_side_by_side", 0, "");
    assert_ends("play_again_and_again", 0, "");
}

static void the_table_of_mappings_is_left_to_the_program(void **state)
{
    (void)state;
    if (SANITIZED)
        skip(); // stacks of 512 KiB
    assert_ends("play_more_than_the_table", 0, "");
}

// ---- refused ----------------------------------------------------------------------------

// An older kernel says EINVAL, and is not asked again: once a stack would be a call for nothing.
static int play_without_advice(void)
{
    (void)wf_stack_take(stacks_of_scene(), 0); // whether any advice is accepted is known now
    wf_stack_guard_by(WF_GUARD_ADVICE, -1);
    refuse(MADVISE, GUARD_INSTALL, EINVAL, LONG_MAX);
    bool good = are_guarded_by(WF_GUARD_PROTECTION);
    return end_wish() == 1 && good ? 0 : 1;
}

// The kernel had no memory for one: the next is as good as ever.
static int play_short_of_memory(void)
{
    struct wf_stacks *stacks = stacks_of_scene();
    if (!kernel_has_guards())
        return 0;
    refuse(MADVISE, GUARD_INSTALL, ENOMEM, 1);
    struct wf_stack *one = wf_stack_take(stacks, 0), *next = wf_stack_take(stacks, 0);
    (void)end_wish();
    return one->guard == WF_GUARD_PROTECTION && next->guard == WF_GUARD_ADVICE &&
                   is_guarded_at_both_ends(one) && is_guarded_at_both_ends(next)
               ? 0
               : 1;
}

// What follows no advice at all, though it accepts any (qemu-user does), is not believed.
static int play_believe_nobody(void)
{
    char *page = mmap(NULL, WF_GUARD_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                      0);
    wish.accepts_any = true;
    enum wf_guard guard = wf_guard_page(page);
    (void)end_wish();
    return guard == WF_GUARD_PROTECTION && !can_be_touched(page) ? 0 : 1;
}

// Without a guard of either kind there is the canary; what was refused does not count as made.
static int play_without_protection(void)
{
    enum { N = 20, REFUSED = 5, BUDGET = 10 };
    struct wf_stack *taken[N];
    wf_stack_guard_by(WF_GUARD_PROTECTION, BUDGET);
    refuse(MPROTECT, 0, ENOMEM, REFUSED);
    take_many(stacks_of_scene(), taken, N, 0);
    int asked = end_wish();
    for (size_t i = 0; i < N; i++)
        if (!wf_stack_is_whole(taken[i]))
            return 1;
    return count_guarded_by(taken, REFUSED, WF_GUARD_CANARY) == REFUSED &&
                   count_guarded_by(taken + REFUSED, BUDGET, WF_GUARD_PROTECTION) == BUDGET &&
                   asked == REFUSED + BUDGET
               ? 0
               : 2;
}

static void what_the_kernel_refuses_is_replaced_by_the_next_best(void **state)
{
    (void)state;
    assert_ends("play_without_advice", 0, "");
    assert_ends("play_short_of_memory", 0, "");
    assert_ends("play_believe_nobody", 0, "");
    assert_ends("play_without_protection", 0, "");
}

static const struct scene scenes[] = {
    SCENE(play_best),
    SCENE(play_by_protection),
    SCENE(play_by_canary),
    SCENE(play_more_than_the_budget),
    SCENE(play_side_by_side),
    SCENE(play_again_and_again),
    SCENE(play_more_than_the_table),
    SCENE(play_without_advice),
    SCENE(play_short_of_memory),
    SCENE(play_believe_nobody),
    SCENE(play_without_protection),
};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_stack_is_guarded_as_well_as_the_system_can),
    cmocka_unit_test(beyond_the_budget_stacks_have_a_canary),
    cmocka_unit_test(the_table_of_mappings_is_left_to_the_program),
    cmocka_unit_test(what_the_kernel_refuses_is_replaced_by_the_next_best),
};
TEST_MAIN_WITH_SCENES(tests, scenes)
