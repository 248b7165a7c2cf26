#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The generate sample as a user meets it: options, errors, text, and equal bits whatever the
# threads. Runs in the toolbox, in the top folder. TAP.
# shellcheck disable=SC2317 # functions are called by point()
set -u
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
generate=build/bin/generate
model=samples/generate/model.gguf
export ACCEL_DEVICE=direct,hbm=128M,cxl=0
n=0 failed=0

point()
{
	title=$1
	shift
	n=$((n + 1))
	if "$@" >"$tmp/out" 2>&1; then
		echo "ok $n - $title"
	else
		sed 's/^/# /' "$tmp/out"
		echo "not ok $n - $title"
		failed=1
	fi
}

# refused STATUS WORDS OPTIONS… - one line on stderr with these words, nothing on stdout.
refused()
{
	status=$1 words=$2
	shift 2
	"$generate" "$@" >"$tmp/stdout" 2>"$tmp/stderr"
	rc=$?
	cat "$tmp/stderr"
	[ "$rc" = "$status" ] && [ ! -s "$tmp/stdout" ] && grep -qF -e "$words" "$tmp/stderr" &&
		[ "$(wc -l <"$tmp/stderr")" = 1 ] && ! LC_ALL=C grep -q '[[:cntrl:]]' "$tmp/stderr"
}

# make_model NAME OPTIONS…
make_model()
{
	name=$1
	shift
	python3 tools/model/untrained.py "$tmp/$name.gguf" --preset tiny --seed 3 "$@" >/dev/null
}

# patched NAME OLD NEW [FROM] - FROM.gguf, or tiny.gguf, with bytes replaced where they are first.
patched()
{
	python3 - "$tmp/${4:-tiny}.gguf" "$tmp/$1.gguf" "$2" "$3" <<'END'
import sys
data = open(sys.argv[1], "rb").read()
old, new = sys.argv[3].encode().decode("unicode_escape").encode("latin1"), \
    sys.argv[4].encode().decode("unicode_escape").encode("latin1")
assert data.count(old) and len(old) == len(new)
open(sys.argv[2], "wb").write(data.replace(old, new, 1))
END
}

help_is_there() { "$generate" --help | grep -q '^usage: generate' && "$generate" -h >/dev/null; }
wrong_options()
{
	"$generate" --nonsense 2>/dev/null
	[ $? = 2 ] && refused 2 "'0' is not 1 to" -n 0 && refused 2 "'x' is not" --temp x &&
		refused 2 "'-1' is not" --seed -1 && refused 2 "'i8' is not f32" --cache i8 &&
		refused 2 "too many arguments" more && refused 2 "exclude" -p a --batch b
}
no_card()
{
	ACCEL_DEVICE=kernel:/dev/null refused 4 "generate: " -m "$tmp/tiny.gguf" ||
		ACCEL_DEVICE=kernel:/dev/null refused 1 "generate: " -m "$tmp/tiny.gguf"
}
missing_files()
{
	refused 1 "$tmp/none.gguf: can not be read" -m "$tmp/none.gguf" &&
		refused 1 "$tmp/none: No such file" -m "$tmp/tiny.gguf" --batch "$tmp/none"
}
hostile_files()
{
	: >"$tmp/empty.gguf"
	printf 'GGUX' >"$tmp/magic.gguf"
	head -c 5000 "$tmp/tiny.gguf" >"$tmp/cut.gguf"
	size=$(wc -c <"$tmp/tiny.gguf")
	head -c $((size - 64)) "$tmp/tiny.gguf" >"$tmp/short.gguf"
	refused 1 "can not be read, or is empty" -m "$tmp/empty.gguf" &&
		refused 1 "not a GGUF file" -m "$tmp/magic.gguf" &&
		refused 1 "the file ends inside its directory" -m "$tmp/cut.gguf" &&
		refused 1 "its bytes do not lie in the file" -m "$tmp/short.gguf" &&
		refused 1 "can not be read" -m "$tmp"
}
refusals_by_name()
{
	patched arch 'llama\x0c\x00\x00\x00\x00\x00\x00\x00general.name' \
		'qwen2\x0c\x00\x00\x00\x00\x00\x00\x00general.name' &&
		refused 1 "architecture 'qwen2': only llama" -m "$tmp/arch.gguf" &&
		patched lost 'blk.1.ffn_down' 'blk.1.ffn_dowm' &&
		refused 1 "tensor blk.1.ffn_down.weight is missing" -m "$tmp/lost.gguf" &&
		patched block 'output_norm.weight\x01\x00\x00\x00\x80\x00\x00\x00\x00\x00\x00\x00\x00' \
			'output_norm.weight\x01\x00\x00\x00\x80\x00\x00\x00\x00\x00\x00\x00\x08' &&
		refused 1 "output_norm.weight is of type Q8_0 (8): only f32, f16 and bf16" \
			-m "$tmp/block.gguf" &&
		patched heads 'head_count\x04\x00\x00\x00\x02' 'head_count\x04\x00\x00\x00\x03' &&
		refused 1 "do not go together" -m "$tmp/heads.gguf"
}
byte_level()
{
	make_model bytes --byte-level gpt-2 && make_model llama3 --byte-level llama-bpe &&
		quiet -m "$tmp/bytes.gguf" -n 100 --temp 2 --top-p 1 -p "It's é" >"$tmp/text" &&
		iconv -f utf-8 -t utf-8 "$tmp/text" >/dev/null && grep -q "^It's é" "$tmp/text" &&
		! grep -q '<s>\|<unk>\|Ġ' "$tmp/text" && quiet -m "$tmp/llama3.gguf" -n 5 >/dev/null &&
		patched pre 'gpt-2' 'qwen2' bytes &&
		refused 1 "tokenizer.ggml.pre is 'qwen2': only gpt-2, llama-bpe" -m "$tmp/pre.gguf"
}
steers_no_terminal()
{
	patched evil 'llama\x0c\x00\x00\x00\x00\x00\x00\x00general.name' \
		'x\n\x1b[m\x0c\x00\x00\x00\x00\x00\x00\x00general.name' &&
		refused 1 "architecture 'x??[m': only llama" -m "$tmp/evil.gguf"
}
too_long() { refused 1 "the model's context is" -p "$(yes | head -c 3000)" -m "$tmp/tiny.gguf"; }
empty_prompt() { refused 1 "the prompt is empty" -p "" -m "$tmp/tiny.gguf"; }

quiet() { "$generate" -q "$@" 2>&1; }
utf8_only()
{
	quiet -m "$tmp/tiny.gguf" -n 200 --temp 2 --top-p 1 -p 'é' >"$tmp/text" &&
		iconv -f utf-8 -t utf-8 "$tmp/text" >/dev/null && grep -q '^é' "$tmp/text"
}
shows_report()
{
	"$generate" -n 40 >"$tmp/stdout" 2>"$tmp/stderr" || return
	cat "$tmp/stderr"
	for word in 'tokens/s' 'submission' 'waiting' 'matmul' 'attention' 'norm' \
		'submitted 41 times: 1 for the prompt, 40 steps'; do
		grep -q "$word" "$tmp/stderr" || { echo "no $word"; return 1; }
	done
	grep -q '^It was a fine evening, and' "$tmp/stdout"
}
# A step reads each weight once, and little else; of 41 submissions 40 are steps. The weights are
# what the file has behind its directory.
counts_bytes()
{
	"$generate" -n 40 2>"$tmp/stderr" || return
	PYTHONPATH=tools/model python3 - "$model" "$tmp/stderr" <<'END'
import pathlib
import re
import sys

import gguf_file

model = gguf_file.Reader(pathlib.Path(sys.argv[1]))
weights = len(model.raw) - (model.at + -model.at % gguf_file.ALIGN)
report = open(sys.argv[2], encoding="utf-8").read()
tiers = {name: 1e3 * float(n) for name, n in re.findall(r"^  (\w+) +([0-9.]+) kB$", report, re.M)}
print(weights, tiers)
assert set(tiers) == {"HBM", "system"}
assert weights * 40 / 41 <= tiers["HBM"] < 1.2 * weights
assert 0 < tiers["system"] < weights / 100
END
}
threads_change_no_bit()
{
	ACCEL_DEVICE=$ACCEL_DEVICE,threads=1 quiet --ids --check --temp 0 -n 60 >"$tmp/one" &&
		ACCEL_DEVICE=$ACCEL_DEVICE,threads=2 quiet --ids --check --temp 0 -n 60 >"$tmp/two" &&
		grep -q '^logits [0-9a-f]' "$tmp/one" && diff "$tmp/one" "$tmp/two"
}
seeds_choose()
{
	quiet -n 40 --seed 5 >"$tmp/a" && quiet -n 40 --seed 5 >"$tmp/b" &&
		quiet -n 40 --seed 6 >"$tmp/c" && cmp "$tmp/a" "$tmp/b" && ! cmp -s "$tmp/a" "$tmp/c"
}
batch_is_singles()
{
	cat >"$tmp/prompts" <<'END'
She was
"My dear Emma,"
It is a truth universally acknowledged, that a single man in possession of a good fortune
I
The carriage

Mr. Darcy looked at her, and
On the following morning, when they had all sat down to breakfast,
No
END
	for draw in '--temp 0' '--temp 0.8 --seed 9'; do
		# shellcheck disable=SC2086
		quiet -n 50 $draw --batch "$tmp/prompts" >"$tmp/batch" || return
		i=0
		grep . "$tmp/prompts" >"$tmp/lines"
		: >"$tmp/singles"
		while read -r line; do
			i=$((i + 1))
			[ "$i" = 1 ] || echo >>"$tmp/singles"
			# shellcheck disable=SC2086
			text=$(quiet -n 50 $draw -p "$line"; echo .) # a last newline counts
			printf '[%d] %s' "$i" "${text%.}" >>"$tmp/singles"
		done <"$tmp/lines"
		diff "$tmp/singles" "$tmp/batch" || return
	done
}
# For the guest's test: what this machine's direct way gave.
leave_expectation()
{
	mkdir -p build/tmp
	{ cksum <"$model"; quiet --ids --check --temp 0 -n 64; } >build/tmp/generate.direct
}

echo "TAP version 13"
echo "1..17"
make_model tiny || exit 1
point "help" help_is_there
point "wrong options are told in one line, status 2" wrong_options
point "no card: one line" no_card
point "missing files are named" missing_files
point "broken files are told in one line" hostile_files
point "what is not read is refused by name" refusals_by_name
point "a file's words steer no terminal" steers_no_terminal
point "a byte-level vocabulary, whose way to cut words is told by name" byte_level
point "a prompt longer than the context is refused" too_long
point "an empty prompt is refused" empty_prompt
point "what comes out is UTF-8, whatever the tokens" utf8_only
point "the report says where time and bytes went; one submit a token" shows_report
point "bytes of a step by tier: those of the weights and little more" counts_bytes
point "threads change no bit" threads_change_no_bit
point "a seed chooses the text" seeds_choose
point "eight prompts at once write what each writes alone" batch_is_singles
point "the direct way's bits are left for the guest" leave_expectation
exit $failed
