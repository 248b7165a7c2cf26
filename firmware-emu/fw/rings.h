/* SPDX-License-Identifier: MIT */
#ifndef MARU_RINGS_H
#define MARU_RINGS_H

#include <stdbool.h>

/** fw_start_rings() - Believe the base registers from now on. fw.lock held. */
bool fw_start_rings(void);

/** fw_stop_rings() - Forget rings, groups, queues and VMs. fw.lock held. */
void fw_stop_rings(void);

#endif
