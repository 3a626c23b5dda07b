// SPDX-License-Identifier: MIT
// options.c - see options.h. To add an option is to add a row here, and its place in settings.h and
// in docs/weft-fetch.1; a test looks that the manual knows each of them, and no other.
//
// Every limit has a default, and none can be switched off: whatever a server does, a page ends.
#include "fetch/options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/options.h"
#include "common/output.h"
#include "common/status.h"
#include "fetch/certificate.h"
#include "fetch/text.h"
#include "fetch/url.h"

static const char me[] = "weft fetch";

// ---- the readers -----------------------------------------------------------------------------

static const char *read_count(const char *value, void *target, int least, int most,
                              const char *wrong)
{
    return option_whole(value, least, most, target) ? NULL : wrong;
}

static const char *read_jobs(const char *value, void *target)
{
    return read_count(value, target, 1, SETTINGS_AT_ONCE,
                      "is not a number of pages at once (1 to 10000)");
}

static const char *read_retries(const char *value, void *target)
{
    return read_count(value, target, 0, 100, "is not a number of retries (0 to 100)");
}

static const char *read_redirects(const char *value, void *target)
{
    return read_count(value, target, 0, 100, "is not a number of redirects (0 to 100)");
}

static const char *read_time(const char *value, void *target)
{
    double seconds;
    const char *wrong = option_seconds(value, &seconds);
    if (wrong)
        return wrong;
    *(int64_t *)target = (int64_t)ceil(seconds * 1e9);
    return NULL;
}

static const char *read_delay(const char *value, void *target)
{
    *(int64_t *)target = 0;
    bool right = strcmp(value, "0") == 0 || !read_time(value, target);
    return right ? NULL : "is not a time in seconds (0 to 1000000)";
}

// How far to shift for K, M or G, with B or iB behind it or not; -1: it is something else.
static int unit_shift(const char *unit)
{
    static const char units[] = "KMG";
    if (!*unit)
        return 0;
    const char *found = strchr(units, *unit);
    bool whole = !unit[1] || strcmp(unit + 1, "B") == 0 || strcmp(unit + 1, "iB") == 0;
    return found && whole ? 10 * (int)(found - units + 1) : -1;
}

const char *fetch_read_size(const char *value, void *target)
{
    char *end;
    errno = 0;
    long long size = strtoll(value, &end, 10);
    bool digits = *value >= '0' && *value <= '9'; // no sign, no space
    int shift = digits ? unit_shift(end) : -1;
    if (shift < 0 || errno != 0 || size < 1 || size > INT64_MAX >> shift)
        return "is not a size (500, 500K, 20M or 1G)";
    *(int64_t *)target = size << shift;
    return NULL;
}

static const char *read_percent(const char *value, void *target)
{
    char *end;
    double percent = strtod(value, &end);
    bool digits = *value >= '0' && *value <= '9' && strspn(value, "0123456789.%") == strlen(value);
    if (!digits || (*end && strcmp(end, "%") != 0) || percent > 1e6)
        return "is not a percentage (10, or 10%)";
    *(double *)target = percent;
    return NULL;
}

static const char *read_into_list(const char *value, void *target)
{
    struct text_list *list = target;
    if (!*value)
        return "is empty";
    if (list->length == LIST_MAX)
        return "is one too many (64 at most)";
    list->texts[list->length++] = value;
    return NULL;
}

static bool is_in_a_line(const char *text)
{
    for (const char *p = text; *p; p++)
        if (((unsigned char)*p < ' ' && *p != '\t') || *p == 0x7f)
            return false;
    return true;
}

// A header that a server would take for two, or for none, must not leave this program.
static const char *read_header(const char *value, void *target)
{
    size_t name = strcspn(value, ":");
    bool named = name > 0 && value[name] == ':' && strcspn(value, " \t()<>@,;\\\"/[]?={}") >= name;
    return named && is_in_a_line(value) ? read_into_list(value, target)
                                        : "is not a header (\"Name: value\")";
}

static const char *read_agent(const char *value, void *target)
{
    return is_in_a_line(value) ? option_text(value, target) : "has a control character";
}

static bool is_address(const char *text, size_t size)
{
    char own[INET6_ADDRSTRLEN];
    unsigned char bytes[sizeof(struct in6_addr)];
    bool brackets = size > 2 && text[0] == '[' && text[size - 1] == ']';
    if (brackets) {
        text++;
        size -= 2;
    }
    return text_copy(own, sizeof own, text, size) &&
           ((!brackets && inet_pton(AF_INET, own, bytes) == 1) ||
            inet_pton(AF_INET6, own, bytes) == 1);
}

// libcurl would tell it of each page, in words of its own.
static bool are_addresses(const char *text)
{
    size_t size = strcspn(text, ",");
    while (is_address(text, size) && text[size]) {
        text += size + 1;
        size = strcspn(text, ",");
    }
    return is_address(text, size);
}

// HOST:PORT:ADDRESS[,ADDRESS]; the address may have colons, and brackets around them.
static const char *read_resolve(const char *value, void *target)
{
    size_t host = strcspn(value, ":");
    const char *digits = value[host] ? value + host + 1 : "";
    char *end;
    long port = strtol(digits, &end, 10);
    // As it is looked for: "+80" or "080" would never be found.
    bool plain = *digits >= '1' && *digits <= '9' && port <= 65535;
    bool order = *value == '-' || *value == '+'; // to libcurl: forget this one, or in a minute
    bool right = host > 0 && !order && plain && *end == ':' && end[1];
    char *own = right ? strndup(value, host) : NULL;
    const char *why = NULL;
    char *name = own ? url_name(own, &why) : NULL;
    right = right && !why; // without memory, it is told when it is used
    free(name);
    free(own);
    if (!right)
        return "is not HOST:PORT:ADDRESS";
    return are_addresses(end + 1) ? read_into_list(value, target)
                                  : "is not HOST:PORT:ADDRESS: an address is in digits";
}

static const char *read_readable(const char *value, void *target)
{
    static char wrong[128]; // the program ends by it
    struct stat about = {0};
    int rc = access(value, R_OK) < 0 || stat(value, &about) < 0 ? errno : 0;
    if (rc == 0 && S_ISDIR(about.st_mode))
        rc = EISDIR;
    (void)snprintf(wrong, sizeof wrong, "cannot be read: %s", strerror(rc));
    if (rc != 0)
        return wrong;
    *(const char **)target = value;
    return NULL;
}

// libcurl would tell it of each page, at its handshake. What a pipe holds can be read only once.
static const char *read_ca_file(const char *value, void *target)
{
    struct stat about;
    const char *wrong = read_readable(value, target);
    if (wrong || (stat(value, &about) == 0 && S_ISFIFO(about.st_mode)))
        return wrong;
    return certificate_file_is_right(value) ? NULL : "holds no certificates that can be read (PEM)";
}

static const char *read_format(void *target, enum fetch_format format)
{
    enum fetch_format *set = target;
    if (*set != FORMAT_TEXT && *set != format)
        return ": one form of output at a time (--json, --jsonl, --csv, --lecture)";
    *set = format;
    return NULL;
}

static const char *read_json(const char *value, void *target)
{
    (void)value;
    return read_format(target, FORMAT_JSON);
}

static const char *read_jsonl(const char *value, void *target)
{
    (void)value;
    return read_format(target, FORMAT_JSONL);
}

static const char *read_csv(const char *value, void *target)
{
    (void)value;
    return read_format(target, FORMAT_CSV);
}

static const char *read_lecture(const char *value, void *target)
{
    (void)value;
    return read_format(target, FORMAT_LECTURE);
}

static const char *read_family(void *target, int family)
{
    int *set = target;
    if (*set != AF_UNSPEC && *set != family)
        return ": with --ipv4 and --ipv6 there is no address left";
    *set = family;
    return NULL;
}

static const char *read_ipv4(const char *value, void *target)
{
    (void)value;
    return read_family(target, AF_INET);
}

static const char *read_ipv6(const char *value, void *target)
{
    (void)value;
    return read_family(target, AF_INET6);
}

// ---- the table -------------------------------------------------------------------------------

struct fetch_option {
    const char *name; // as in option_row
    char letter;
    const char *value, *help;
    option_reader *read;
    size_t place; // of its target, in struct fetch_settings
};

#define PLACE(field) offsetof(struct fetch_settings, field)

static const struct fetch_option table[] = {
    {"", 0, NULL, "What to fetch", NULL, 0},
    {"file", 'f', "FILE",
     "also take URLs from FILE, one a line\n"
     "# begins a comment; - is stdin; may be given again",
     read_into_list, PLACE(files)},
    {"duplicates", 0, NULL, "fetch a URL as often as it is named, not once", option_flag,
     PLACE(duplicates)},
    {"resume", 0, "FILE", "go on with the run in FILE that was cut short", option_text,
     PLACE(resume)},

    {"", 0, NULL, "How many, and when", NULL, 0},
    {"jobs", 'j', "N", "fetch so many at once [5]; 1: in order, one by one", read_jobs,
     PLACE(at_once)},
    {"per-host", 0, "N", "of one host, at most so many at once [as -j]", read_jobs,
     PLACE(per_host)},
    {"delay", 0, "S", "from one request to a host to the next [0]", read_delay, PLACE(delay_ns)},
    {"retries", 0, "N",
     "try again what may come right then, so often [2]\n"
     "after 1 s, 2 s, 4 s...; or as Retry-After says,\n"
     "which holds the whole host",
     read_retries, PLACE(retries)},
    {"retry-cap", 0, "S", "the longest that Retry-After may ask for [60]", read_time,
     PLACE(retry_cap_ns)},

    {"", 0, NULL, "Limits: each ends a page, which then has failed", NULL, 0},
    {"timeout", 't', "S", "in all, redirects included, each attempt [60]", read_time,
     PLACE(limits.total_ns)},
    {"connect-timeout", 0, "S", "for a connection, TLS included [10]", read_time,
     PLACE(limits.connect_ns)},
    {"first-byte-timeout", 0, "S", "from the request to an answer [30]", read_time,
     PLACE(limits.first_byte_ns)},
    {"idle-timeout", 0, "S", "without a byte, once an answer has begun [20]", read_time,
     PLACE(limits.idle_ns)},
    {"max-size", 'm', "SIZE", "stop at a body larger than this, as sent [1G]", fetch_read_size,
     PLACE(limits.encoded)},
    {"max-decoded", 0, "SIZE", "and than this, decompressed [512M]", fetch_read_size,
     PLACE(limits.decoded)},
    {"max-header", 0, "SIZE", "of all headers of an answer [256K]", fetch_read_size,
     PLACE(limits.header)},
    {"redirects", 0, "N", "follow at most so many [10]", read_redirects, PLACE(limits.redirects)},

    {"", 0, NULL, "How to ask", NULL, 0},
    {"head", 0, NULL, "ask for the claimed size alone, not for the page", option_flag, PLACE(head)},
    {"header", 'H', "HEADER",
     "send this too: \"Name: value\"\n"
     "may be given again",
     read_header, PLACE(headers)},
    {"user-agent", 0, "TEXT", "say that it is TEXT that asks [weft/VERSION]", read_agent,
     PLACE(user_agent)},
    {"http1.1", 0, NULL, "speak HTTP/1.1 also where HTTP/2 would do", option_flag, PLACE(http1)},
    {"ipv4", '4', NULL, "use IPv4 addresses only", read_ipv4, PLACE(family)},
    {"ipv6", '6', NULL, "use IPv6 addresses only", read_ipv6, PLACE(family)},
    {"resolve", 0, "HOST:PORT:ADDRESS[,ADDRESS]",
     "look for HOST at these addresses, not in DNS\n"
     "may be given again",
     read_resolve, PLACE(resolve)},
    {"cacert", 0, "FILE",
     "whose certificates to trust [the system's]\n"
     "PEM; without it, $SSL_CERT_FILE",
     read_ca_file, PLACE(ca_file)},
    {"insecure", 0, NULL, "trust every certificate: anybody may be the server", option_flag,
     PLACE(insecure)},

    {"", 0, NULL, "What to show", NULL, 0},
    {"json", 0, NULL, "one JSON object at the end", read_json, PLACE(format)},
    {"jsonl", 0, NULL, "a JSON object a line, as pages complete", read_jsonl, PLACE(format)},
    {"csv", 0, NULL, "comma-separated values, with a head line", read_csv, PLACE(format)},
    {"html", 0, "FILE", "write a report to FILE too: a page with charts", option_text, PLACE(html)},
    {"bytes", 0, NULL, "sizes in bytes, also on a terminal", option_flag, PLACE(bytes)},
    {"quiet", 'q', NULL, "no progress, no summary", option_flag, PLACE(quiet)},
    {"bench", 'b', "N", "fetch all N times one by one, N times -j at once", option_count,
     PLACE(bench)},
    {"lecture", 0, NULL,
     "print as the lecture's program does\n"
     "without URLs, take its five",
     read_lecture, PLACE(format)},

    {"", 0, NULL, "What to keep and compare", NULL, 0},
    {"save", 0, "FILE", "keep the run in FILE (SQLite), beside those before", option_text,
     PLACE(save)},
    {"compare", 0, NULL, "say what changed since the last run in that file", option_flag,
     PLACE(compare)},
    {"budget", 0, "SIZE", "the most that a page may have, decompressed", fetch_read_size,
     PLACE(budget)},
    {"budgets", 0, "FILE", "a budget for each page: lines \"URL SIZE\"", read_readable,
     PLACE(budgets)},
    {"max-growth", 0, "PERCENT", "how much a page may grow since the last run", read_percent,
     PLACE(max_growth)},
};
enum { ROWS = sizeof table / sizeof table[0] };

static const struct fetch_settings defaults = {
    .at_once = 5,
    .retries = 2,
    .retry_cap_ns = 60 * INT64_C(1000000000),
    .limits =
        {
            .total_ns = 60 * INT64_C(1000000000),
            .connect_ns = 10 * INT64_C(1000000000),
            .first_byte_ns = 30 * INT64_C(1000000000),
            .idle_ns = 20 * INT64_C(1000000000),
            .header = INT64_C(256) << 10,
            .redirects = 10,
        },
    .family = AF_UNSPEC,
    .format = FORMAT_TEXT,
    .max_growth = -1,
};

static const char *const brief[] = {
    "file", "jobs",  "per-host", "retries", "timeout", "max-size", "head",   "header",
    "json", "jsonl", "csv",      "html",    "save",    "compare",  "budget", NULL,
};

static const struct command_manual manual = {
    .examples = "  weft fetch https://example.org/ https://www.kernel.org/\n"
                "  weft fetch -j 50 --jsonl -f urls.txt >sizes.jsonl\n"
                "  weft fetch -f urls.txt --save pages.db --compare --max-growth 10%\n",
    .brief = brief,
    .ending = "S is in seconds. SIZE is in bytes; K, M and G are powers of 1024.\n"
              "Status: 0, or 1: a page failed, 2: the command line makes no sense,\n"
              "3: a budget was missed, 130: Ctrl+C. More: man weft-fetch\n",
};

// ---- what does not go together ---------------------------------------------------------------

static const char *find_contradiction(const struct fetch_settings *s)
{
    bool limits_sizes = s->budget > 0 || s->budgets || s->max_growth >= 0;
    bool compares = s->compare || s->max_growth >= 0;
    const char *runs = s->save ? s->save : s->resume;
    bool formatted = s->format != FORMAT_TEXT && s->format != FORMAT_LECTURE;
    if (s->insecure && s->ca_file)
        return "--insecure trusts everybody; --cacert says whom to trust";
    if (s->resume && s->save)
        return "--resume goes on in its own file: leave out --save";
    if (compares && !s->save && !s->resume)
        return "to compare with the last run needs the file with the runs (--save FILE)";
    if (s->html && runs && strcmp(s->html, runs) == 0)
        return "--html would replace the file with the runs, which has the same name";
    if (s->head && (limits_sizes || compares))
        return "--head asks for no page, so there is no size to compare";
    if (s->head && s->format == FORMAT_LECTURE)
        return "--head asks for no page, and the lecture prints the sizes of pages";
    if (s->bench && (formatted || s->html || s->save || s->resume || limits_sizes))
        return "--bench prints times alone: no --json, --csv, --html, --save or budgets";
    return NULL;
}

// Who names a limit means it for every page, and that of the size for the decoded size as well.
// Else there is one for what is compressed: the bomb that is known best, of 1 GiB, is over it, and
// a plain page of 600 MB is none.
static void limit_sizes(struct page_limits *limits)
{
    limits->plain = limits->decoded;
    if (limits->decoded == 0)
        limits->decoded = limits->encoded > 0 ? limits->encoded : INT64_C(512) << 20;
    if (limits->encoded == 0)
        limits->encoded = INT64_C(1) << 30;
}

// As Python's urllib asks, and as often as the list says. It has one limit of time, for each step.
static void be_the_lecture(struct fetch_settings *s)
{
    s->duplicates = s->identity = s->http1 = true;
    s->retries = 0;
    s->limits.connect_ns = s->limits.first_byte_ns = s->limits.idle_ns = s->limits.total_ns;
}

// ---- reading ---------------------------------------------------------------------------------

static void view_table(struct option_row rows[ROWS + 1], struct fetch_settings *set)
{
    for (int i = 0; i < ROWS; i++) {
        const struct fetch_option *o = &table[i];
        rows[i] = (struct option_row){o->name, o->letter, o->value,
                                      o->help, o->read,   (char *)set + o->place};
    }
    rows[ROWS] = (struct option_row){0};
}

int fetch_options_read(struct fetch_settings *set, int argc, char **argv, int *status)
{
    struct option_row rows[ROWS + 1];
    const struct command_line line = {
        me, "[OPTION...] [URL...]",
        "Print the size of web pages, as they arrive. - reads URLs from stdin.", rows};
    *set = defaults;
    view_table(rows, set);
    int first = options_read_long(&line, &manual, argc, argv);
    if (first < 0) {
        *status = options_status(first);
        return first;
    }
    limit_sizes(&set->limits);
    if (set->format == FORMAT_LECTURE)
        be_the_lecture(set);
    const char *wrong = find_contradiction(set);
    bool idle = first == argc && set->files.length == 0 && set->format != FORMAT_LECTURE;
    if (wrong)
        (void)usage_error(&line, "%s", wrong);
    else if (idle)
        options_brief(&line, &manual, false);
    if (!wrong && !idle)
        return first;
    *status = STATUS_USAGE;
    return -1;
}
