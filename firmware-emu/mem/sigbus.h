/* SPDX-License-Identifier: MIT */
#ifndef MARU_SIGBUS_H
#define MARU_SIGBUS_H

/** sigbus_install() - Contain faults in mapped files that were cut short. */
void sigbus_install(void);

#endif
