/* SPDX-License-Identifier: MIT */
#ifndef GENERATE_REPORT_H
#define GENERATE_REPORT_H

#include <stdio.h>

#include "run.h"

/** report() - Print the card, the speed, and where the time of a step and its bytes went. */
void report(FILE *out, const struct run *run, const struct accel_queue_info *before,
	    const struct accel_queue_info *after);

#endif
