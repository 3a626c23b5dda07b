// SPDX-License-Identifier: MIT
// board.h - memory that a test shares with its tasks, whatever kind runs them.
//
// It lies at one address here and in the workers, so what is on the board may be handed to a task
// by its address. Worker processes have it from their ancestor, whose constructors run as ours do:
// there this one finds the file by a line in the environment.
#ifndef WEFT_TESTS_BOARD_H
#define WEFT_TESTS_BOARD_H

#include "unit.h"

#include "exec/ancestor.h"

enum { BOARD_SIZE = 4 << 20, BOARD_ALIGN = 64 };
#define BOARD_FILE "WEFT_TEST_BOARD"

// Where every sanitizer and valgrind let a program map memory, and the kernel by itself does not.
static struct board {
    atomic_size_t used;
    _Alignas(BOARD_ALIGN) char room[BOARD_SIZE - BOARD_ALIGN];
} *const board = (struct board *)0x20000000;

SHARED int open_board(bool is_new)
{
    if (!is_new)
        return open(getenv(BOARD_FILE), O_RDWR | O_CLOEXEC);
    char path[64];
    int fd = memfd_create("board", MFD_CLOEXEC);
    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)getpid(), fd);
    return setenv(BOARD_FILE, path, 1) == 0 && ftruncate(fd, BOARD_SIZE) == 0 ? fd : -1;
}

__attribute__((constructor)) SHARED void map_board(void)
{
    bool is_new = !getenv(WF_ANCESTOR);
    int fd = open_board(is_new);
    if (mmap(board, BOARD_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0) !=
        (void *)board) {
        perror("board.h: the board");
        _exit(1);
    }
    if (!is_new)
        close(fd); // else the ancestor is to find it
}

// Zeroed, and there until the program ends.
SHARED void *take_board(size_t size)
{
    size_t room = (size + BOARD_ALIGN - 1) / BOARD_ALIGN * BOARD_ALIGN;
    size_t at = atomic_fetch_add(&board->used, room);
    assert_true(at + room <= sizeof board->room);
    return board->room + at;
}
#define on_board(type) ((__typeof__(type) *)take_board(sizeof(type)))

#endif
