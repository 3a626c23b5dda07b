// SPDX-License-Identifier: MIT
// 31_process_queue.c - jobs to processes and answers back, through two queues. Lecture: L66.
//
// Whoever is free takes the next job. The queues lie in shared memory, at one address in all
// processes, so their pointers may be sent there.
#include <errno.h>

#include "example.h"

enum { WORKERS = 3, JOBS = 10 };

struct answer {
    int of, square;
};

struct queues {
    weft_shared_queue *jobs, *answers;
};

static int work(const struct queues *q, int *done)
{
    int n, rc;
    while ((rc = weft_shared_get(q->jobs, &n, WEFT_FOREVER)) == 0) {
        const struct answer answer = {n, n * n};
        rc = weft_shared_put(q->answers, &answer, WEFT_FOREVER);
        if (rc < 0)
            return rc;
        ++*done;
    }
    return rc == -EPIPE ? 0 : rc; // closed, and nothing is left
}
WEFT_TASK(work, struct queues, int);

static int show_answers(weft_shared_queue *answers)
{
    int squares[JOBS];
    struct answer answer;
    for (int i = 0; i < JOBS; i++) {
        if (weft_shared_get(answers, &answer, WEFT_FOREVER) < 0)
            return failed("an answer");
        squares[answer.of] = answer.square; // they come in any order
    }
    for (int i = 0; i < JOBS; i++)
        printf("%d squared is %d\n", i, squares[i]);
    return 0;
}

int main(void)
{
    WEFT_SCOPED(weft_shared_queue_free)
    weft_shared_queue *jobs = weft_shared_queue_new(sizeof(int), 4);
    WEFT_SCOPED(weft_shared_queue_free)
    weft_shared_queue *answers = weft_shared_queue_new(sizeof(struct answer), JOBS);
    weft_future *workers[WORKERS];
    int sum = 0;

    if (!jobs || !answers)
        return failed("queues");
    const struct queues queues = {jobs, answers};
    for (int i = 0; i < WORKERS; i++)
        workers[i] = weft_start(WEFT_PROCESSES, work, &queues);
    for (int i = 0; i < JOBS; i++)
        if (weft_shared_put(jobs, &i, WEFT_FOREVER) < 0) // waits while four wait to be taken
            return failed("a job");
    weft_shared_queue_close(jobs);
    if (show_answers(answers) != 0)
        return EXIT_FAILURE;
    for (int i = 0; i < WORKERS; i++) {
        int done;
        if (weft_join_as(&workers[i], work, &done) < 0)
            return failed("a worker");
        sum += done;
    }
    printf("%d processes did %d jobs\n", WORKERS, sum);
    return 0;
}
