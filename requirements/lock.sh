#!/bin/sh
# Renews requirements/*.txt from *.in: hashes, no address, one file for every supported Python and processor.
# One environment holds server + trainer + dev + deploy, so all of them are first solved together.
set -eu
cd "$(dirname "$0")"
compile() {
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --no-header --no-annotate "$@"
}
together=$(mktemp)
trap 'rm -f "$together"' EXIT
cat server.in trainer-cpu.in trainer-gpu.in dev.in deploy.in | sed "s|^-r |-r $PWD/|" > "$together.in"
uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate \
    --no-emit-index-url --no-emit-find-links "$together.in" --output-file "$together"
rm -f "$together.in"
for name in server trainer-cpu trainer-gpu dev deploy rivals; do
    compile --constraint "$together" "$name.in" --output-file "$name.txt" --upgrade
done
# Alone in its environment.
compile sbom.in --output-file sbom.txt --upgrade
