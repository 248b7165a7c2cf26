// SPDX-License-Identifier: MIT
/* direct[:SOCKET][,hbm=SIZE,cxl=SIZE,threads=N,profile=N] */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "direct.h"

#define CALL	"accel_device_open: direct"

/* Decimal digits, then K, M, G, T or nothing. */
static bool parse_size(const char *text, uint64_t *bytes)
{
	static const char suffixes[] = "KMGT";
	const char *suffix;
	unsigned int shift = 0;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*bytes = strtoull(text, &end, 10);
	if (*end) {
		suffix = strchr(suffixes, *end);
		if (!suffix || end[1])
			return false;
		shift = 10 * (unsigned int)(suffix - suffixes + 1);
	}
	if (errno || *bytes > UINT64_MAX >> 1 >> shift)
		return false;
	*bytes <<= shift;
	return true;
}

static int take_size(char *to, size_t room, const char *key, const char *value, uint64_t least)
{
	uint64_t bytes;

	if (strlen(value) >= room || !parse_size(value, &bytes) || bytes % MARU_BLOCK_BYTES ||
	    bytes > 4ull << 40 || bytes < least)
		return accel_refuse(-EINVAL, CALL ": %s: '%s': want a multiple of 2M%s, as 512M "
				    "or 1G", key, value, least ? " from 16M on" : "");
	snprintf(to, room, "%s", value);
	return 0;
}

static int take_threads(struct direct_spec *spec, const char *value)
{
	uint64_t count;

	if (strlen(value) >= sizeof(spec->threads) || !parse_size(value, &count) || !count ||
	    count > 256)
		return accel_refuse(-EINVAL, CALL ": threads: '%s': want 1 to 256", value);
	snprintf(spec->threads, sizeof(spec->threads), "%s", value);
	return 0;
}

static int take_profile(struct direct_spec *spec, const char *value)
{
	if (*value < '0' || *value > '4' || value[1])
		return accel_refuse(-EINVAL, CALL ": profile: '%s': want 0 to 4", value);
	snprintf(spec->profile, sizeof(spec->profile), "%s", value);
	return 0;
}

static int take(struct direct_spec *spec, char *key)
{
	char *value = strchr(key, '=');

	if (value)
		*value++ = '\0';
	if (strcmp(key, "hbm") && strcmp(key, "cxl") && strcmp(key, "threads") &&
	    strcmp(key, "profile"))
		return accel_refuse(-EINVAL, CALL ": unknown key '%s': want hbm, cxl, threads or "
				    "profile", key);
	if (!value)
		return accel_refuse(-EINVAL, CALL ": %s: has no value", key);
	if (*spec->socket)
		return accel_refuse(-EINVAL, CALL ": %s: a card that runs already, as that of "
				    "'%s', has its own", key, spec->socket);
	if (!strcmp(key, "hbm"))
		return take_size(spec->hbm, sizeof(spec->hbm), key, value, 16ull << 20);
	if (!strcmp(key, "cxl"))
		return take_size(spec->cxl, sizeof(spec->cxl), key, value, 0);
	if (!strcmp(key, "profile"))
		return take_profile(spec, value);
	return take_threads(spec, value);
}

int direct_spec_parse(struct direct_spec *spec, const char *text)
{
	char copy[256], *rest = copy, *key;
	size_t length;
	int error = 0;

	memset(spec, 0, sizeof(*spec));
	if (strlen(text) >= sizeof(copy))
		return accel_refuse(-EINVAL, CALL "%.40s…: too long", text);
	strcpy(copy, text);
	/* direct:hbm=1G is what people write; a path with '=' needs a slash before it. */
	if (*rest == ':' && rest[1 + strcspn(rest + 1, "/,=")] == '=') {
		rest++;
	} else if (*rest == ':') {
		length = strcspn(++rest, ",");
		if (!length)
			return accel_refuse(-EINVAL, CALL ": nothing behind the colon");
		if (length >= sizeof(spec->socket))
			return accel_refuse(-EINVAL, CALL ": the socket's path is too long");
		memcpy(spec->socket, rest, length);
		rest += length;
	}
	if (*rest == ',')
		rest++;
	while (!error && (key = strsep(&rest, ",")))
		error = *key || rest ? take(spec, key) : 0;
	return error;
}
