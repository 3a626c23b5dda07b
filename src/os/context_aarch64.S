// SPDX-License-Identifier: MIT
// context_aarch64.S - void wf_context_switch(void **left, void *entered)
//
// Saves what the AAPCS64 lets a caller expect to survive: x19 to x30, d8 to d15. Calls and returns
// stay in step, as context_x86_64.S says.
    .text
    .globl wf_context_switch
    .hidden wf_context_switch
    .type wf_context_switch, %function
wf_context_switch:
    .cfi_startproc
    hint #34 // bti c
    stp x19, x20, [sp, #-160]!
    .cfi_adjust_cfa_offset 160
    stp x21, x22, [sp, #16]
    stp x23, x24, [sp, #32]
    stp x25, x26, [sp, #48]
    stp x27, x28, [sp, #64]
    stp x29, x30, [sp, #80]
    .cfi_rel_offset x19, 0
    .cfi_rel_offset x20, 8
    .cfi_rel_offset x21, 16
    .cfi_rel_offset x22, 24
    .cfi_rel_offset x23, 32
    .cfi_rel_offset x24, 40
    .cfi_rel_offset x25, 48
    .cfi_rel_offset x26, 56
    .cfi_rel_offset x27, 64
    .cfi_rel_offset x28, 72
    .cfi_rel_offset x29, 80
    .cfi_rel_offset x30, 88
    stp d8, d9, [sp, #96]
    stp d10, d11, [sp, #112]
    stp d12, d13, [sp, #128]
    stp d14, d15, [sp, #144]
    mov x9, sp
    str x9, [x0]
    tbnz x1, #0, wf_context_begin
    mov sp, x1
go_on:
    ldp d14, d15, [sp, #144]
    ldp d12, d13, [sp, #128]
    ldp d10, d11, [sp, #112]
    ldp d8, d9, [sp, #96]
    ldp x29, x30, [sp, #80]
    ldp x27, x28, [sp, #64]
    ldp x25, x26, [sp, #48]
    ldp x23, x24, [sp, #32]
    ldp x21, x22, [sp, #16]
    ldp x19, x20, [sp], #160
    .cfi_adjust_cfa_offset -160
    .cfi_restore x19
    .cfi_restore x20
    .cfi_restore x21
    .cfi_restore x22
    .cfi_restore x23
    .cfi_restore x24
    .cfi_restore x25
    .cfi_restore x26
    .cfi_restore x27
    .cfi_restore x28
    .cfi_restore x29
    .cfi_restore x30
    ret
    .cfi_endproc
    .size wf_context_switch, . - wf_context_switch

// Where a new stack begins: the function to call lies at its top. What that returns is entered next,
// and not by way of the switch above, as context_x86_64.S says.
    .globl wf_context_begin
    .hidden wf_context_begin
    .type wf_context_begin, %function
wf_context_begin:
    .cfi_startproc
    .cfi_undefined x30
    sub x1, x1, #1
    mov sp, x1
    mov x29, xzr
    ldr x9, [sp]
    blr x9
    mov x1, x0
    tbnz x1, #0, wf_context_begin
    mov sp, x1
    b go_on
    .cfi_endproc
    .size wf_context_begin, . - wf_context_begin

    .section .note.GNU-stack, "", %progbits
