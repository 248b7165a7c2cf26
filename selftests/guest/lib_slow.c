// SPDX-License-Identifier: GPL-2.0-only
/*
 * The harness ends a test by alarm(). Its limits are meant for stock kernels: MARU_SLOW=N, which
 * the runner sets for a kernel full of detectors, makes them N times as long.
 */
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

unsigned int alarm(unsigned int seconds)
{
	const char *slow = getenv("MARU_SLOW");
	struct itimerval want = { .it_value.tv_sec = seconds }, had;

	if (slow)
		want.it_value.tv_sec *= atoi(slow) > 0 ? atoi(slow) : 1;
	setitimer(ITIMER_REAL, &want, &had);
	return (unsigned int)had.it_value.tv_sec + !!had.it_value.tv_usec;
}
