// SPDX-License-Identifier: MIT
// weft/base.h - what the other headers need of the compiler, and the version.
//
// The headers are C17 for gcc and clang, and C++17 for both; extensions hide behind attributes
// and __extension__. C++ has no compound literals, as &(int){7}: an argument is a named variable
// there. C++ code that names fields of an options struct keeps their order, and lets no exception
// leave a task. A fiber may wait while it handles one.
//     weft_pool *pool = weft_pool_open(WEFT_THREADS, .workers = 4, .name = "resize");
#ifndef WEFT_BASE_H
#define WEFT_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WEFT_VERSION_MAJOR 0
#define WEFT_VERSION_MINOR 1
#define WEFT_VERSION_PATCH 0

#define WEFT_QUIET_BEGIN_ \
    _Pragma("GCC diagnostic push") \
        _Pragma("GCC diagnostic ignored \"-Wmissing-field-initializers\"")
#define WEFT_QUIET_END_ _Pragma("GCC diagnostic pop")

// clang-format off
#ifdef __cplusplus
#define WEFT_C_BEGIN _Pragma("GCC visibility push(default)") extern "C" {
#define WEFT_C_END } _Pragma("GCC visibility pop")
#define WEFT_VALUE_(type, ...) (type{__VA_ARGS__})
#define WEFT_IS_BYTES_(T) \
    (__is_trivially_copyable(T) || __is_trivially_constructible(T, const __typeof__(T) &))
// The size of what an item points to, which is copied byte by byte.
#define WEFT_ITEM_SIZE_(item) (sizeof(::weft_item_<__typeof__(*(item))>) * sizeof *(item))
extern "C++" {
template <typename T>
struct weft_item_ { // has the size 1
    static_assert(WEFT_IS_BYTES_(T), "weft copies an item's bytes, and this is more than those");
};
}
#define WEFT_OPTIONS_(type, ...) \
    __extension__({ \
        WEFT_QUIET_BEGIN_ __extension__ type options_ = {__VA_ARGS__}; \
        WEFT_QUIET_END_ \
        options_; \
    })
#else
#define WEFT_C_BEGIN _Pragma("GCC visibility push(default)")
#define WEFT_C_END _Pragma("GCC visibility pop")
#define WEFT_VALUE_(type, ...) ((type){__VA_ARGS__})
#define WEFT_OPTIONS_(type, ...) ((type){__VA_ARGS__})
#define WEFT_ITEM_SIZE_(item) (sizeof *(item))
#endif
// clang-format on

// The compiler refuses a NULL that it can see. The library is built without that: it looks for the
// others when it runs, and a compiler that was told that there are none would drop that look.
#ifdef WEFT_BUILDING_
#define WEFT_NOT_NULL_(...)
#else
#define WEFT_NOT_NULL_(...) __attribute__((nonnull(__VA_ARGS__)))
#endif

WEFT_C_BEGIN

const char *weft_version(void); // of the library that is loaded: "0.1.0". Never waits

WEFT_C_END
#endif
