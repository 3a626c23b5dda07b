// SPDX-License-Identifier: MIT
// sanitizer.h - which sanitizer this is compiled for: WF_ASAN, WF_TSAN, or neither is defined; and
// what any of them asks for.
#ifndef WF_OS_SANITIZER_H
#define WF_OS_SANITIZER_H

#if defined(__SANITIZE_ADDRESS__)
#define WF_ASAN 1
#elif defined(__SANITIZE_THREAD__)
#define WF_TSAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WF_ASAN 1
#elif __has_feature(thread_sanitizer)
#define WF_TSAN 1
#endif
#endif

// Memory that was given back may be kept for the next who asks. Not under a sanitizer, which is to
// see who uses what he gave back.
#if defined(WF_ASAN) || defined(WF_TSAN)
enum { WF_KEEPS_MEMORY = 0 };
#else
enum { WF_KEEPS_MEMORY = 1 };
#endif

#endif
