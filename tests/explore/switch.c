// SPDX-License-Identifier: MIT
#include "switch.h"

#if defined(__x86_64__)
__asm__(".text\n"
        ".globl xp_switch\n"
        ".type xp_switch, @function\n"
        "xp_switch:\n"
        "    push %rbp\n    push %rbx\n    push %r12\n    push %r13\n    push %r14\n    push %r15\n"
        "    mov %rsp, (%rdi)\n"
        "    mov %rsi, %rsp\n"
        "    pop %r15\n    pop %r14\n    pop %r13\n    pop %r12\n    pop %rbx\n    pop %rbp\n"
        "    ret\n"
        ".size xp_switch, .-xp_switch\n"
        ".section .note.GNU-stack,\"\",@progbits\n"
        ".text\n");

enum { SAVED = 6, BEGIN = SAVED, WORDS = 8 }; // six registers, the address, and alignment
#elif defined(__aarch64__)
__asm__(".text\n"
        ".globl xp_switch\n"
        ".type xp_switch, %function\n"
        "xp_switch:\n"
        "    stp x19, x20, [sp, #-160]!\n"
        "    stp x21, x22, [sp, #16]\n    stp x23, x24, [sp, #32]\n    stp x25, x26, [sp, #48]\n"
        "    stp x27, x28, [sp, #64]\n    stp x29, x30, [sp, #80]\n    stp d8, d9, [sp, #96]\n"
        "    stp d10, d11, [sp, #112]\n    stp d12, d13, [sp, #128]\n    stp d14, d15, [sp, #144]\n"
        "    mov x9, sp\n    str x9, [x0]\n    mov sp, x1\n"
        "    ldp x21, x22, [sp, #16]\n    ldp x23, x24, [sp, #32]\n    ldp x25, x26, [sp, #48]\n"
        "    ldp x27, x28, [sp, #64]\n    ldp x29, x30, [sp, #80]\n    ldp d8, d9, [sp, #96]\n"
        "    ldp d10, d11, [sp, #112]\n    ldp d12, d13, [sp, #128]\n    ldp d14, d15, [sp, #144]\n"
        "    ldp x19, x20, [sp], #160\n"
        "    ret\n"
        ".size xp_switch, .-xp_switch\n"
        ".section .note.GNU-stack,\"\",%progbits\n"
        ".text\n");

enum { BEGIN = 11, WORDS = 20 }; // x30, the return address, is the twelfth
#else
#error "no switch for this machine"
#endif

void *xp_new_stack(void *memory, size_t size, void (*begin)(void))
{
    uintptr_t top = ((uintptr_t)memory + size) & ~(uintptr_t)63;
    uintptr_t *frame = (uintptr_t *)top - WORDS;
    for (int i = 0; i < WORDS; i++)
        frame[i] = 0;
    frame[BEGIN] = (uintptr_t)begin;
    return frame;
}
