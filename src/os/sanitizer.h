// SPDX-License-Identifier: MIT
// sanitizer.h - which sanitizer this is compiled for: WF_ASAN, WF_TSAN, or neither is defined.
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

#endif
