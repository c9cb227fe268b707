#!/bin/sh
# autogen.sh: makes ./configure out of configure.ac. Needs autoconf, automake and pkg-config.
set -e
cd "$(dirname "$0")"
exec autoreconf --force --install --warnings=all
