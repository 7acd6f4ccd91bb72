"""A trial's share of the machine: threads, a GPU, whether XLA compiles."""

from importlib import metadata
from pathlib import Path

import keras
import pytest

from app import settings
from app.config import TrialConfig
from app.machine import device
from app.settings import Settings
from app.values import Values


def chosen(**variables: object) -> Settings:
    return settings.read({name: str(value) for name, value in variables.items()}, {})


@pytest.mark.parametrize(
    ("variables", "cores", "most", "count"),
    [
        ({}, 16, None, 16),  # by hand: alone on the machine
        ({"AGENTS": 3}, 16, None, 5),
        ({"AGENTS": 3}, 2, None, 1),
        ({"AGENTS": 3}, 16, 1, 1),
        ({"AGENTS": 3}, 16, 8, 5),
        ({"AGENTS": 3, "THREADS": 12}, 2, 1, 12),
    ],
)
def test_agents_share_the_cores_unless_a_number_is_set(
    variables: dict[str, object], cores: int, most: int | None, count: int
) -> None:
    assert device.threads(chosen(**variables), cores, most) == count


def test_the_example_knows_that_more_threads_do_it_no_good_and_other_models_take_their_share() -> None:
    class Larger(Values):
        width: int = 4096

    assert (TrialConfig().most_threads, Larger().most_threads) == (1, None)


def test_a_trial_gets_the_share_that_its_control_group_leaves(tmp_path: Path) -> None:
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("0::/\n")
    (tmp_path / "sys/fs/cgroup").mkdir(parents=True)
    (tmp_path / "sys/fs/cgroup/cpu.max").write_text("100000 100000\n")
    environ = {"TF_NUM_INTEROP_THREADS": "7"}

    device.acquire(chosen(AGENTS=1), environ, root=tmp_path)

    assert environ["TF_NUM_INTRAOP_THREADS"] == "1"
    assert environ["TF_NUM_INTEROP_THREADS"] == "7"  # the user's own word
    assert environ["OMP_NUM_THREADS"] == "1"


@pytest.mark.parametrize(("xla", "named"), [("auto", False), ("0", False), ("1", True)])
def test_a_folder_for_compiled_programs_is_named_where_a_cpu_compiles(tmp_path: Path, xla: str, named: bool) -> None:
    environ: dict[str, str] = {}

    device.acquire(chosen(XLA=xla), environ, root=tmp_path)

    assert ("TF_XLA_FLAGS" in environ) is named


@pytest.mark.parametrize(("agents", "slots"), [("", 0), ("1", 0), ("2", 1)])
def test_a_lone_agent_leases_no_gpu_that_its_cluster_has_given_it_and_several_share_theirs_out(
    tmp_path: Path, agents: str, slots: int
) -> None:
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/nvidia0").touch()
    environ = {"CUDA_VISIBLE_DEVICES": "0", "SLURM_JOB_GPUS": "3"}

    device.acquire(chosen(GPU_SLOTS_DIR=tmp_path / "slots", AGENTS=agents), environ, root=tmp_path)

    assert environ["CUDA_VISIBLE_DEVICES"] == "0"
    assert len(list((tmp_path / "slots").glob("*.lock"))) == slots


def test_a_gpu_that_the_installed_tensorflow_cannot_use_is_told_of(tmp_path: Path) -> None:
    if "tensorflow_cpu" not in {found.name.replace("-", "_") for found in metadata.distributions()}:
        pytest.skip("the TensorFlow here is the one for GPUs")
    (tmp_path / "dev").mkdir()

    none = device.without_cuda({}, tmp_path)
    (tmp_path / "dev/nvidia0").touch()

    assert none is None
    assert "`make prepare TRAINER=trainer-gpu` installs the other one" in (device.without_cuda({}, tmp_path) or "")
    assert device.without_cuda({"CUDA_VISIBLE_DEVICES": ""}, tmp_path) is None


def model() -> keras.Model:
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    network.compile("sgd", "mse")
    return network


@pytest.mark.parametrize(("variables", "compiled"), [({}, False), ({"XLA": 1}, True), ({"XLA": 0}, False)])
def test_xla_compiles_where_it_is_asked_for(variables: dict[str, object], compiled: bool) -> None:
    network = model()

    device.compile_choice(network, chosen(**variables))

    assert network.jit_compile is compiled


def test_xla_is_left_as_the_model_was_compiled_unless_it_is_set() -> None:
    network = model()
    network.jit_compile = True

    device.compile_choice(network, chosen(XLA="auto"))

    assert network.jit_compile is True


def test_a_gpu_is_held_to_one_kind_of_determinism() -> None:
    # Keras compiles nothing while TensorFlow's own is on.
    kinds = [({}, True), ({"DETERMINISTIC": 0}, False), ({"XLA": 1}, False), ({"XLA": 0}, True)]

    assert [device.op_determinism(chosen(**variables)) for variables, _ in kinds] == [kind for _, kind in kinds]
