// SPDX-License-Identifier: GPL-2.0-only
/* Recovery by the direct way, with a card whose core dies, hangs or lies where the test says. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "selftests/host/direct_case.h"

#define DEADLINE	accel_deadline(30000000000ll)

/* Of the life of a job; at the last one all of it has run, and nobody has been told. */
static const char *const stages[] = { "job.fetch", "job.decode", "job.tile", "job.done" };
static struct direct_case c;
static pid_t card;
static char socket_path[64], control_path[80];

/* Return: a connection, or -1: nobody listens. */
static int control_open(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", control_path);
	if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	close(fd);
	return -1;
}

/* A line to the card's control socket, ' for ". Return: its answer. */
static const char *tell(const char *format, ...)
{
	static char answer[8192];
	int fd = control_open();
	size_t length = 0;
	va_list args;
	char line[256];
	ssize_t n;

	assert_true(fd >= 0);
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	for (char *at = line; *at; at++)
		*at = *at == '\'' ? '"' : *at;
	assert_true(dprintf(fd, "%s\n", line) > 0);
	do {
		n = read(fd, answer + length, sizeof(answer) - 1 - length);
		assert_true(n > 0);
		length += (size_t)n;
	} while (answer[length - 1] != '\n');
	answer[length] = '\0';
	close(fd);
	if (!strstr(answer, "\"ok\":true"))
		fail_msg("%s: %s", line, answer);
	return answer;
}

static void arm(const char *point, const char *action)
{
	tell("{'cmd':'inject','point':'%s','action':'%s'}", point, action);
}

/* Until @count threads are held at, or have been hit by what was armed. */
static void await(const char *point, const char *number, int count)
{
	char name[32], key[32];
	const char *at;

	snprintf(name, sizeof(name), "\"%s\":{", point);
	snprintf(key, sizeof(key), "\"%s\":", number);
	for (int i = 0; i < 1000; i++) {
		at = strstr(tell("{'cmd':'points'}"), name);
		assert_non_null(at);
		if (atoi(strstr(at, key) + strlen(key)) == count)
			return;
		usleep(10000);
	}
	fail_msg("%s: %s never became %d", point, number, count);
}

static int start_card(void **state)
{
	struct accel_device_info info = ACCEL_DEVICE_INFO_INIT;
	static char spec[80];
	int fd;

	(void)state;
	OK(accel_device_open(SPEC, &c.card));
	OK(accel_device_info(c.card, &info));
	accel_device_close(c.card);
	snprintf(socket_path, sizeof(socket_path), "/tmp/test-recover-%d", (int)getpid());
	snprintf(control_path, sizeof(control_path), "%s.control", socket_path);
	card = fork();
	if (!card) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl(info.path, "maru-card", "--socket", socket_path, "--control", control_path,
		      "--hbm", "64M", "--cxl", "0", "--threads", "2", "--log", "error", NULL);
		_exit(1);
	}
	for (int i = 0; i < 500 && (fd = control_open()) < 0; i++)
		usleep(10000);
	close(fd);
	tell("{'cmd':'state'}");	/* answered when it listens for clients too */
	snprintf(spec, sizeof(spec), "direct:%s", socket_path);
	setenv("CASE_DEVICE", spec, 1);
	case_open(&c);
	return 0;
}

static int stop_card(void **state)
{
	(void)state;
	case_close(&c);
	kill(card, SIGTERM);
	return waitpid(card, NULL, 0) != card;
}

static void expect_resets(uint32_t cards, uint32_t queues, uint32_t wedged)
{
	struct accel_resets resets;

	OK(accel_device_resets(c.card, &resets));
	assert_int_equal(resets.card_resets, cards);
	assert_int_equal(resets.queue_resets, queues);
	assert_int_equal(resets.wedged, wedged);
}

/* For a program that only looks. */
static void wait_resets(uint32_t cards, uint32_t wedged)
{
	struct accel_queue_info info = ACCEL_QUEUE_INFO_INIT;
	struct accel_resets resets = { 0 };

	for (int i = 0; i < 1000 && (resets.card_resets < cards || resets.wedged < wedged); i++) {
		usleep(10000);
		OK(accel_queue_info(c.queue, &info));
		OK(accel_device_resets(c.card, &resets));
	}
	expect_resets(cards, 0, wedged);
}

static void expect_queue(struct accel_queue *queue, enum accel_queue_state state, uint32_t guilty,
			 uint32_t innocent)
{
	struct accel_queue_info info = ACCEL_QUEUE_INFO_INIT;

	OK(accel_queue_info(queue, &info));
	assert_int_equal(info.state, state);
	if (state == ACCEL_QUEUE_LOST)		/* the card is there, and gave up */
		assert_int_equal(info.error, -EIO);
	assert_int_equal(info.guilty_resets, guilty);
	assert_int_equal(info.innocent_resets, innocent);
}

/* x = @value, which may run again; or x = x + 1, which may not. */
static struct accel_cmd *record_fill(struct accel_tensor x, float value)
{
	struct accel_cmd *cmd;

	OK(accel_cmd_create(c.card, 0, &cmd));
	OK(accel_cmd_fill(cmd, x, &value));
	assert_int_equal(accel_cmd_is_idempotent(cmd), 1);
	return cmd;
}

static struct accel_cmd *record_add(struct accel_tensor x)
{
	struct accel_elementwise_desc desc = { sizeof(desc), { 1, 1, 0, 0 } };
	struct accel_cmd *cmd;

	OK(accel_cmd_create(c.card, 0, &cmd));
	OK(accel_cmd_unary(cmd, ACCEL_UNARY_SCALE, x, x, &desc));
	assert_int_equal(accel_cmd_is_idempotent(cmd), 0);
	return cmd;
}

static float value_of(struct accel_tensor x)
{
	float value;

	OK(accel_tensor_download(x, &value, sizeof(value)));
	return value;
}

static int submit_wait(struct accel_cmd *cmd)
{
	struct accel_fence fence;

	OK(accel_queue_submit(c.queue, cmd, &fence));
	return accel_fence_wait(fence, DEADLINE);
}

/*
 * The core dies with a job at each stage of its life. One that may run twice does, so that its
 * result is there though the first core wrote none; another one never does.
 */
static void test_begun(void **state)
{
	struct accel_tensor x = case_tensor(c.card, ACCEL_TYPE_F32, 1, 1);
	struct accel_cmd *add = record_add(x), *fill;

	(void)state;
	for (uint32_t i = 0; i < 4; i++) {
		float value = (float)(100 * i + 100);

		fill = record_fill(x, value);
		arm(stages[i], "kill");
		OK(submit_wait(fill));
		assert_true(value_of(x) == value);
		expect_resets(2 * i + 1, 0, 0);
		expect_queue(c.queue, ACCEL_QUEUE_OK, 0, i);

		arm(stages[i], "kill");
		assert_int_equal(submit_wait(add), -ECANCELED);
		assert_true(value_of(x) == (i == 3 ? value + 1 : value));
		expect_resets(2 * i + 2, 0, 0);
		expect_queue(c.queue, ACCEL_QUEUE_OK, 0, i + 1);
		OK(submit_wait(fill));
		accel_cmd_destroy(fill);
	}
}

static void arm_stages(unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		arm(stages[i], "kill");
}

/* A job that kills core after core: three resets, and when they were in vain it is over. */
static void test_fruitless(void **state)
{
	struct accel_tensor x = case_tensor(c.card, ACCEL_TYPE_F32, 1, 1);
	struct accel_cmd *fill = record_fill(x, 7);
	struct accel_queue *other, *none;
	struct accel_fence behind;

	(void)state;
	OK(accel_queue_create(c.card, NULL, &other));
	for (uint32_t round = 1; round <= 2; round++) {	/* a job done, and it counts anew */
		arm_stages(3);
		OK(submit_wait(fill));
		expect_resets(3 * round, 0, 0);
	}
	assert_true(value_of(x) == 7);
	arm_stages(4);
	assert_int_equal(submit_wait(fill), -EIO);
	expect_resets(9, 0, 1);
	expect_queue(c.queue, ACCEL_QUEUE_LOST, 0, 0);
	expect_queue(other, ACCEL_QUEUE_LOST, 0, 0);
	assert_int_equal(accel_queue_submit(other, fill, &behind), -EIO);
	assert_int_equal(accel_queue_submit(c.queue, fill, &behind), -EIO);
	assert_int_equal(accel_queue_create(c.card, NULL, &none), -EIO);
	/* Memory is there still, and who comes next finds a card. */
	assert_true(value_of(x) == 7);
	case_close(&c);
	case_open(&c);
	OK(accel_cmd_nop(c.cmd));
	OK(submit_wait(c.cmd));
}

/* A core that can not come up. */
static void test_useless(void **state)
{
	static const char *const points[] = { "boot.start", "boot.enable" };

	(void)state;
	for (int i = 0; i < 2; i++) {
		OK(accel_cmd_nop(c.cmd));
		arm(points[i], "fail");
		arm("job.fetch", "kill");
		assert_int_equal(submit_wait(c.cmd), -EIO);
		expect_resets(3, 0, 1);
		arm(points[i], "none");
		case_close(&c);
		case_open(&c);
	}
}

/* One that tells of more jobs than there are, each time that it runs this one again. */
static void test_liar(void **state)
{
	struct accel_tensor x = case_tensor(c.card, ACCEL_TYPE_F32, 1, 1);
	int error;

	(void)state;
	arm("queue.done", "fail");
	error = submit_wait(record_fill(x, 2));
	assert_true(!error || error == -EIO);	/* its fence is true, but may be seen later */
	wait_resets(3, 1);
	assert_true(value_of(x) == 2);
}

/* Cores that die with nothing to do have killed no job. */
static void test_idle(void **state)
{
	(void)state;
	for (uint32_t i = 1; i <= 5; i++) {
		tell("{'cmd':'kill'}");
		wait_resets(i, 0);
	}
	OK(accel_cmd_nop(c.cmd));
	OK(submit_wait(c.cmd));
	expect_resets(5, 0, 0);
}

/* A command that finds a dying core is given to the next one. */
static void test_admin(void **state)
{
	static const char *const points[] = { "admin.fetch", "admin.complete" };
	struct accel_queue *queue;
	struct accel_tensor x;

	(void)state;
	for (uint32_t i = 0; i < 2; i++) {
		arm(points[i], "kill");
		OK(accel_queue_create(c.card, NULL, &queue));
		expect_resets(2 * i + 1, 0, 0);
		x = case_tensor(c.card, ACCEL_TYPE_F32, 1, 1);
		arm(points[i], "kill");
		accel_tensor_destroy(&x);	/* INVALIDATE */
		expect_resets(2 * i + 2, 0, 0);
	}
	OK(accel_cmd_nop(c.cmd));
	OK(submit_wait(c.cmd));
}

/* A core that stands still, found by its tick. What it had begun is as after a crash. */
static void test_hung(void **state)
{
	struct accel_tensor x = case_tensor(c.card, ACCEL_TYPE_F32, 1, 1);
	struct accel_fence again, lost;
	struct accel_cmd *fill = record_fill(x, 3);
	struct accel_queue *other;

	(void)state;
	OK(accel_queue_create(c.card, NULL, &other));
	arm("job.decode", "hold");
	OK(accel_queue_submit(c.queue, fill, &again));
	OK(accel_queue_submit(other, record_add(case_tensor(c.card, ACCEL_TYPE_F32, 1, 1)), &lost));
	await("job.decode", "holding", 2);
	tell("{'cmd':'hang'}");
	OK(accel_fence_wait(again, DEADLINE));
	assert_int_equal(accel_fence_wait(lost, DEADLINE), -ECANCELED);
	assert_true(value_of(x) == 3);
	expect_resets(1, 0, 0);
	expect_queue(c.queue, ACCEL_QUEUE_OK, 0, 0);
	expect_queue(other, ACCEL_QUEUE_OK, 0, 1);
}

/* A job over its limit whose queue does not stop: all of the card, and others go on. */
static void test_stubborn(void **state)
{
	static const char *const actions[] = { "fail", "kill" };
	struct accel_queue_desc desc = ACCEL_QUEUE_DESC_INIT;
	struct accel_submit submit = ACCEL_SUBMIT_INIT;
	struct accel_tensor x = case_tensor(c.card, ACCEL_TYPE_F32, 1, 1);
	struct accel_cmd *fill = record_fill(x, 5);
	struct accel_fence guilty, behind;
	struct accel_queue *brief;

	(void)state;
	desc.time_limit_ms = 200;
	case_slow(c.card, c.cmd, 4000);
	submit.cmds = &fill;
	submit.cmd_count = 1;
	submit.waits = &guilty;
	submit.wait_count = 1;
	for (uint32_t i = 0; i < 2; i++) {
		OK(accel_queue_create(c.card, &desc, &brief));
		arm("queue.reset", actions[i]);
		OK(accel_queue_submit(brief, c.cmd, &guilty));
		OK(accel_queue_submit_all(c.queue, &submit, &behind));
		assert_int_equal(accel_fence_wait(guilty, DEADLINE), -ETIME);
		expect_queue(brief, ACCEL_QUEUE_BANNED, 1, 0);
		expect_resets(i + 1, 0, 0);
		arm("queue.reset", "none");
		OK(accel_fence_wait(behind, DEADLINE));
		assert_true(value_of(x) == 5);
		expect_queue(c.queue, ACCEL_QUEUE_OK, 0, 0);
		accel_queue_destroy(brief);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start_card, stop_card)
	static const struct CMUnitTest tests[] = {
		TEST(test_begun), TEST(test_fruitless), TEST(test_useless), TEST(test_liar),
		TEST(test_idle), TEST(test_admin), TEST(test_hung), TEST(test_stubborn),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
