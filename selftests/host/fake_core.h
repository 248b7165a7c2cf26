/* SPDX-License-Identifier: GPL-2.0-only */
/* A core that computes nothing: it speaks ipc.h, so that the slot can be tested alone. */
#ifndef MARU_TEST_FAKE_CORE_H
#define MARU_TEST_FAKE_CORE_H

int fake_core_main(int fd);

#endif
