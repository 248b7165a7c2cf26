// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "firmware-emu/log.h"
#include "firmware-emu/options.h"

enum {
	OPTION_SOCKET = 256,
	OPTION_CONTROL,
	OPTION_PRIVATE,
	OPTION_CORE,
	OPTION_HBM,
	OPTION_CXL,
	OPTION_THREADS,
	OPTION_PROFILE,
	OPTION_LOG,
	OPTION_ONCE,
	OPTION_VERSION,
	OPTION_HELP,
};

static const struct option long_options[] = {
	{ "socket", required_argument, NULL, OPTION_SOCKET },
	{ "control", required_argument, NULL, OPTION_CONTROL },
	{ "private", required_argument, NULL, OPTION_PRIVATE },
	{ "core", required_argument, NULL, OPTION_CORE },
	{ "hbm", required_argument, NULL, OPTION_HBM },
	{ "cxl", required_argument, NULL, OPTION_CXL },
	{ "threads", required_argument, NULL, OPTION_THREADS },
	{ "profile", required_argument, NULL, OPTION_PROFILE },
	{ "log", required_argument, NULL, OPTION_LOG },
	{ "once", no_argument, NULL, OPTION_ONCE },
	{ "version", no_argument, NULL, OPTION_VERSION },
	{ "help", no_argument, NULL, OPTION_HELP },
	{ NULL, 0, NULL, 0 },
};

/**
 * options_usage() - Print what the options are.
 * @to: where to
 */
void options_usage(FILE *to)
{
	fputs("Usage: maru-card --socket PATH [OPTION]…\n"
	      "The MARU accelerator card, for QEMU's vfio-user-pci device.\n"
	      "\n"
	      "  --socket PATH     listen here for QEMU\n"
	      "  --control PATH    listen here for control commands, one JSON object a line\n"
	      "  --private FD      serve the connected socket FD instead, end with it\n"
	      "  --hbm SIZE        size of the HBM tier (default 512M)\n"
	      "  --cxl SIZE        size of the CXL tier (default 1G, 0 for none)\n"
	      "  --threads N       engine threads (default: one per processor)\n"
	      "  --profile N       highest ISA level: 0 plain C, 1 AVX2, 2 AVX-512 with VNNI,\n"
	      "                    3 with bf16 too, 4 with AMX (default: the best the\n"
	      "                    processor has)\n"
	      "  --log WHAT        error, warn, info or debug, or a file to append to;\n"
	      "                    may be given twice\n"
	      "  --once            end when the first client has left\n"
	      "  --version         print the version\n"
	      "  --help            print this\n"
	      "\n"
	      "SIZE takes the suffixes K, M, G and T.\n", to);
}

static int parse_number(const char *text, uint64_t max, uint64_t *value, const char **end)
{
	unsigned long long number;
	char *tail;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	number = strtoull(text, &tail, 10);
	if (errno || number > max)
		return -ERANGE;
	*value = number;
	*end = tail;
	return 0;
}

/**
 * options_parse_bytes() - Turn a size with a suffix into bytes.
 * @text: a decimal number, then K, M, G or T or nothing
 * @bytes: the result
 *
 * Return: 0, -EINVAL for another text, -ERANGE above 2^63 - 1.
 */
int options_parse_bytes(const char *text, uint64_t *bytes)
{
	static const char suffixes[] = "KMGT";
	const char *end, *suffix;
	unsigned int shift = 0;
	uint64_t value;
	int ret;

	ret = parse_number(text, INT64_MAX, &value, &end);
	if (ret)
		return ret;
	if (*end) {
		suffix = strchr(suffixes, *end);
		if (!suffix || end[1])
			return -EINVAL;
		shift = 10 * (unsigned int)(suffix - suffixes + 1);
	}
	if (value > (uint64_t)INT64_MAX >> shift)
		return -ERANGE;
	*bytes = value << shift;
	return 0;
}

static int parse_whole(const char *text, uint64_t max, uint64_t *value)
{
	const char *end;
	int ret = parse_number(text, max, value, &end);

	return ret ? ret : *end ? -EINVAL : 0;
}

static int options_take_fd(int *fd, const char *text)
{
	uint64_t value;
	int ret = parse_whole(text, 1 << 20, &value);

	if (ret)
		return ret;
	if (fcntl((int)value, F_GETFD) < 0)
		return -EBADF;
	*fd = (int)value;
	return 0;
}

static int options_take_log(struct options *options, const char *text)
{
	int level = log_level_parse(text);

	if (level >= 0) {
		options->log_level = level;
		return 0;
	}
	if (!*text)
		return -EINVAL;
	options->log_file = text;
	return 0;
}

static int options_take(struct options *options, int which, const char *text)
{
	uint64_t value;
	int ret;

	switch (which) {
	case OPTION_SOCKET:
		options->socket = text;
		return *text ? 0 : -EINVAL;
	case OPTION_CONTROL:
		options->control = text;
		return *text ? 0 : -EINVAL;
	case OPTION_PRIVATE:
		return options_take_fd(&options->private_fd, text);
	case OPTION_CORE:
		return options_take_fd(&options->core_fd, text);
	case OPTION_HBM:
		return options_parse_bytes(text, &options->hbm_bytes);
	case OPTION_CXL:
		return options_parse_bytes(text, &options->cxl_bytes);
	case OPTION_THREADS:
		ret = parse_whole(text, OPTIONS_MAX_THREADS, &value);
		if (!ret)
			options->threads = (unsigned int)value;
		return ret;
	case OPTION_PROFILE:
		ret = parse_whole(text, OPTIONS_MAX_PROFILE, &value);
		if (!ret)
			options->profile = (uint32_t)value;
		return ret;
	case OPTION_LOG:
		return options_take_log(options, text);
	case OPTION_ONCE:
		options->is_once = true;
		return 0;
	case OPTION_VERSION:
		options->is_version = true;
		return 0;
	default:
		options->is_help = true;
		return 0;
	}
}

static const char *options_complaint(int error)
{
	switch (error) {
	case -ERANGE:
		return "is out of range";
	case -EBADF:
		return "is no open file descriptor";
	default:
		return "is not understood";
	}
}

static int options_check(const struct options *options, char *error, size_t bytes)
{
	if (options->is_help || options->is_version || options->core_fd >= 0)
		return 0;
	if (!options->socket && options->private_fd < 0) {
		snprintf(error, bytes, "--socket PATH is missing");
		return -EINVAL;
	}
	if (options->socket && options->private_fd >= 0) {
		snprintf(error, bytes, "--socket and --private exclude each other");
		return -EINVAL;
	}
	if (options->socket && options->control && !strcmp(options->socket, options->control)) {
		snprintf(error, bytes, "--socket and --control need different paths");
		return -EINVAL;
	}
	return 0;
}

/**
 * options_parse() - Read the command line.
 * @options: the result
 * @argc: as of main()
 * @argv: as of main()
 * @error: what was wrong, one line
 * @bytes: room for it
 *
 * Return: 0, or -EINVAL with @error set.
 */
int options_parse(struct options *options, int argc, char **argv, char *error, size_t bytes)
{
	int which, idx = 0, ret;

	*options = (struct options){
		.private_fd = -1, .core_fd = -1, .log_level = LOG_INFO,
		.hbm_bytes = 512ull << 20, .cxl_bytes = 1ull << 30, .profile = ~0u,
	};
	opterr = 0;
	optind = 0;
	while ((which = getopt_long(argc, argv, "+:", long_options, &idx)) != -1) {
		if (which == ':') {
			snprintf(error, bytes, "%s needs a value", argv[optind - 1]);
			return -EINVAL;
		}
		if (which == '?') {
			snprintf(error, bytes, "unknown option %s", argv[optind - 1]);
			return -EINVAL;
		}
		ret = options_take(options, which, optarg);
		if (ret) {
			snprintf(error, bytes, "--%s: '%s' %s", long_options[idx].name, optarg,
				 options_complaint(ret));
			return -EINVAL;
		}
	}
	if (optind < argc) {
		snprintf(error, bytes, "'%s' is no option", argv[optind]);
		return -EINVAL;
	}
	return options_check(options, error, bytes);
}
