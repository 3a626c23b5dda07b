// SPDX-License-Identifier: MIT
// context_x86_64.S - void wf_context_switch(void **left, void *entered)
//
// Pushes what the System V ABI lets a caller expect to survive. Leaves by a ret, which is predicted
// well as long as all who switch do so from one call (loop.c): a jump would leave one entry too many
// with the predictor of returns, and each return below the switch would be mispredicted. (A jump is
// better where the calls differ; measured: a round trip through two queues took 1.4 times as long
// by jump.) Floating-point control words are not saved: they belong to the thread.
    .text
    .globl wf_context_switch
    .hidden wf_context_switch
    .type wf_context_switch, @function
wf_context_switch:
    .cfi_startproc
    endbr64
    pushq %rbp
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %rbp, 0
    pushq %rbx
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %rbx, 0
    pushq %r12
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r12, 0
    pushq %r13
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r13, 0
    pushq %r14
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r14, 0
    pushq %r15
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r15, 0
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r15
    popq %r14
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r14
    popq %r13
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r13
    popq %r12
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r12
    popq %rbx
    .cfi_adjust_cfa_offset -8
    .cfi_restore %rbx
    popq %rbp
    .cfi_adjust_cfa_offset -8
    .cfi_restore %rbp
    ret
    .cfi_endproc
    .size wf_context_switch, . - wf_context_switch

// Where a new stack begins: its function lies in rbx. The return address 0 ends every backtrace.
    .globl wf_context_begin
    .hidden wf_context_begin
    .type wf_context_begin, @function
wf_context_begin:
    .cfi_startproc
    .cfi_undefined %rip
    endbr64
    callq *%rbx
    ud2
    .cfi_endproc
    .size wf_context_begin, . - wf_context_begin

    .section .note.GNU-stack, "", @progbits
