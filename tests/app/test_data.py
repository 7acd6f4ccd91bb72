import gzip
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from app import data
from app.config import TrialConfig
from app.training import data_sources, fashion_mnist
from app.training.data_places import DataError

CONFIG = TrialConfig()


def environment(directory: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "DATA_DIR": str(directory), **more}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("data")
    data.prepare(environment(directory))
    return directory


@pytest.fixture
def own_copy(prepared: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(prepared, tmp_path / "data"))


def test_the_splits_hold_every_image_once(prepared: Path) -> None:
    splits = data.load(CONFIG, environment(prepared))

    for (images, labels), size in [(splits.train, 50_000), (splits.validation, 10_000), (splits.test, 10_000)]:
        assert (images.shape, str(images.dtype)) == ((size, 28, 28), "uint8")
        assert (labels.shape, str(labels.dtype)) == ((size,), "int32")
    known = np.concatenate([splits.train[1], splits.validation[1]])
    assert np.bincount(known).tolist() == [6000] * 10
    seen = {image.tobytes() for image in splits.train[0]} | {image.tobytes() for image in splits.validation[0]}
    assert len(seen) > 59_990  # a few images are in the original twice


def test_every_seed_is_judged_by_the_same_held_out_images(prepared: Path) -> None:
    one, other = (data.load(TrialConfig(seed=seed), environment(prepared)) for seed in (1, 2))

    assert np.array_equal(one.validation[0], other.validation[0])
    assert one.sha256 == other.sha256


def test_images_are_mapped_from_the_prepared_files(prepared: Path) -> None:
    images, _ = data.load(CONFIG, environment(prepared)).train

    assert isinstance(images, np.memmap)
    assert not images.flags.writeable


def test_prepared_data_needs_its_source_no_more(prepared: Path) -> None:
    nowhere = environment(prepared, FASHION_MNIST_DIR="/nowhere")

    assert len(data.load(CONFIG, nowhere).test[0]) == 10_000
    assert str(prepared) in data.prepare(nowhere)


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    "harm",
    [
        lambda directory: damage(directory / "train_images.npy"),
        lambda directory: os.truncate(directory / "validation_images.npy", 1000),
        lambda directory: (directory / "test_labels.npy").write_bytes(b""),
        lambda directory: (directory / "test_labels.npy").unlink(),
        lambda directory: (directory / "manifest.json").write_text("{"),
        lambda directory: (directory / "manifest.json").write_text("[]"),
    ],
    ids=["a bit", "cut short", "emptied", "lost", "manifest cut short", "manifest of another kind"],
)
def test_a_damaged_copy_is_made_again(prepared: Path, own_copy: Path, harm: Callable[[Path], object]) -> None:
    harm(own_copy / "fashion-mnist")

    made, sound = (data.load(CONFIG, environment(directory)) for directory in (own_copy, prepared))

    assert made.sha256 == sound.sha256
    for part in ("train", "validation", "test"):
        assert all(map(np.array_equal, getattr(made, part), getattr(sound, part)))
    assert not list((own_copy / "fashion-mnist").glob("new-*"))


def test_another_split_in_the_program_makes_the_copy_again(own_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fashion_mnist, "VALIDATION_IMAGES", 5_000)

    assert len(data.load(CONFIG, environment(own_copy)).train[0]) == 55_000


def test_files_need_not_be_compressed(source: Path, prepared: Path, tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.mkdir()
    for name in data_sources.FILES:
        (plain / name).write_bytes(gzip.decompress((source / f"{name}.gz").read_bytes()))

    told = data.prepare(environment(tmp_path / "data", FASHION_MNIST_DIR=str(plain)))

    assert told == f"Fashion-MNIST from FASHION_MNIST_DIR={plain}, prepared in {tmp_path}/data/fashion-mnist"


def test_a_damaged_source_is_named_with_what_to_do(source: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(source, tmp_path / "source"))
    damaged = copy / "t10k-labels-idx1-ubyte.gz"
    content = bytearray(gzip.decompress(damaged.read_bytes()))
    content[100] ^= 1
    damaged.write_bytes(gzip.compress(content))

    with pytest.raises(DataError) as caught:
        data.load(CONFIG, environment(tmp_path / "data", FASHION_MNIST_DIR=str(copy)))

    assert f"{copy}/t10k-labels-idx1-ubyte is damaged or another data set" in str(caught.value)
    assert "install Debian's or Ubuntu's package dataset-fashion-mnist, or set FASHION_MNIST_DIR" in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"not gzip", b"\x1f\x8b\x08\x00cut"])
def test_an_unreadable_source_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(content)

    with pytest.raises(DataError, match=r"train-images-idx3-ubyte(\.gz)? (cannot be read|is damaged)"):
        data.load(CONFIG, environment(tmp_path / "data", FASHION_MNIST_DIR=str(tmp_path)))


def test_a_missing_source_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="FASHION_MNIST_DIR=/nowhere: no /nowhere/train-images-idx3-ubyte"):
        data.load(CONFIG, environment(tmp_path, FASHION_MNIST_DIR="/nowhere"))


def test_a_data_dir_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")

    with pytest.raises(DataError, match="Set DATA_DIR to another folder"):
        data.load(CONFIG, environment(tmp_path / "data"))


def test_three_trials_may_start_at_once(source: Path, prepared: Path, tmp_path: Path) -> None:
    program = "from app import data; from app.config import TrialConfig; print(data.load(TrialConfig()).sha256)"
    variables = environment(tmp_path / "data", FASHION_MNIST_DIR=str(source))

    trials = [
        subprocess.Popen([sys.executable, "-c", program], env=variables, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    last_lines = {trial.communicate()[0].splitlines()[-1] for trial in trials}

    assert last_lines == {data.load(CONFIG, environment(prepared)).sha256}
    assert not list((tmp_path / "data" / "fashion-mnist").glob("new-*"))
