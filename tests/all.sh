#!/usr/bin/env bash
# tests/all.sh PYTHON [OPTIONS of pytest]: all tests but those of the containers and those in a browser.
# Those that train in their own process have one beside the others': there TensorFlow is imported once, and by no worker
# of the others. These are more than there are cores, since most of their tests wait for processes; a file's tests stay
# together, and the longest files begin.
set -uo pipefail
python=$1
shift
elsewhere=(--ignore=tests/browser --ignore=tests/compose --ignore=tests/deploy) # what they import each worker would, too
said=$(mktemp)
trap 'rm -f "$said"' EXIT
COVERAGE_FILE=.coverage-training "$python" -m pytest "$@" tests/training > "$said" 2>&1 &
"$python" -m pytest -n 6 --dist loadfile --no-loadscope-reorder "$@" --ignore=tests/training "${elsewhere[@]}"
status=$?
wait $! || status=$?
cat "$said"
exit $status
