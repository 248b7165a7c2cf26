/* SPDX-License-Identifier: MIT */
#ifndef MARU_CORE_H
#define MARU_CORE_H

/**
 * core_main() - Be the core: boot, then serve until the slot says so or is gone.
 * @fd: the core's end of the socket pair, see ipc.h
 *
 * Return: exit status of the process.
 */
int core_main(int fd);

#endif
