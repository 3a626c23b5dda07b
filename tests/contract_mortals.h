// SPDX-License-Identifier: MIT
// contract_mortals.h - objects whose memory goes as soon as it may. Part of contract.h.
//
// Pages are taken away instead of freed, so that a late touch crashes in every build, not only
// under a sanitizer.
#ifndef WEFT_TESTS_CONTRACT_MORTALS_H
#define WEFT_TESTS_CONTRACT_MORTALS_H

// One fresh, zeroed object after another is used by `users` callers at once (1 and 3 are plain
// threads). The one to whom use() returns true has learned that nobody needs the object any more:
// its page is taken away at once, and who still touches it crashes.
struct mortals {
    bool (*use)(void *object, int who);
    char *pages;
    size_t page;
    int rounds;
    pthread_barrier_t start;
};

struct mortal_user {
    struct mortals *all;
    int who;
};

SHARED int use_mortals(void *arg)
{
    const struct mortal_user *user = arg;
    struct mortals *all = user->all;
    for (int i = 0; i < all->rounds; i++) {
        char *object = all->pages + (size_t)i * all->page;
        pthread_barrier_wait(&all->start);
        if (all->use(object, user->who))
            CHECK(mprotect(object, all->page, PROT_NONE) == 0);
    }
    return 0;
}

SHARED void outlive(int users, int rounds, bool (*use)(void *object, int who))
{
    struct mortals all = {.use = use, .page = (size_t)sysconf(_SC_PAGESIZE), .rounds = rounds};
    size_t size = (size_t)rounds * all.page;
    all.pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(all.pages, MAP_FAILED);
    assert_int_equal(pthread_barrier_init(&all.start, NULL, (unsigned)users), 0);
    struct away crowd[4];
    struct mortal_user user[4];
    assert_true(users <= 4);
    for (int i = 0; i < users; i++) {
        user[i] = (struct mortal_user){&all, i};
        go(&crowd[i], i % 2 ? IN_THREAD : IN_TASK, use_mortals, &user[i]);
    }
    all_back_with(0, crowd, (size_t)users);
    pthread_barrier_destroy(&all.start);
    munmap(all.pages, size);
}

#endif
