// SPDX-License-Identifier: MIT
// units.c - see units.h.
#include "fetch/units.h"

#include <string.h>

#include "common/number.h"

static size_t put(char *out, const char *text)
{
    size_t size = strlen(text);
    memcpy(out, text, size + 1);
    return size;
}

static size_t put_number(char *out, int64_t number, int digits)
{
    char text[NUMBER_TEXT], *end = text + sizeof text;
    char *begin = number_before(end, number, digits);
    size_t size = (size_t)(end - begin);
    memcpy(out, begin, size);
    out[size] = '\0';
    return size;
}

// number / 10^decimals
static size_t put_decimal(char *out, int64_t number, int decimals)
{
    int64_t one = 1;
    for (int i = 0; i < decimals; i++)
        one *= 10;
    size_t n = put_number(out, number / one, 1);
    if (decimals == 0)
        return n;
    n += put(out + n, ".");
    return n + put_number(out + n, number % one, decimals);
}

static int64_t nearest(double x)
{
    return (int64_t)(x + 0.5);
}

// Three digits of a number from 1 to 1023; false: it is 1024 when rounded.
static bool put_three(char *out, double x, size_t *n)
{
    if (nearest(x * 100) < 1000)
        *n = put_decimal(out, nearest(x * 100), 2);
    else if (nearest(x * 10) < 1000)
        *n = put_decimal(out, nearest(x * 10), 1);
    else if (nearest(x) < 1024)
        *n = put_decimal(out, nearest(x), 0);
    else
        return false;
    return true;
}

size_t size_text(char out[UNITS_TEXT], int64_t bytes, bool human)
{
    size_t sign = bytes < 0 ? put(out, "-") : 0, n = 0;
    double x = bytes < 0 ? -(double)bytes : (double)bytes;
    if (!human || x < 1024)
        return put_number(out, bytes, 1);
    const char *unit = "KMGTPE";
    for (x /= 1024; !put_three(out + sign, x, &n); x /= 1024)
        unit++; // 2^63 is 8 E: it ends before the letters do
    out[sign + n] = *unit;
    out[sign + n + 1] = '\0';
    return sign + n + 1;
}

size_t seconds_text(char out[UNITS_TEXT], int64_t ns, int decimals)
{
    int64_t unit = decimals == 6 ? 1000 : 1000000;
    return put_decimal(out, ns / unit + (ns % unit >= unit / 2), decimals == 6 ? 6 : 3);
}

size_t growth_text(char out[2 * UNITS_TEXT], int64_t before, int64_t now, bool human)
{
    const char *sign = now < before ? "-" : "+";
    int64_t grown = now < before ? before - now : now - before;
    size_t n = put(out, sign);
    n += size_text(out + n, grown, human);
    if (before <= 0)
        return n;
    int64_t tenths = nearest((double)grown * 1000 / (double)before);
    n += put(out + n, " (");
    n += put(out + n, sign);
    bool exact = tenths % 10 != 0;
    n += put_decimal(out + n, exact ? tenths : tenths / 10, exact);
    return n + put(out + n, " %)");
}
