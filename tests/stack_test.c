// SPDX-License-Identifier: MIT
// stack_test.c - the stacks of fibers: whose they are, that they are used again, and what happens
// while the kernel is asked, or when it refuses. Their guards are in guard_test.c, and that memory
// comes back in stack_memory_test.c.
#include "refused_maps.h"
#include "stack_helpers.h"

#include "core/park.h"
#include "exec/loop.h"

// ---- a store ----------------------------------------------------------------------------

static void a_stack_has_the_size_that_was_asked_for(void **state)
{
    (void)state;
    static const size_t sizes[] = {1,         60 << 10,        64 << 10, (64 << 10) + 1,
                                   100 << 10, (1 << 20) - 512, 1 << 20,  1 << 30};
    struct wf_stacks *stacks = new_stacks();
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct wf_stack *stack = wf_stack_take(stacks, sizes[i]);
        assert_non_null(stack);
        assert_true(stack->size >= sizes[i]);
        assert_ptr_equal(stack->bottom + stack->size, stack);
        stack->bottom[0] = stack->bottom[stack->size - 1] = 1;
        wf_stack_give(stack);
    }
    assert_null(wf_stack_take(stacks, (1 << 30) + 1));
    wf_stacks_free(stacks);
}

static void many_unused_small_ones_hide_no_large_one(void **state)
{
    (void)state;
    enum { N = 2000 };
    static struct wf_stack *small[N], *large[3];
    struct wf_stacks *stacks = new_stacks();
    take_many(stacks, small, N, 0);
    take_many(stacks, large, COUNT(large), 1 << 20);
    struct wf_stack *last = large[COUNT(large) - 1];
    give_many(large, COUNT(large));
    give_many(small, N);
    assert_ptr_equal(wf_stack_take(stacks, 1 << 20), last);
    assert_true(last->size >= 1 << 20);
    wf_stack_give(last);
    wf_stacks_free(stacks);
}

// Also of one whose memory was given back: all is zero but what take writes.
static void the_same_stacks_are_used_again(void **state)
{
    (void)state;
    enum { N = 1500 };
    static struct wf_stack *first[N], *then[N];
    struct wf_stacks *stacks = new_stacks();
    take_many(stacks, first, N, 0);
    enum wf_guard guard = first[N - 1]->guard;
    give_many(first, N);
    take_many(stacks, then, N, 0);
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
    wf_stacks_free(stacks);
}

static void who_takes_and_gives_a_few_asks_nothing_of_the_kernel(void **state)
{
    (void)state;
    enum { N = 10 };
    struct wf_stack *taken[N];
    struct wf_stacks *stacks = new_stacks();
    take_many(stacks, taken, N, 0);
    count_calls(MADVISE, 0);
    for (int i = 0; i < 1000; i++) { // more bytes than may stay warm, if they were added up
        give_many(taken, N);
        take_many(stacks, taken, N, 0);
    }
    give_many(taken, N);
    assert_int_equal(end_wish(), 0);
    wf_stacks_free(stacks);
}

// Cold ones in the middle of several regions, taken and given in many orders: never one twice.
static void no_stack_is_handed_out_twice(void **state)
{
    (void)state;
    enum { N = 3000, ROUNDS = 20000 };
    static struct wf_stack *taken[N];
    struct wf_stacks *stacks = new_stacks();
    take_many(stacks, taken, N, 0);
    for (size_t i = 0; i < N; i++)
        taken[i]->next = taken[i]; // in no list: its user's mark
    uint64_t dice = 1;
    for (int i = 0; i < ROUNDS; i++) {
        dice = dice * 6364136223846793005u + 1442695040888963407u; // Knuth's
        size_t at = (size_t)(dice >> 33) % N;
        if (taken[at]) {
            assert_ptr_equal(taken[at]->next, taken[at]);
            taken[at]->next = NULL;
            wf_stack_give(taken[at]);
            taken[at] = NULL;
            continue;
        }
        taken[at] = wf_stack_take(stacks, 0);
        assert_non_null(taken[at]);
        assert_ptr_not_equal(taken[at]->next, taken[at]);
        taken[at]->next = taken[at];
    }
    for (size_t i = 0; i < N; i++)
        if (taken[i])
            wf_stack_give(taken[i]);
    wf_stacks_free(stacks);
}

enum { USERS = 4, HANDS = 300 };

// Each writes its own number into its stacks, and finds it there later.
static void *use_many(void *shared)
{
    struct wf_stack *taken[HANDS];
    for (int round = 0; round < 20; round++) {
        take_many(shared, taken, HANDS, 0);
        for (size_t i = 0; i < HANDS; i++)
            taken[i]->next = (struct wf_stack *)(void *)&taken[i];
        for (size_t i = 0; i < HANDS; i++)
            assert_ptr_equal(taken[i]->next, &taken[i]);
        give_many(taken, HANDS);
    }
    return NULL;
}

// Four start fibers on one loop: more stacks than stay warm, and more than a region has.
static void many_threads_take_from_one_store(void **state)
{
    (void)state;
    pthread_t threads[USERS];
    struct wf_stacks *stacks = new_stacks();
    for (size_t i = 0; i < USERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use_many, stacks), 0);
    for (size_t i = 0; i < USERS; i++)
        pthread_join(threads[i], NULL);
    wf_stacks_free(stacks);
}

// ---- two stores -------------------------------------------------------------------------

static bool is_among(struct wf_region *region, struct wf_stack **some, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (some[i]->region == region)
            return true;
    return false;
}

static void two_stores_share_no_region(void **state)
{
    (void)state;
    enum { N = 1500 };
    static struct wf_stack *of_a[N], *of_b[N];
    struct wf_stacks *a = new_stacks(), *b = new_stacks();
    take_many(a, of_a, N, 0);
    give_many(of_a, N / 2); // what one has left over is not the other's
    take_many(b, of_b, N, 0);
    for (size_t i = 0; i < N; i++)
        assert_false(is_among(of_b[i]->region, of_a + N / 2, N - N / 2));
    give_many(of_a + N / 2, N - N / 2);
    give_many(of_b, N);
    wf_stacks_free(a);
    wf_stacks_free(b);
}

struct visit {
    struct wf_region *region;
    atomic_bool has_come;
};

static atomic_bool visits_are_over;

static void visit(void *arg)
{
    struct visit *v = arg;
    v->region = ((const struct wf_stack *)wf_self()->seat)->region;
    atomic_store(&v->has_come, true);
    while (!atomic_load(&visits_are_over))
        weft_yield();
}

static void two_loops_share_no_region(void **state)
{
    (void)state;
    enum { LOOPS = 2, EACH = 3 };
    struct wf_loop *loops[LOOPS];
    static struct visit visits[LOOPS][EACH];
    for (size_t i = 0; i < LOOPS; i++) {
        assert_int_equal(wf_loop_new("loop", &loops[i]), 0);
        for (size_t k = 0; k < EACH; k++)
            assert_int_equal(wf_loop_start(loops[i], 0, visit, &visits[i][k]), 0);
    }
    for (size_t i = 0; i < LOOPS; i++)
        for (size_t k = 0; k < EACH; k++) {
            assert_true(eventually(atomic_load(&visits[i][k].has_come)));
            assert_ptr_equal(visits[i][k].region, visits[i][0].region);
        }
    assert_ptr_not_equal(visits[0][0].region, visits[1][0].region);
    atomic_store(&visits_are_over, true);
    for (size_t i = 0; i < LOOPS; i++)
        wf_loop_free(loops[i]);
}

// ---- a store that ends ------------------------------------------------------------------

// Records of a size that no other test has: nobody else's region is passed on to this one.
enum { RECORD_PASSED = 1024, RECORD_REFUSED = 1088, RECORD_SHORT = 1152, RECORD_KEPT = 1216 };

static struct wf_stacks *new_stacks_of(size_t record)
{
    struct wf_stacks *stacks = wf_stacks_new(record);
    assert_non_null(stacks);
    return stacks;
}

// Looked at in a few places: each costs a page.
static void assert_empty(struct wf_stack **some, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct wf_stack *stack = some[i];
        assert_int_equal(stack->bottom[sizeof(uint64_t)], 0); // past a canary
        assert_int_equal(stack->bottom[stack->size / 2], 0);
        assert_int_equal(stack->bottom[stack->size - 1], 0);
    }
}

// Nothing is mapped for the next, and nothing guarded: all is there.
static void the_next_store_uses_the_regions_of_one_that_has_ended(void **state)
{
    (void)state;
    enum { N = 1100 };
    static const struct {
        enum call what;
        int advice;
    } counted[] = {{NO_CALL, 0}, {MMAP, 0}, {MADVISE, 0}, {MPROTECT, 0}};
    static struct wf_stack *first[N + 1], *taken[N + 1];
    for (size_t i = 0; i < COUNT(counted); i++) {
        struct wf_stacks *stacks = new_stacks_of(RECORD_PASSED);
        count_calls(counted[i].what, counted[i].advice);
        take_many(stacks, taken, N, 0);
        taken[N] = wf_stack_take(stacks, 1 << 20);
        assert_non_null(taken[N]);
        assert_int_equal(end_wish(), 0);
        if (i == 0)
            memcpy(first, taken, sizeof taken);
        for (size_t k = 0; k <= N; k++)
            assert_true(is_among(taken[k]->region, first, N + 1));
        assert_empty(taken, N + 1);
        fill(taken, SANITIZED ? 10 : 100);
        fill(taken + N, 1);
        give_many(taken, N + 1);
        wf_stacks_free(stacks);
    }
    wf_stacks_free(NULL);
}

static void note_parker(void *parker)
{
    *(struct wf_parker **)parker = wf_self();
}

static void wait_in_vain(void *rc)
{
    static weft_event never;
    *(int *)rc = weft_event_wait(&never, weft_after_ms(20));
}

// It may still hold a pointer into a region, which is another loop's by then.
static void a_late_waker_harms_neither_loop(void **state)
{
    (void)state;
    struct wf_loop *loop;
    struct wf_parker *parker = NULL;
    int rc = 0;
    assert_int_equal(wf_loop_new("first", &loop), 0);
    assert_int_equal(wf_loop_start(loop, 0, note_parker, &parker), 0);
    wf_loop_free(loop);
    wf_unpark(parker);
    assert_int_equal(wf_loop_new("second", &loop), 0);
    count_calls(MMAP, 0);
    assert_int_equal(wf_loop_start(loop, 0, wait_in_vain, &rc), 0);
    assert_int_equal(end_wish(), 0); // a stack of the first's
    for (int i = 0; i < 1000; i++)
        wf_unpark(parker);
    wf_loop_free(loop);
    assert_int_equal(rc, -ETIMEDOUT);
}

// ---- what comes between -----------------------------------------------------------------

static struct wf_stacks *shared;

// It would hang if the store were locked.
static void take_and_give(void)
{
    wf_stack_give(wf_stack_take(shared, 0));
}

static void open_and_end(void)
{
    struct wf_stacks *stacks = wf_stacks_new(RECORD);
    wf_stack_give(wf_stack_take(stacks, 0));
    wf_stacks_free(stacks);
}

static bool has_come_between(void)
{
    bool has = !wish.meanwhile;
    (void)end_wish();
    return has;
}

static int let_between(enum call what, int advice)
{
    shared = stacks_of_scene();
    count_calls(what, advice);
    wish.meanwhile = take_and_give;
    struct wf_stack *stack = wf_stack_take(shared, 0);
    CHECK(stack && has_come_between());
    count_calls(what, advice);
    wish.meanwhile = open_and_end;
    CHECK(wf_stack_take(shared, 1 << 20) && has_come_between()); // of which no region is there yet
    return 0;
}

static int play_between_mapping(void)
{
    return let_between(MMAP, 0);
}

static int play_between_noting(void)
{
    shared = stacks_of_scene();
    count_calls(CALLOC, 0);
    wish.meanwhile = take_and_give;
    CHECK(wf_stack_take(shared, 0) && has_come_between());
    return 0;
}

static int play_between_advice(void)
{
    return let_between(MADVISE, 0);
}

static int play_between_protection(void)
{
    wf_stack_guard_by(WF_GUARD_PROTECTION, -1);
    return let_between(MPROTECT, 0);
}

static int play_between_giving_back(void)
{
    enum { N = 400 };
    static struct wf_stack *taken[N];
    shared = stacks_of_scene();
    take_many(shared, taken, N, 0);
    count_calls(MADVISE, MADV_DONTNEED);
    wish.meanwhile = take_and_give;
    give_many(taken, N);
    CHECK(has_come_between());
    count_calls(MADVISE, MADV_DONTNEED);
    wish.meanwhile = open_and_end;
    wf_stacks_free(shared);
    CHECK(has_come_between());
    return 0;
}

static void no_lock_is_held_while_the_kernel_is_asked(void **state)
{
    (void)state;
    assert_ends("play_between_mapping", 0, "");
    assert_ends("play_between_noting", 0, "");
    assert_ends("play_between_advice", 0, "");
    assert_ends("play_between_protection", 0, "");
    assert_ends("play_between_giving_back", 0, "");
}

// Both map one; both then have a stack of the first, and the other is there for the next store.
static int play_come_with_a_region_each(void)
{
    static struct wf_stack *taken[2];
    shared = stacks_of_scene();
    count_calls(MMAP, 0);
    wish.meanwhile = take_and_give;
    taken[0] = wf_stack_take(shared, 0);
    taken[1] = wf_stack_take(shared, 0);
    CHECK(end_wish() == 2);
    CHECK(taken[0] && taken[1] && taken[0]->region == taken[1]->region);
    count_calls(MMAP, 0);
    struct wf_stack *others = wf_stack_take(stacks_of_scene(), 0);
    CHECK(end_wish() == 0 && others && others->region != taken[0]->region);
    return 0;
}

static void two_who_find_a_store_empty_waste_nothing(void **state)
{
    (void)state;
    assert_ends("play_come_with_a_region_each", 0, "");
}

// ---- refused ----------------------------------------------------------------------------

static void without_memory_there_is_no_store_and_no_stack(void **state)
{
    (void)state;
    refuse(CALLOC, 0, ENOMEM, LONG_MAX);
    assert_null(wf_stacks_new(RECORD_REFUSED));
    (void)end_wish();
    struct wf_stacks *stacks = new_stacks_of(RECORD_REFUSED);
    refuse(CALLOC, 0, ENOMEM, LONG_MAX);
    assert_null(wf_stack_take(stacks, 0));
    refuse(MMAP, 0, ENOMEM, LONG_MAX);
    assert_null(wf_stack_take(stacks, 0));
    assert_null(wf_stack_take(stacks, 1 << 20));
    (void)end_wish();
    struct wf_stack *stack = wf_stack_take(stacks, 0);
    assert_non_null(stack);
    refuse(MMAP, 0, ENOMEM, LONG_MAX);
    assert_null(wf_stack_take(stacks, 1 << 20));
    struct wf_stack *next = wf_stack_take(stacks, 0); // is there already
    (void)end_wish();
    assert_non_null(next);
    wf_stack_give(next);
    wf_stack_give(stack);
    wf_stacks_free(stacks);
}

// Where 64 MiB are refused a region is smaller, and there are more of them.
static void where_addresses_are_short_a_region_is_smaller(void **state)
{
    (void)state;
    enum { N = 300, LARGER = 8 << 20 };
    static struct wf_stack *taken[N];
    struct wf_stacks *stacks = new_stacks_of(RECORD_SHORT);
    refuse(MMAP, 0, ENOMEM, LONG_MAX);
    wish.larger = LARGER;
    take_many(stacks, taken, N, 0);
    (void)end_wish();
    for (size_t i = 0; i < N; i++)
        for (size_t k = 0; k < i; k++) {
            assert_ptr_not_equal(taken[i], taken[k]);
            ptrdiff_t apart = taken[i]->bottom - taken[k]->bottom;
            if (taken[i]->region == taken[k]->region)
                assert_true(apart < LARGER && -apart < LARGER);
        }
    give_many(taken, N);
    wf_stacks_free(stacks);
}

// Who refuses to take memory back is locked memory, for one: it is used again as it is.
static void what_is_not_taken_back_is_used_again_as_it_is(void **state)
{
    (void)state;
    enum { N = 400 };
    static struct wf_stack *taken[N];
    for (int i = 0; i < 3; i++) {
        struct wf_stacks *stacks = new_stacks_of(RECORD_KEPT);
        refuse(MADVISE, i == 0 ? MADV_NOHUGEPAGE : MADV_DONTNEED, EINVAL, LONG_MAX);
        for (int round = 0; round < 2; round++) {
            take_many(stacks, taken, N, 0);
            for (size_t k = 0; k < N; k++) {
                assert_true(wf_stack_is_whole(taken[k]));
                assert_ptr_equal(taken[k]->bottom + taken[k]->size, taken[k]);
                taken[k]->bottom[0] = 1;
            }
            give_many(taken, N);
        }
        wf_stacks_free(stacks);
        assert_true(end_wish() > 0 || i == 0);
    }
}

static const struct scene scenes[] = {
    SCENE(play_between_mapping),     SCENE(play_between_noting),
    SCENE(play_between_advice),      SCENE(play_between_protection),
    SCENE(play_between_giving_back), SCENE(play_come_with_a_region_each),
};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_stack_has_the_size_that_was_asked_for),
    cmocka_unit_test(many_unused_small_ones_hide_no_large_one),
    cmocka_unit_test(the_same_stacks_are_used_again),
    cmocka_unit_test(who_takes_and_gives_a_few_asks_nothing_of_the_kernel),
    cmocka_unit_test(no_stack_is_handed_out_twice),
    cmocka_unit_test(many_threads_take_from_one_store),
    cmocka_unit_test(two_stores_share_no_region),
    cmocka_unit_test(two_loops_share_no_region),
    cmocka_unit_test(the_next_store_uses_the_regions_of_one_that_has_ended),
    cmocka_unit_test(a_late_waker_harms_neither_loop),
    cmocka_unit_test(no_lock_is_held_while_the_kernel_is_asked),
    cmocka_unit_test(two_who_find_a_store_empty_waste_nothing),
    cmocka_unit_test(without_memory_there_is_no_store_and_no_stack),
    cmocka_unit_test(where_addresses_are_short_a_region_is_smaller),
    cmocka_unit_test(what_is_not_taken_back_is_used_again_as_it_is),
};
TEST_MAIN_WITH_SCENES(tests, scenes)
