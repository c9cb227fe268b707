#!/bin/sh
# Turns pattern files into a C array: embed.sh OUT.c responses.yaml paths.yaml ...
set -eu

out=$1
shift

{
	echo '/* Made by core/embed.sh. */'
	echo '#include "core/patterns_state.h"'
	echo
	echo 'const struct pattern_text patterns_builtin_texts[] = {'
	for file in "$@"; do
		printf '\t{ "%s", STR(\n' "$(basename "$file")"
		LC_ALL=C sed 's/\\/\\\\/g; s/"/\\"/g; s/^/"/; s/$/\\n"/' "$file"
		printf '\t) },\n'
	done
	echo '};'
	echo
	echo 'const size_t patterns_builtin_count ='
	echo '	sizeof(patterns_builtin_texts) / sizeof(patterns_builtin_texts[0]);'
} > "$out.tmp"
mv "$out.tmp" "$out"
