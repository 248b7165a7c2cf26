// SPDX-License-Identifier: MIT
/* See options.h. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "options.h"

#define MODEL	"samples/generate/model.gguf"

static void usage(FILE *out)
{
	fprintf(out,
		"usage: generate [-m FILE.gguf] [-p PROMPT] [-n N] [--temp T] [--seed S]\n"
		"                [--batch FILE] [--top-p P] [--cache TYPE] [--ids] [--check] [-q]\n"
		"Writes text with a language model whose layers run on the card that ACCEL_DEVICE\n"
		"names (default: the first one).\n\n"
		"  -m, --model FILE   llama architecture, f32, f16 or bf16\n"
		"                     (default: %s)\n"
		"  -p, --prompt TEXT  what the text begins with\n"
		"  -n, --tokens N     how many tokens to write (default: 120)\n"
		"      --batch FILE   a prompt in each line, up to %u, all at once\n"
		"      --temp T       temperature of the draw from the %u likeliest tokens\n"
		"                     (default: 0.7); 0: the likeliest, of equal ones the first\n"
		"      --top-p P      draw from those of them that have P in all (default: 0.95)\n"
		"      --seed S       of the draw (default: 1); every prompt draws by its own\n"
		"      --cache TYPE   of keys and values: f32 (default), f16, bf16\n"
		"      --ids          print numbers of tokens instead of text\n"
		"      --check        print a CRC of all logits: equal cards, equal bits\n"
		"  -q, --quiet        the text only\n"
		"  -h, --help\n\n"
		"The text goes to stdout, the report to stderr. Exit status: 0; 1 an error, told\n"
		"in one line; 2 a wrong option; 4 no card.\n",
		MODEL, RUN_SEQUENCES, PICK_CHOICES);
}

static void wrong(const char *option, const char *value, const char *wanted)
{
	fprintf(stderr, "generate: %s: '%s' is not %s\n", option, value, wanted);
	exit(2);
}

static double parse_real(const char *option, const char *text, double least, double most,
			 const char *wanted)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !(value >= least && value <= most))
		wrong(option, text, wanted);
	return value;
}

static uint64_t parse_number(const char *option, const char *text, uint64_t least, uint64_t most,
			     const char *wanted)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (end == text || *end || errno || *text == '-' || value < least || value > most)
		wrong(option, text, wanted);
	return value;
}

static enum accel_type parse_cache(const char *text)
{
	int type = accel_type_parse(text);

	if (type != ACCEL_TYPE_F32 && type != ACCEL_TYPE_F16 && type != ACCEL_TYPE_BF16)
		wrong("--cache", text, "f32, f16 or bf16");
	return (enum accel_type)type;
}

static void add_prompt(struct options *o, const char *prompt)
{
	if (o->prompt_count == RUN_SEQUENCES) {
		fprintf(stderr, "generate: more than %u prompts\n", RUN_SEQUENCES);
		exit(2);
	}
	o->prompts[o->prompt_count++] = prompt;
}

static void read_batch(struct options *o, const char *path)
{
	FILE *file = fopen(path, "r");
	char *line = NULL;
	size_t room = 0;
	ssize_t bytes;

	if (!file)
		die(0, "%s: %s", path, strerror(errno));
	while ((bytes = getline(&line, &room, file)) >= 0) {
		if (bytes && line[bytes - 1] == '\n')
			line[--bytes] = 0;
		if (!bytes)
			continue;
		add_prompt(o, line);
		line = NULL;
		room = 0;
	}
	if (ferror(file))
		die(0, "%s: %s", path, strerror(errno));
	free(line);
	fclose(file);
	if (!o->prompt_count)
		die(0, "%s: no prompt in it", path);
	o->is_batch = 1;
}

/* From the current folder, or from where the program was built. */
static const char *default_model(void)
{
	static char path[4096];
	ssize_t bytes;
	char *slash;

	if (!access(MODEL, F_OK))
		return MODEL;
	bytes = readlink("/proc/self/exe", path, sizeof(path) - sizeof("/../../" MODEL));
	path[bytes > 0 ? bytes : 0] = 0;
	slash = strrchr(path, '/');
	if (!slash)
		return MODEL;
	strcpy(slash, "/../../" MODEL);
	return access(path, F_OK) ? MODEL : path;
}

enum { OPT_TEMP = 256, OPT_TOP_P, OPT_SEED, OPT_BATCH, OPT_CACHE, OPT_IDS, OPT_CHECK };

static const struct option longs[] = {
	{ "model", required_argument, NULL, 'm' },
	{ "prompt", required_argument, NULL, 'p' },
	{ "tokens", required_argument, NULL, 'n' },
	{ "temp", required_argument, NULL, OPT_TEMP },
	{ "top-p", required_argument, NULL, OPT_TOP_P },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "batch", required_argument, NULL, OPT_BATCH },
	{ "cache", required_argument, NULL, OPT_CACHE },
	{ "ids", no_argument, NULL, OPT_IDS },
	{ "check", no_argument, NULL, OPT_CHECK },
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 }
};

static void parse_one(struct options *o, int key, const char **prompt, const char **batch)
{
	switch (key) {
	case 'm':
		o->model = optarg;
		break;
	case 'p':
		*prompt = optarg;
		break;
	case 'n':
		o->most = (uint32_t)parse_number("-n", optarg, 1, 1u << 20, "1 to 1048576");
		break;
	case OPT_TEMP:
		o->temperature = parse_real("--temp", optarg, 0, 100, "0 to 100");
		break;
	case OPT_TOP_P:
		o->top_p = parse_real("--top-p", optarg, 0, 1, "0 to 1");
		break;
	case OPT_SEED:
		o->seed = parse_number("--seed", optarg, 0, UINT64_MAX, "a number");
		break;
	case OPT_BATCH:
		*batch = optarg;
		break;
	case OPT_CACHE:
		o->cache = parse_cache(optarg);
		break;
	case OPT_IDS:
		o->shows_ids = 1;
		break;
	case OPT_CHECK:
		o->checks = 1;
		break;
	case 'q':
		o->is_quiet = 1;
		break;
	case 'h':
		usage(stdout);
		exit(0);
	default:
		usage(stderr);
		exit(2);
	}
}

struct options options_parse(int argc, char **argv)
{
	struct options o = { .most = 120, .temperature = 0.7, .top_p = 0.95, .seed = 1,
			     .cache = ACCEL_TYPE_F32 };
	const char *prompt = NULL, *batch = NULL;
	int key;

	while ((key = getopt_long(argc, argv, "m:p:n:qh", longs, NULL)) != -1)
		parse_one(&o, key, &prompt, &batch);
	if (optind != argc || (prompt && batch)) {
		fprintf(stderr, "generate: %s\n", optind != argc ? "too many arguments" :
			"-p and --batch exclude each other");
		exit(2);
	}
	if (batch)
		read_batch(&o, batch);
	else
		add_prompt(&o, prompt ? prompt : "It was a fine evening, and");
	if (!o.model)
		o.model = default_model();
	return o;
}
