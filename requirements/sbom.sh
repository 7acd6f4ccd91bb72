#!/bin/sh
# What is in the images from Python's world, as CycloneDX: sbom/<lock>.json for each of the locks. Other parts of an
# image (its base, Debian's packages) are told by a scanner of images.
set -eu
cd "$(dirname "$0")/.."
tools=.sbom-tools
[ -x $tools/bin/cyclonedx-py ] || {
    "${PYTHON:-python3}" -m venv $tools
    $tools/bin/python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes \
        --requirement requirements/sbom.txt
}
mkdir -p sbom
for name in server trainer-cpu trainer-gpu; do
    $tools/bin/cyclonedx-py requirements "requirements/$name.txt" --output-reproducible --output-file "sbom/$name.json"
    echo "sbom/$name.json"
done
