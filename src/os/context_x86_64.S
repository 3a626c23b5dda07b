// SPDX-License-Identifier: MIT
// context_x86_64.S - void wf_context_switch(void **left, void *entered)
//
// Pushes what the System V ABI lets a caller expect to survive. Floating-point control words are not
// saved: they belong to the thread.
//
// The processor predicts returns by the calls that were made, on whatever stack; here a wrong one
// costs as much as all else of a switch. So calls and returns stay in step. A switch leaves by a ret,
// which is predicted well as long as all who switch do so from one call (loop.c); by a jump the
// return of that call would be one too many, and each below it mispredicted. (A jump is better where
// the calls differ; measured: a round trip through two queues took 1.4 times as long by jump.) A new
// stack is entered by a jump, its function is called, and returns here when it has ended: then the
// next ret belongs to the call of the switch that entered it.
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
    testb $1, %sil
    jnz wf_context_begin
    movq %rsi, %rsp
go_on:
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

// Where a new stack begins: the function to call lies at its top. What that returns is entered next,
// and not by way of the switch above: there a backtrace would look for what this stack never held.
// The return address without a caller ends every backtrace.
    .globl wf_context_begin
    .hidden wf_context_begin
    .type wf_context_begin, @function
wf_context_begin:
    .cfi_startproc
    .cfi_undefined %rip
    leaq -1(%rsi), %rsp
    xorl %ebp, %ebp
    callq *(%rsp)
    movq %rax, %rsi
    testb $1, %sil
    jnz wf_context_begin
    movq %rsi, %rsp
    jmp go_on
    .cfi_endproc
    .size wf_context_begin, . - wf_context_begin

    .section .note.GNU-stack, "", @progbits
