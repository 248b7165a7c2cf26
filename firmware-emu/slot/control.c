// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "firmware-emu/log.h"
#include "firmware-emu/slot/slot.h"

/**
 * control_preset() - Begin without a socket.
 * @control: the control socket
 */
void control_preset(struct control *control)
{
	control->path = NULL;
	control->listener = -1;
	control->signals = -1;
	for (unsigned int i = 0; i < CONTROL_CLIENTS; i++)
		control->client[i].fd = -1;
}

/**
 * control_init() - Listen for control clients.
 * @control: the control socket
 * @path: where, or NULL for none
 *
 * Return: 0 or -errno.
 */
int control_init(struct control *control, const char *path)
{
	int fd;

	if (!path)
		return 0;
	fd = sock_listen(path);
	if (fd < 0) {
		log_error("control", "can not listen on %s: %s", path, strerror(-fd));
		return fd;
	}
	control->path = path;
	control->listener = fd;
	return 0;
}

static void client_close(struct control_client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -1;
}

/**
 * control_fini() - Hang up on all clients.
 * @control: the control socket
 */
void control_fini(struct control *control)
{
	for (unsigned int i = 0; i < CONTROL_CLIENTS; i++)
		client_close(&control->client[i]);
	if (control->listener >= 0) {
		close(control->listener);
		unlink(control->path);
	}
	control->listener = -1;
}

/**
 * control_fill_polls() - Say what to wait for.
 * @control: the control socket
 * @polls: CONTROL_POLLS entries
 */
void control_fill_polls(const struct control *control, struct pollfd *polls)
{
	for (unsigned int i = 0; i < CONTROL_CLIENTS; i++) {
		const struct control_client *client = &control->client[i];

		polls[i].fd = client->fd;
		polls[i].events = client->reply_bytes ? POLLOUT : POLLIN;
	}
	polls[CONTROL_CLIENTS].fd = control->listener;
	polls[CONTROL_CLIENTS].events = POLLIN;
	polls[CONTROL_CLIENTS + 1].fd = control->signals;
	polls[CONTROL_CLIENTS + 1].events = POLLIN;
}

static void control_accept(struct control *control)
{
	int fd = sock_accept(control->listener);

	if (fd < 0)
		return;
	for (unsigned int i = 0; i < CONTROL_CLIENTS; i++) {
		struct control_client *client = &control->client[i];

		if (client->fd >= 0)
			continue;
		client->fd = fd;
		client->line_bytes = 0;
		client->reply_bytes = 0;
		return;
	}
	log_warn("control", "too many clients");
	close(fd);
}

static void client_flush(struct control_client *client)
{
	ssize_t n = send(client->fd, client->reply, client->reply_bytes,
			 MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			client_close(client);
		return;
	}
	client->reply_bytes -= (size_t)n;
	memmove(client->reply, client->reply + n, client->reply_bytes);
}

/* Runs the commands that are complete, one at a time: the next waits until the reply is out. */
static void client_run(struct control_client *client, struct slot *slot)
{
	while (client->fd >= 0 && !client->reply_bytes) {
		char *end = memchr(client->line, '\n', client->line_bytes);
		size_t bytes;

		if (!end)
			return;
		bytes = (size_t)(end - client->line);
		client->reply_bytes = command_run(slot, client->line, bytes, client->reply,
						  sizeof(client->reply));
		client->line_bytes -= bytes + 1;
		memmove(client->line, end + 1, client->line_bytes);
		client_flush(client);
	}
}

static void client_read(struct control_client *client, struct slot *slot)
{
	ssize_t n;

	if (client->line_bytes == sizeof(client->line)) {
		log_warn("control", "line too long, client dropped");
		client_close(client);
		return;
	}
	n = recv(client->fd, client->line + client->line_bytes,
		 sizeof(client->line) - client->line_bytes, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		client_close(client);
		return;
	}
	client->line_bytes += (size_t)n;
	client_run(client, slot);
}

/**
 * control_serve() - Do what clients ask.
 * @control: the control socket
 * @polls: the entries of control_fill_polls(), after poll(2)
 * @slot: the card
 */
void control_serve(struct control *control, const struct pollfd *polls, struct slot *slot)
{
	for (unsigned int i = 0; i < CONTROL_CLIENTS; i++) {
		struct control_client *client = &control->client[i];

		if (client->fd < 0 || !polls[i].revents)
			continue;
		if (client->reply_bytes) {
			client_flush(client);
			client_run(client, slot);
		} else {
			client_read(client, slot);
		}
	}
	if (polls[CONTROL_CLIENTS].revents)
		control_accept(control);
}
