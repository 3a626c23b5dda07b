// SPDX-License-Identifier: MIT
// 32_process_lock.c - data that processes share, a lock, and one who dies with it. Lecture: L66,
// L68.
//
// The lecture says that processes cannot share data. They can, in memory made for it. What two of
// them may not do at once, a lock keeps apart; and if its holder is killed, the next one is told,
// and holds it, so that it can mend what was left half done. In Python it would wait for ever.
#include <errno.h>
#include <signal.h>

#include "example.h"

enum { PROCESSES = 4, ROUNDS = 1000 };

// Money moves from left to right, so the sum stays 0; but not between the two steps.
struct account {
    weft_shared_mutex mu;
    long left, right;
};

static int lock_and_mend(struct account *account)
{
    int rc = weft_shared_lock(&account->mu, WEFT_FOREVER);
    if (rc != -EOWNERDEAD)
        return rc;
    printf("mended: the sum was %ld\n", account->left + account->right);
    account->right = -account->left;
    return 0;
}

static int move_money(struct account *const *account, weft_none *none)
{
    (void)none;
    for (int i = 0; i < ROUNDS; i++) {
        int rc = lock_and_mend(*account);
        if (rc < 0)
            return rc;
        (*account)->left--;
        (*account)->right++;
        weft_shared_unlock(&(*account)->mu);
    }
    return 0;
}
WEFT_TASK(move_money, struct account *, weft_none);

static int move_and_die(struct account *const *account, weft_none *none)
{
    (void)none;
    int rc = lock_and_mend(*account);
    if (rc < 0)
        return rc;
    (*account)->left--;
    (void)raise(SIGKILL);
    return 0;
}
WEFT_TASK(move_and_die, struct account *, weft_none);

int main(void)
{
    struct account *account = weft_shared(sizeof *account);
    weft_future *processes[PROCESSES];

    if (!account)
        return failed("shared memory");
    weft_future *dies = weft_start(WEFT_PROCESSES, move_and_die, &account);
    if (weft_join(&dies, NULL, 0) != -EOWNERDEAD)
        return failed("one that dies");
    for (int i = 0; i < PROCESSES; i++)
        processes[i] = weft_start(WEFT_PROCESSES, move_money, &account);
    for (int i = 0; i < PROCESSES; i++)
        if (weft_join(&processes[i], NULL, 0) < 0)
            return failed("one that moves money");
    printf("left %ld, right %ld\n", account->left, account->right);
    weft_shared_free(&account);
    return 0;
}
