#!/bin/sh
# Turns migrations into a C array: embed.sh OUT.c 0001_name.sql 0002_name.sql ...
# The number before the first "_" is the version, what follows is the name.
set -eu

out=$1
shift

{
	echo '/* Made by schema/embed.sh. */'
	echo '#include "schema/migrate.h"'
	echo
	echo 'const struct migration migrations[] = {'
	for file in "$@"; do
		base=$(basename "$file" .sql)
		printf '\t{ %s, "%s",\n' "$(echo "${base%%_*}" | sed 's/^0*//')" "${base#*_}"
		LC_ALL=C sed 's/\\/\\\\/g; s/"/\\"/g; s/^/"/; s/$/\\n"/' "$file"
		printf '\t},\n'
	done
	echo '};'
	echo
	echo 'const size_t migrations_count = sizeof(migrations) / sizeof(migrations[0]);'
} > "$out.tmp"
mv "$out.tmp" "$out"
