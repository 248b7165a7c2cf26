// SPDX-License-Identifier: MIT
/* VERSION: what both sides can do. The reply is fixed and shorter than what QEMU asks with. */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "firmware-emu/log.h"
#include "firmware-emu/transport/session.h"


/* QEMU has room for a reply of the size of its request (194 bytes of text), and no more. */
static const char version_reply[] =
	"{\"capabilities\":{\"max_msg_fds\":8,\"max_data_xfer_size\":1048576,"
	"\"pgsizes\":4096,\"max_dma_maps\":65535}}";

_Static_assert(WIRE_MAX_FDS == 8 && WIRE_MAX_XFER == 1048576 && WIRE_MAX_WINDOWS == 65535,
	       "the reply's numbers");
_Static_assert(sizeof(version_reply) <= 194, "the reply's size");

static const struct {
	const char *name;
	json_int_t min, max;
} version_numbers[] = {
	{ "max_msg_fds", 0, 4096 },
	{ "max_data_xfer_size", 1, INT64_MAX },
	{ "pgsizes", 4096, INT64_MAX },
	{ "max_dma_maps", 1, INT64_MAX },
};

static int version_check_numbers(const json_t *caps)
{
	for (size_t i = 0; i < sizeof(version_numbers) / sizeof(version_numbers[0]); i++) {
		const json_t *value = json_object_get(caps, version_numbers[i].name);

		if (!value)
			continue;
		if (!json_is_integer(value) ||
		    json_integer_value(value) < version_numbers[i].min ||
		    json_integer_value(value) > version_numbers[i].max) {
			log_warn("transport", "VERSION: %s is no sensible number",
				 version_numbers[i].name);
			return -EINVAL;
		}
	}
	return 0;
}

static int version_check(const char *text, size_t bytes)
{
	json_error_t error;
	const json_t *caps;
	json_t *root;
	int ret = -EINVAL;

	if (!bytes)
		return 0;
	root = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &error);
	if (!root) {
		log_warn("transport", "VERSION: the text is no JSON (byte %d)", error.position);
		return -EINVAL;
	}
	caps = json_object_get(root, "capabilities");
	if (json_is_object(root) && !caps)
		ret = 0;
	else if (json_is_object(caps))
		ret = version_check_numbers(caps);
	json_decref(root);
	return ret;
}

/**
 * msg_version() - Agree on the version with a client.
 * @session: the session
 * @msg: the message
 *
 * Return: 0, -ENOTSUP for another major version, -EINVAL for a text that is not understood. The
 * connection ends after an error.
 */
int msg_version(struct session *session, struct message *msg)
{
	const char *text = (const char *)msg->body + sizeof(struct wire_version);
	size_t bytes = msg->bytes - sizeof(struct wire_version);
	struct wire_version version;
	int ret;

	(void)session;
	msg->is_fatal = true;
	memcpy(&version, msg->body, sizeof(version));
	if (version.major != 0)
		return -EOPNOTSUPP;
	if (memchr(text, '\0', bytes) != text + bytes - 1)
		return -EINVAL;
	ret = version_check(text, bytes - 1);
	if (ret)
		return ret;
	version.minor = 0;
	memcpy(msg->reply_body, &version, sizeof(version));
	memcpy(msg->reply_body + sizeof(version), version_reply, sizeof(version_reply));
	msg->reply_bytes = sizeof(version) + sizeof(version_reply);
	msg->is_fatal = (session->header.flags & WIRE_FLAG_NO_REPLY) != 0;
	return 0;
}
