// SPDX-License-Identifier: MIT
// faults.h - included first in each unit test when it is built for faults: a call of the library
// that fails and says which fault was done to it ends the program at once, with WF_FAULT_TOLD. So
// what else ends it (a signal, a hang, an assertion on what a call gave) is a defect.
#ifndef WEFT_TESTS_FAULTS_H
#define WEFT_TESTS_FAULTS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include <weft/weft.h>

enum {
    WF_FAULT_TOLD = 90,    // a call said what was lacking
    WF_FAULT_WITHOUT_TEXT, // it did, but left no text
    WF_FAULT_ABORTED,      // the library aborted
};

ssize_t wf_fault_told_code(ssize_t code);
void *wf_fault_told_pointer(void *made);
const char *wf_fault_told_text(const char *text); // it may be the short one: there was no room

#define WF_FAULT_CODE(call) ((__typeof__(call))wf_fault_told_code(call))
#define WF_FAULT_POINTER(call) ((__typeof__(call))wf_fault_told_pointer(call))

#ifndef WF_FAULTS_ITSELF
#define weft_pool_open_(...) WF_FAULT_POINTER(weft_pool_open_(__VA_ARGS__))
#define weft_submit_(...) WF_FAULT_POINTER(weft_submit_(__VA_ARGS__))
#define weft_start_(...) WF_FAULT_POINTER(weft_start_(__VA_ARGS__))
#define weft_group_open_(...) WF_FAULT_POINTER(weft_group_open_(__VA_ARGS__))
#define weft_queue_new_(...) WF_FAULT_POINTER(weft_queue_new_(__VA_ARGS__))
#define weft_listen_(...) WF_FAULT_POINTER(weft_listen_(__VA_ARGS__))
#define weft_accept(...) WF_FAULT_POINTER(weft_accept(__VA_ARGS__))
#define weft_connect(...) WF_FAULT_POINTER(weft_connect(__VA_ARGS__))

#define weft_tls_server_(...) WF_FAULT_POINTER(weft_tls_server_(__VA_ARGS__))
#define weft_tls_client_(...) WF_FAULT_POINTER(weft_tls_client_(__VA_ARGS__))

#define weft_error() wf_fault_told_text(weft_error())

#define weft_spawn_(...) WF_FAULT_CODE(weft_spawn_(__VA_ARGS__))
#define weft_map_(...) WF_FAULT_CODE(weft_map_(__VA_ARGS__))
#define weft_group_add_(...) WF_FAULT_CODE(weft_group_add_(__VA_ARGS__))
#define weft_group_next(...) WF_FAULT_CODE(weft_group_next(__VA_ARGS__))
#define weft_wait(...) WF_FAULT_CODE(weft_wait(__VA_ARGS__))
#define weft_join(...) WF_FAULT_CODE(weft_join(__VA_ARGS__))
#define weft_local_set(...) WF_FAULT_CODE(weft_local_set(__VA_ARGS__))
#define weft_block_(...) WF_FAULT_CODE(weft_block_(__VA_ARGS__))
#define weft_wait_fd(...) WF_FAULT_CODE(weft_wait_fd(__VA_ARGS__))
#define weft_wait_signal(...) WF_FAULT_CODE(weft_wait_signal(__VA_ARGS__))
#define weft_read(...) WF_FAULT_CODE(weft_read(__VA_ARGS__))
#define weft_wait_readable(...) WF_FAULT_CODE(weft_wait_readable(__VA_ARGS__))
#define weft_read_line(...) WF_FAULT_CODE(weft_read_line(__VA_ARGS__))
#define weft_write(...) WF_FAULT_CODE(weft_write(__VA_ARGS__))
#define weft_writev(...) WF_FAULT_CODE(weft_writev(__VA_ARGS__))
#define weft_conn_keepalive(...) WF_FAULT_CODE(weft_conn_keepalive(__VA_ARGS__))
#define weft_post(...) WF_FAULT_CODE(weft_post(__VA_ARGS__))
#define weft_flush(...) WF_FAULT_CODE(weft_flush(__VA_ARGS__))
#define weft_shutdown(...) WF_FAULT_CODE(weft_shutdown(__VA_ARGS__))
#define weft_shared_lock(...) WF_FAULT_CODE(weft_shared_lock(__VA_ARGS__))
#define weft_shared_acquire(...) WF_FAULT_CODE(weft_shared_acquire(__VA_ARGS__))
#define weft_shared_event_wait(...) WF_FAULT_CODE(weft_shared_event_wait(__VA_ARGS__))
#define weft_shared_put_(...) WF_FAULT_CODE(weft_shared_put_(__VA_ARGS__))
#define weft_shared_get_(...) WF_FAULT_CODE(weft_shared_get_(__VA_ARGS__))
#define weft_pipe(...) WF_FAULT_CODE(weft_pipe(__VA_ARGS__))
#define weft_send(...) WF_FAULT_CODE(weft_send(__VA_ARGS__))
#define weft_recv(...) WF_FAULT_CODE(weft_recv(__VA_ARGS__))
#define weft_tls_start(...) WF_FAULT_CODE(weft_tls_start(__VA_ARGS__))
#define weft_get_(...) WF_FAULT_CODE(weft_get_(__VA_ARGS__))
#define weft_put_(...) WF_FAULT_CODE(weft_put_(__VA_ARGS__))
#define weft_lock_until(...) WF_FAULT_CODE(weft_lock_until(__VA_ARGS__))
#define weft_recursive_lock_until(...) WF_FAULT_CODE(weft_recursive_lock_until(__VA_ARGS__))
#define weft_cond_wait(...) WF_FAULT_CODE(weft_cond_wait(__VA_ARGS__))
#define weft_cond_wait_for(...) WF_FAULT_CODE(weft_cond_wait_for(__VA_ARGS__))
#define weft_acquire(...) WF_FAULT_CODE(weft_acquire(__VA_ARGS__))
#define weft_event_wait(...) WF_FAULT_CODE(weft_event_wait(__VA_ARGS__))
#define weft_waitgroup_wait(...) WF_FAULT_CODE(weft_waitgroup_wait(__VA_ARGS__))
#define weft_barrier_wait(...) WF_FAULT_CODE(weft_barrier_wait(__VA_ARGS__))
#endif

#endif
