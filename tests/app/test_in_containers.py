"""What the programs do otherwise in a container: the key, the data, the build's id, and what they say of GPUs."""

import shutil
from pathlib import Path

import pytest

from app import backend, data, settings
from app.machine import device
from app.settings import SettingError
from app.training import data_places, fashion_mnist, reproduce

KEY = "k" * 40


def test_a_key_may_come_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n")

    chosen = backend.choose({"WANDB_API_KEY_FILE": str(tmp_path / "key")})

    assert (chosen.kind, chosen.api_key) == ("cloud", KEY)
    assert chosen.reason == "the W&B cloud: .env sets WANDB_API_KEY_FILE"


def test_in_a_container_the_key_is_where_the_engine_put_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mounted").write_text(KEY)
    monkeypatch.setattr(backend, "MOUNTED_KEY", tmp_path / "mounted")

    chosen = backend.choose({"WANDB_API_KEY_FILE": "/a/file/of/the/host", "ENV_FILE": "-"})

    assert chosen.api_key == KEY


def test_a_key_file_without_a_key_is_told_and_never_means_the_embedded_server(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()

    with pytest.raises(SettingError, match=r"WANDB_API_KEY_FILE is '.*empty': the file is empty"):
        backend.choose({"WANDB_API_KEY_FILE": str(tmp_path / "empty")})
    with pytest.raises(SettingError, match=r"WANDB_API_KEY_FILE is '/no/key': No such file or directory, for user \d+"):
        backend.choose({"WANDB_API_KEY_FILE": "/no/key"})


def test_a_prepared_copy_is_used_where_nothing_can_be_written(prepared_data: Path, tmp_path: Path) -> None:
    (tmp_path / "a file").touch()
    nowhere = str(tmp_path / "a file" / "data")
    places = data_places.Places.of({"FASHION_MNIST_DIR": str(prepared_data), "DATA_DIR": nowhere})

    arrays, _ = fashion_mnist.load(places)

    assert arrays["train_images"].shape == (50_000, 28, 28)
    assert data.prepare({"FASHION_MNIST_DIR": str(prepared_data), "DATA_DIR": nowhere}).endswith(str(prepared_data))


def test_a_run_records_which_build_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "build-id").write_text("abc\n")
    monkeypatch.setattr(reproduce, "BUILD_ID", tmp_path / "build-id")

    assert reproduce.image({"IMAGE_DIGEST": "sha256:1"}) == {"build_id": "abc", "image_digest": "sha256:1"}


def test_outside_of_images_there_is_no_build_to_record() -> None:
    assert reproduce.image({}) == {"build_id": None, "image_digest": None}


@pytest.mark.parametrize("name", ["model.py", "commands/report/words.py"])
def test_a_container_tells_that_its_image_is_older_than_the_code_beside_the_compose_file(
    tmp_path: Path, name: str
) -> None:
    shutil.copytree(reproduce.PROGRAM, tmp_path / "app", ignore=shutil.ignore_patterns("__pycache__"))

    as_built = reproduce.stale(tmp_path / "app")
    (tmp_path / "app" / name).write_text("edited = True\n")
    edited = reproduce.stale(tmp_path / "app")

    assert as_built is None
    assert edited is not None
    assert "`docker compose up --build` takes the edits." in edited
    assert reproduce.stale(tmp_path / "no clone here") is None


def test_the_image_for_cpus_tells_how_to_use_the_gpu_that_it_finds(tmp_path: Path) -> None:
    driver = tmp_path / "proc/driver/nvidia"
    driver.mkdir(parents=True)
    (driver / "version").touch()

    line = device.idle_gpu({"TRAINER": "cpu"}, tmp_path)

    assert line is not None
    assert line.endswith("COMPOSE_FILE=docker-compose.yml:compose.gpu.yml")
    assert device.idle_gpu({"TRAINER": "gpu"}, tmp_path) is None
    assert device.idle_gpu({"TRAINER": "cpu"}, tmp_path / "no driver") is None


@pytest.mark.parametrize("name", ["nvidia0", "dxg"])
def test_the_image_for_gpus_says_in_one_line_that_it_trains_on_the_cpu(tmp_path: Path, name: str) -> None:
    (tmp_path / "dev").mkdir()

    assert device.missing_gpu({"TRAINER": "gpu"}, tmp_path) == "No GPU is to be seen: trials run on the CPU."
    assert device.missing_gpu({}, tmp_path) is None
    (tmp_path / "dev" / name).touch()
    assert device.missing_gpu({"TRAINER": "gpu"}, tmp_path) is None


def test_links_for_browsers_may_have_another_address_than_the_agents_use() -> None:
    located = backend.Backend("embedded", "", "http://server:8080", KEY)
    environ = {"PUBLIC_URL": "http://127.0.0.1:9000"}

    values = backend.environment(located, settings.read(environ, {}), environ, {})

    assert (values["WANDB_BASE_URL"], values["WANDB_APP_URL"]) == ("http://server:8080", "http://127.0.0.1:9000")
