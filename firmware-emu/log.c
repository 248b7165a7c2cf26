// SPDX-License-Identifier: MIT
/*
 * One write(2) a line and never a wait: a reader that does not read loses lines, and so does a
 * peer that makes more than LOG_BURST of them a second.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "firmware-emu/log.h"

#define LOG_BURST		200	/* lines a second */

static const char *const level_names[LOG_LEVEL_COUNT] = { "error", "warn", "info", "debug" };
static const char *const level_marks[LOG_LEVEL_COUNT] = { "ERROR", "WARN", "INFO", "DEBUG" };

static int log_fd = STDERR_FILENO;
static atomic_uint log_level = LOG_INFO;
static atomic_ulong log_second;
static atomic_uint log_lines;

/**
 * log_open() - Send the log to a file instead of standard error.
 * @path: the file; appended to, made when it is not there
 *
 * Return: 0 or -errno.
 */
int log_open(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

	if (fd < 0)
		return -errno;
	/* As standard error, so that a core that is started later writes to it too. */
	if (dup2(fd, STDERR_FILENO) < 0) {
		close(fd);
		return -errno;
	}
	close(fd);
	return 0;
}

/**
 * log_set_level() - Choose what is written.
 * @level: the least urgent level that is
 */
void log_set_level(enum log_level level)
{
	atomic_store(&log_level, level);
}

/**
 * log_get_level() - Tell the least urgent level that is written.
 *
 * Return: the level.
 */
enum log_level log_get_level(void)
{
	return atomic_load(&log_level);
}

/**
 * log_level_parse() - Turn a word into a level.
 * @text: error, warn, info or debug
 *
 * Return: the level, or -EINVAL for another word.
 */
int log_level_parse(const char *text)
{
	for (int i = 0; i < LOG_LEVEL_COUNT; i++) {
		if (!strcmp(text, level_names[i]))
			return i;
	}
	return -EINVAL;
}

/**
 * log_level_name() - Turn a level into its word.
 * @level: the level
 *
 * Return: the word.
 */
const char *log_level_name(enum log_level level)
{
	return level < LOG_LEVEL_COUNT ? level_names[level] : "?";
}

static int log_is_dropped(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (atomic_exchange(&log_second, (unsigned long)now.tv_sec) != (unsigned long)now.tv_sec)
		atomic_store(&log_lines, 0);
	return atomic_fetch_add(&log_lines, 1) >= LOG_BURST;
}

/**
 * log_write() - Write one line.
 * @level: how urgent
 * @room: the part of the card that speaks
 * @format: printf format of the text, without a newline
 */
void log_write(enum log_level level, const char *room, const char *format, ...)
{
	struct pollfd poller = { .fd = log_fd, .events = POLLOUT };
	char line[512];
	va_list args;
	int n, m;

	if (level > atomic_load(&log_level) || log_is_dropped())
		return;
	n = snprintf(line, sizeof(line), "%s %s: ", level_marks[level], room);
	va_start(args, format);
	m = vsnprintf(line + n, sizeof(line) - (size_t)n - 1, format, args);
	va_end(args);
	if (m < 0)
		return;
	n += m;
	if (n > (int)sizeof(line) - 2)
		n = sizeof(line) - 2;
	for (int i = 0; i < n; i++) {
		if ((unsigned char)line[i] < ' ')
			line[i] = '?';
	}
	line[n++] = '\n';
	/* Writable means that a whole line fits into a pipe. */
	if (poll(&poller, 1, 0) == 1 && (poller.revents & POLLOUT) &&
	    write(log_fd, line, (size_t)n) < 0)
		return;
}
