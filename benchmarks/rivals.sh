#!/bin/sh
# The other tuners in an environment of their own, 2 GB: benchmarks/.rivals. `python -m benchmarks.rivals` starts them.
set -eu
cd "$(dirname "$0")"
"${PYTHON:-python3}" -m venv .rivals
.rivals/bin/python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes \
    --requirement ../requirements/rivals.txt
