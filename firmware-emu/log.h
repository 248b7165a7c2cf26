/* SPDX-License-Identifier: MIT */
/* The log of the card: one line a message, `LEVEL room: text`. */
#ifndef MARU_LOG_H
#define MARU_LOG_H

enum log_level {
	LOG_ERROR			= 0,
	LOG_WARN			= 1,
	LOG_INFO			= 2,
	LOG_DEBUG			= 3,
	LOG_LEVEL_COUNT			= 4,
};

int log_open(const char *path);
void log_set_level(enum log_level level);
enum log_level log_get_level(void);
int log_level_parse(const char *text);
const char *log_level_name(enum log_level level);

void log_write(enum log_level level, const char *room, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#define log_error(room, ...)	log_write(LOG_ERROR, room, __VA_ARGS__)
#define log_warn(room, ...)	log_write(LOG_WARN, room, __VA_ARGS__)
#define log_info(room, ...)	log_write(LOG_INFO, room, __VA_ARGS__)
#define log_debug(room, ...)	log_write(LOG_DEBUG, room, __VA_ARGS__)

#endif
