#!/bin/sh
# Turns files into a C array: embed.sh OUT.c ARRAY DIRECTORY FILE...
# Their names in the array are those below DIRECTORY.
set -eu

out=$1 array=$2 directory=$3
shift 3

{
	echo '/* Made by notify/embed.sh. */'
	echo '#include "notify/texts.h"'
	echo
	echo "const struct builtin_text ${array}[] = {"
	for file; do
		printf '\t{ "%s", STR(\n' "${file#"$directory/"}"
		LC_ALL=C sed 's/\\/\\\\/g; s/"/\\"/g; s/??/?\\?/g; s/^/"/; s/$/\\n"/' "$file"
		printf '\t) },\n'
	done
	echo '	{ .name = 0 }'
	echo '};'
} > "$out.tmp"
mv "$out.tmp" "$out"
