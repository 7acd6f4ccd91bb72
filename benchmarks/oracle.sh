#!/bin/sh
# W&B's own search engine in an environment of its own, since it wants numpy below 2: benchmarks/.oracle, 300 MB.
# `regret` runs it beside this one, and a test compares its record with it; neither needs it.
# PYTHON names a Python 3.11 or 3.12; there is no such numpy for later ones.
set -eu
cd "$(dirname "$0")"
"${PYTHON:-python3}" -m venv .oracle
.oracle/bin/python -m pip install --quiet --disable-pip-version-check --no-input 'sweeps==0.3.0'
