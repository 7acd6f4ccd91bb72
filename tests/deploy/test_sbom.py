"""The bill of materials names what is installed, package by package."""

import json
import re
import subprocess
from pathlib import Path

import pytest

pytestmark = [pytest.mark.deploy, pytest.mark.slow]

ROOT = Path(__file__).parents[2]


def test_a_bill_of_materials_has_each_locked_package_with_its_version_and_hashes() -> None:
    done = subprocess.run(["make", "sbom"], cwd=ROOT, capture_output=True, text=True, timeout=300)

    assert done.returncode == 0, done.stderr
    for name in ("server", "trainer-cpu", "trainer-gpu"):
        lock = (ROOT / "requirements" / f"{name}.txt").read_text()
        bill = json.loads((ROOT / "sbom" / f"{name}.json").read_text())
        told = {(part["name"], part["version"]) for part in bill["components"]}
        assert told == set(re.findall(r"^([^\s=]+)==([^\s;]+)", lock, re.MULTILINE))
        assert all(part["externalReferences"][0]["hashes"] for part in bill["components"])
