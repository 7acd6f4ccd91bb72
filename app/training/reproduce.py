"""What makes a trial repeatable: its seeds, and a record of all that decided its result."""

import hashlib
import platform
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from app.machine import device
from app.settings import VARIABLES

PROGRAM = Path(__file__).parents[1]
BUILD_ID = PROGRAM.parent / "build-id"  # only images have it
CLONE = Path("/clone/app")  # in containers, the program as it is beside the Compose file
# What starts trials, shares a machine among them or tells of them decides no result. All else may, your modules too.
AROUND_TRIALS = (
    *("__main__.py", "backend.py", "trial.py", "commands/", "parent/", "warm/", "training/record_cause.py"),
    *("machine/capacity.py", "machine/children.py", "machine/gpu_slots.py", "machine/leash.py", "machine/lock.py"),
    *("machine/node.py",),
    *("training/downloads.py", "training/network.py"),
)
PACKAGES = ("tensorflow", "keras", "numpy", "wandb")
# Variables that choose how TensorFlow computes, and so the last digits of a result.
SWITCHES = ("XLA", "DETERMINISTIC", "TF_ENABLE_ONEDNN_OPTS", "NVIDIA_TF32_OVERRIDE")


def seed(value: int, op_determinism: bool = True) -> None:
    """Starts every random stream of a trial anew, so that the same seed gives the same weights, bit for bit.

    Args:
        value: the trial's seed.
        op_determinism: whether a GPU is held to operations whose results repeat, which are slower. A CPU's results
            repeat without, and are others with it.
    """
    import keras
    import tensorflow as tf

    keras.utils.clear_session()
    keras.utils.set_random_seed(value)
    if op_determinism and tf.config.list_physical_devices("GPU"):
        tf.config.experimental.enable_op_determinism()


def provenance(seed: int, data_sha256: str, environ: Mapping[str, str]) -> dict[str, Any]:
    """Returns what a run records beside its settings, so that a figure can be traced and made again."""
    return {
        "seed": seed,
        "data_sha256": data_sha256,
        "code_sha256": code_sha256(),
        **image(environ),
        **git_state(),
        "packages": {name: version for name in PACKAGES if (version := package_version(name))},
        "python": platform.python_version(),
        **device.describe(environ),
        **{name: environ.get(name) or VARIABLES.get(name, (None,))[0] for name in SWITCHES},
    }


def image(environ: Mapping[str, str]) -> dict[str, str | None]:
    """Returns the id of the build that this image came from, and its digest if IMAGE_DIGEST tells it."""
    return {
        "build_id": BUILD_ID.read_text().strip() if BUILD_ID.exists() else None,
        "image_digest": environ.get("IMAGE_DIGEST") or None,
    }


def code_sha256(program: Path = PROGRAM) -> str:
    """Hashes names and contents of the sources in `program` that can decide a trial's result."""
    return _sha256(program, (name for name in _sources(program) if not name.startswith(AROUND_TRIALS)))


def stale(clone: Path = CLONE) -> str | None:
    """Says that the program in `clone` was edited after this image was built from it; None where there is no clone."""
    if not (clone / "train.py").exists():
        return None
    in_clone, here = (_sha256(program, _sources(program)) for program in (clone, PROGRAM))
    if in_clone == here:
        return None
    return "The code in app/ was edited after this image was built. `docker compose up --build` takes the edits."


def _sources(program: Path) -> list[str]:
    """Names from `program` on, in their order; what is hidden is an editor's."""
    names = (path.relative_to(program) for path in program.rglob("*.py"))
    return sorted(name.as_posix() for name in names if not any(part.startswith(".") for part in name.parts))


def _sha256(program: Path, names: Iterable[str]) -> str:
    total = hashlib.sha256()
    for name in names:
        content = (program / name).read_bytes()
        total.update(f"{name} {len(content)}\n".encode() + content)
    return total.hexdigest()


def git_state(directory: Path = PROGRAM) -> dict[str, Any]:
    """Returns the commit and whether tracked files differ from it; nulls outside a repository."""
    lines = _git(["status", "--porcelain=v2", "--branch", "--untracked-files=no"], directory)
    named = [line.removeprefix("# branch.oid ") for line in lines if line.startswith("# branch.oid ")]
    if not named or named == ["(initial)"]:
        return {"git_commit": None, "git_dirty": None}
    return {"git_commit": named[0], "git_dirty": any(not line.startswith("#") for line in lines)}


def _git(arguments: Sequence[str], directory: Path) -> list[str]:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=directory, capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return []
    return done.stdout.splitlines()


def package_version(name: str) -> str | None:
    """Returns an installed package's version; TensorFlow may be installed as `tensorflow-cpu`."""
    for candidate in (name, f"{name}-cpu"):
        try:
            return metadata.version(candidate)
        except metadata.PackageNotFoundError:
            continue
    return None
