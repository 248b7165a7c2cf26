// SPDX-License-Identifier: MIT
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sample.h"

#define CHECK_WORK	(64.0 * 1024 * 1024)	/* multiplications that the check may take */

void die(int error, const char *format, ...)
{
	va_list list;

	fprintf(stderr, "matmul: ");
	va_start(list, format);
	vfprintf(stderr, format, list);
	va_end(list);
	fprintf(stderr, "\n");
	exit(error == -ENODEV ? 4 : 1);
}

static void usage(FILE *out)
{
	fprintf(out,
		"usage: matmul A.npy B.npy [-o C.npy] [--type f32|bf16|f16|i8] [--repeat N]\n"
		"C = A * B on the card that ACCEL_DEVICE names (default: the first one).\n"
		"A file that is of another type is converted by the card. f32 sums for float\n"
		"types, exact i32 ones for i8. Exit status: 0 right, 1 wrong, 4 no card.\n");
}

static int parse_type(const char *name)
{
	int type = accel_type_parse(name);

	switch (type) {
	case ACCEL_TYPE_F32:
	case ACCEL_TYPE_BF16:
	case ACCEL_TYPE_F16:
	case ACCEL_TYPE_I8:
		return type;
	}
	die(-EINVAL, "--type: '%s' is not f32, bf16, f16 or i8", name);
}

struct options parse_options(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "type", required_argument, NULL, 't' },
		{ "repeat", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 }
	};
	struct options options = { .type = -1, .repeat = 10 };
	int key;

	while ((key = getopt_long(argc, argv, "o:t:r:h", longs, NULL)) != -1) {
		switch (key) {
		case 'o':
			options.c = optarg;
			break;
		case 't':
			options.type = parse_type(optarg);
			break;
		case 'r':
			options.repeat = atoi(optarg);
			break;
		case 'h':
			usage(stdout);
			exit(0);
		default:
			usage(stderr);
			exit(1);
		}
	}
	if (argc - optind != 2 || options.repeat < 1) {
		usage(stderr);
		exit(1);
	}
	options.a = argv[optind];
	options.b = argv[optind + 1];
	return options;
}

struct npy npy_load(const char *path)
{
	struct npy npy;
	const char *why;
	int error = npy_read(path, &npy, &why);

	if (error)
		die(-EINVAL, "%s: %s", path, why);
	if (npy.rank != 2)
		die(-EINVAL, "%s: it is no matrix", path);
	return npy;
}

void npy_save(const char *path, const struct npy *npy)
{
	int error = npy_write(path, npy);

	if (error)
		die(-EINVAL, "%s: %s", path, strerror(-error));
	printf("wrote %s\n", path);
}

struct npy npy_product(const struct npy *a, const struct npy *b, enum accel_type type)
{
	struct npy c = {
		.type = type == ACCEL_TYPE_I8 ? ACCEL_TYPE_I32 : ACCEL_TYPE_F32,
		.rank = 2,
		.shape = { a->shape[0], b->shape[1] },
	};

	if (a->shape[1] != b->shape[0])
		die(-EINVAL, "A is [%u, %u] and B [%u, %u]: inner sizes differ", a->shape[0],
		    a->shape[1], b->shape[0], b->shape[1]);
	if (type == ACCEL_TYPE_I32 ||
	    (type == ACCEL_TYPE_I8 && (a->type != type || b->type != type)))
		die(-EINVAL, "a product of integers takes two i8 files");
	c.bytes = (size_t)c.shape[0] * c.shape[1] * accel_type_bytes(c.type);
	c.data = malloc(c.bytes ? c.bytes : 1);
	if (!c.data)
		die(-ENOMEM, "not enough host memory for C");
	return c;
}

static struct {
	struct accel_usage usage;
	double seconds;
} begin;

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

void measure_begin(struct accel_device *card)
{
	OK(accel_device_usage(card, &begin.usage));
	begin.seconds = now();
}

static void show(struct accel_device *card, const struct npy *c, uint32_t k, double seconds,
		 const struct accel_usage *before, const struct accel_usage *after)
{
	static const char *const tiers[] = { "HBM", "CXL", "system", "storage" };
	double work = 2.0 * c->shape[0] * c->shape[1] * k, busy;
	struct accel_device_info info = ACCEL_DEVICE_INFO_INIT;
	uint64_t jobs = after->jobs - before->jobs;

	OK(accel_device_info(card, &info));
	busy = (double)(after->busy_ns[ACCEL_CLASS_COMPUTE] -
			before->busy_ns[ACCEL_CLASS_COMPUTE]) * 1e-9;
	printf("card     %s %s, PCI %04x:%02x:%02x.%u, firmware %u.%u.%u, %u threads, %s\n",
	       info.way, info.path, info.domain, info.bus, info.slot, info.function,
	       info.firmware >> 16, info.firmware >> 8 & 0xff, info.firmware & 0xff, info.threads,
	       info.library);
	/* The card counts the time of each engine thread: their sum is what a product costs. */
	printf("speed    %.3f ms a product, %.2f GFLOP/s; engine threads %.3f ms in all\n",
	       seconds * 1e3, work / seconds * 1e-9, jobs ? busy / (double)jobs * 1e3 : 0);
	printf("counted  %llu jobs, %llu packets, %llu errors",
	       (unsigned long long)jobs, (unsigned long long)(after->packets - before->packets),
	       (unsigned long long)(after->errors - before->errors));
	for (int i = 0; i < 4; i++) {
		uint64_t read = after->read_bytes[i] - before->read_bytes[i];
		uint64_t written = after->write_bytes[i] - before->write_bytes[i];

		if (read || written)
			printf("; %s read %llu, written %llu bytes", tiers[i],
			       (unsigned long long)read, (unsigned long long)written);
	}
	printf("\n");
}

void measure_end(struct accel_device *card, const struct npy *c, uint32_t k, int repeat)
{
	double seconds = (now() - begin.seconds) / repeat;
	struct accel_usage after;

	OK(accel_device_usage(card, &after));
	show(card, c, k, seconds, &begin.usage, &after);
}

/* What rounding both factors to @type and k sums in f32 can do, as a part of Σ|a·b|. */
static double tolerance(const struct npy *a, const struct npy *b, enum accel_type type)
{
	double unit = 0;

	switch (type) {
	case ACCEL_TYPE_BF16:
		unit = ldexp(1, -9);
		break;
	case ACCEL_TYPE_F16:
		unit = ldexp(1, -11);
		break;
	default:
		break;
	}
	return (a->type == type ? 0 : unit) + (b->type == type ? 0 : unit) + unit * unit +
	       (type == ACCEL_TYPE_I8 ? 0 : (a->shape[1] + 1) * ldexp(1, -24));
}

/* Largest error of a row, in units of what it may be. */
static double check_row(const struct npy *a, const struct npy *b, const struct npy *c,
			double bound, uint32_t row, double *sums)
{
	uint32_t n = c->shape[1], k = a->shape[1];
	double *sizes = sums + n, worst = 0, error, product;

	memset(sums, 0, 2ul * n * sizeof(*sums));
	for (uint32_t i = 0; i < k; i++) {
		double factor = npy_get(a, (size_t)row * k + i);

		for (uint32_t j = 0; j < n; j++) {
			product = factor * npy_get(b, (size_t)i * n + j);
			sums[j] += product;
			sizes[j] += fabs(product);
		}
	}
	for (uint32_t j = 0; j < n; j++) {
		error = fabs(npy_get(c, (size_t)row * n + j) - sums[j]);
		if (error > 0 || isnan(error))
			worst = isnan(error) || !(bound * sizes[j] > 0) ? INFINITY :
				fmax(worst, error / (bound * sizes[j]));
	}
	return worst;
}

int check(const struct npy *a, const struct npy *b, const struct npy *c, enum accel_type type)
{
	double bound = tolerance(a, b, type), worst = 0;
	double work = (double)c->shape[1] * a->shape[1];
	uint32_t rows = c->shape[0], step = 1, checked = 0;
	double *sums = calloc(2ul * c->shape[1] + 1, sizeof(*sums));

	if (!sums)
		die(-ENOMEM, "not enough host memory for the check");
	if (work * rows > CHECK_WORK)
		step = (uint32_t)fmin(rows, ceil(work * rows / CHECK_WORK));
	for (uint32_t row = 0; row < rows; row += step, checked++)
		worst = fmax(worst, check_row(a, b, c, bound, row, sums));
	free(sums);
	printf("checked  %u of %u rows against double precision: %s, worst error %.2f of what %s "
	       "allows\n", checked, rows, worst <= 1 ? "right" : "WRONG", worst,
	       accel_type_name(type));
	return worst <= 1 ? 0 : 1;
}
