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
    {"echo", 1, echo},     {"memory", 1, memory},       {"wakeups", 1, wakeups},
    {"fanout", 2, fanout}, {"broadcast", 2, broadcast},
};

static const struct plan *find_plan(const char *name)
{
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++)
        if (name && strcmp(plans[i].name, name) == 0)
            return &plans[i];
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
    const struct plan *plan = find_plan(argv[1]);
    int n[MOST_NUMBERS], first = 2;
    for (int i = 0; i < plan->numbers && first < argc; i++)
        n[i] = atoi(argv[first++]);
    if (first >= argc)
        find_plan(NULL);
    alarm(PATIENCE_S); // whatever happens
    raise_descriptor_limit();
    struct server s = {0};
    server_start(&s, argv + first);
    plan->carry_out(&s, n);
    server_end(&s);
    return 0;
}
