#!/bin/sh
# W&B's own search engine in an environment of its own, since it wants numpy below 2: benchmarks/.oracle.
# `regret` runs it beside this one, and some tests compare with it; neither needs it.
set -eu
cd "$(dirname "$0")"
"${PYTHON:-python3}" -m venv .oracle
.oracle/bin/python -m pip install --quiet 'sweeps==0.3.0'
