// SPDX-License-Identifier: MIT
// output_fields.h - what a row of JSON or CSV has: the same fields in the same order.
//
//     url target ok error message stage status http encoding
//     encoded decoded claimed partial_encoded partial_decoded excess unverified head
//     seconds begin_seconds name_seconds connect_seconds tls_seconds first_byte_seconds
//     request_seconds attempts redirects address header_bytes request_bytes
//     before growth budget over_budget
//
// All are there in each row; what is not known, or does not apply, is null, in CSV nothing. Sizes
// are bytes. encoded and decoded are those of a whole page: of one that failed they are null, and
// partial_... is what came of its body, if that had begun. The manual, weft-fetch(1), has the rest.
#ifndef WEFT_PROGRAMS_FETCH_OUTPUT_FIELDS_H
#define WEFT_PROGRAMS_FETCH_OUTPUT_FIELDS_H

#include "fetch/output.h"

enum field_kind { FIELD_NULL, FIELD_TEXT, FIELD_NUMBER, FIELD_SECONDS, FIELD_BOOL };

struct field {
    const char *name; // letters and '_'
    enum field_kind kind;
    const char *text; // of FIELD_TEXT: size bytes of anybody's, without a NUL
    size_t size;
    int64_t number; // the number, nanoseconds, or whether
};

enum { FIELDS_MAX = 40 };

// Fill in the fields of a row; returns how many. The texts live until the next output_words(o).
size_t output_fields(struct output *o, const char *url, const struct page *page,
                     const struct page_change *change, struct field fields[FIELDS_MAX]);

#endif
