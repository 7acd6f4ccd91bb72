#!/bin/sh
# Installs locks by name into .venv, which is made first if none is there that works: install.sh server trainer-cpu
set -eu
cd "$(dirname "$0")/.."

usable() {
    "$1" -c 'import sys, ensurepip, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' > /dev/null 2>&1
}

python() {
    for candidate in ${PYTHON:+"$PYTHON"} python3 python3.13 python3.12 python3.11; do
        if usable "$candidate"; then
            echo "$candidate"
            return
        fi
        [ -z "${PYTHON:-}" ] || break
    done
    found=$("${PYTHON:-python3}" --version 2>&1) || found="no ${PYTHON:-python3}"
    echo "Error: Python 3.11, 3.12 or 3.13 with venv is needed; here is $found${PYTHON:+ (PYTHON=$PYTHON)}." >&2
    echo "Debian, Ubuntu: apt-get install python3-venv. Elsewhere: make PYTHON=/path/to/python3.12 up" >&2
    return 1
}

if ! .venv/bin/python -m pip --version > /dev/null 2>&1; then
    chosen=$(python)
    echo "Making .venv with $("$chosen" --version)"
    "$chosen" -m venv --clear .venv
fi

[ $# -gt 0 ] || exit 0
case $* in *trainer*) room=": some 2 GB, a minute or more" ;; *) room= ;; esac
echo "Installing $*$room"
for name in "$@"; do
    set -- "$@" --requirement "requirements/$name.txt"
    shift
done
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes "$@"
