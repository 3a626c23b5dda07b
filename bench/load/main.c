// SPDX-License-Identifier: MIT
// main.c - see load.h.
#include <sys/resource.h>
#include <unistd.h>

#include "load.h"

enum { MOST_NUMBERS = 2, PATIENCE_S = 60 };

static const struct plan {
    const char *name;
    int numbers; // of the plan, on the command line
    void (*carry_out)(struct server *s, const int *n);
} plans[] = {
    {"echo", 1, echo},       {"memory", 1, memory}, {"wakeups", 1, wakeups},
    {"accept", 1, arrivals}, {"fanout", 2, fanout}, {"broadcast", 2, broadcast},
};

// The command line's; its numbers into n.
static const struct plan *read_plan(int argc, char **argv, int *n)
{
    for (size_t i = 0; argc > 1 && i < sizeof plans / sizeof *plans; i++) {
        bool fits = strcmp(plans[i].name, argv[1]) == 0 && argc > 2 + plans[i].numbers;
        for (int k = 0; fits && k < plans[i].numbers; k++)
            fits = (n[k] = atoi(argv[2 + k])) > 0;
        if (fits)
            return &plans[i];
    }
    return die("usage: load PLAN N... SERVER [ARGUMENT...]");
}

// The server inherits it.
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
    int n[MOST_NUMBERS];
    const struct plan *plan = read_plan(argc, argv, n);
    alarm(PATIENCE_S); // whatever happens
    raise_descriptor_limit();
    struct server s = {0};
    server_start(&s, argv + 2 + plan->numbers);
    plan->carry_out(&s, n);
    server_end(&s);
    return 0;
}
