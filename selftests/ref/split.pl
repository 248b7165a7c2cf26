#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
# split.pl - words as Perl's regular expressions cut them, for each way of tokenizer.ggml.pre that
# samples/generate knows. A line each: the way, a text in hexadecimal, the bytes of its words.
use strict;
use warnings;
use Encode;

my $gpt2 = qr/'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/;
my $llama3 = qr/'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+/;
my %ways = (
	'gpt-2' => sub { $_[0] =~ /$gpt2/g },
	'llama-bpe' => sub { $_[0] =~ /$llama3/g },
	'smollm' => sub { map { /$gpt2/g } $_[0] =~ /\p{N}|[^\p{N}]+/g },
);
my @parts = ("'s", "'S", "'re", "'LL", "'ve", "'x", "'", ' ', '  ', "\n", "\r\n", "\n\n", "\t", 'a',
	'Zed', '_', '1', '2345', '!', '?!', '-', '$', map { chr }
	0xe9, 0xdf, 0x17f, 0x301, 0x4e2d, 0xac00, 0x663, 0xbd, 0xb2, 0x2163, 0x2026, 0xa0, 0x85,
	0x3000, 0x2028, 0x200b, 0xfffd, 0x1f600, 0x1d7d8, 0x10400);
my (@texts, @all);

srand(1);
push @texts, join('', map { $parts[rand @parts] } 0 .. rand 14) for 1 .. 3000;
# Every character of Unicode 15.0, behind a number and behind another sign: once, classes are shared.
for (my $from = 0; $from < 0x110000; $from += 256) {
	my @known = grep { /\p{In: 15.0}/ && !/\p{Cs}/ && !/\p{Co}/ } map { chr } $from .. $from + 255;
	push @all, join('', map { "1${_}a!${_}a" } @known) if @known;
}
for my $way (sort keys %ways) {
	for my $text (@texts, $way eq 'gpt-2' ? @all : ()) {
		my @words = $ways{$way}->($text);
		die if join('', @words) ne $text;
		print join(' ', $way, unpack('H*', encode('UTF-8', $text)),
			map { length encode('UTF-8', $_) } @words), "\n";
	}
}
