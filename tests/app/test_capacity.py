"""How many agents run when nobody says: by cores and memory, and never more than there are runs."""

from pathlib import Path

import pytest

from app import settings
from app.machine import capacity
from app.machine.capacity import Capacity


@pytest.mark.parametrize(
    ("have", "most", "count", "reason"),
    [
        (Capacity(2, None), None, 3, "2 cores + 1"),
        (Capacity(2, 8000), None, 3, "2 cores + 1"),
        (Capacity(8, 2200), None, 3, "2200 MiB are free, 700 MiB a trial"),
        (Capacity(8, 100), None, 1, "100 MiB are free"),
        (Capacity(64, None), 5, 5, "no more than the runs to do: 5"),
        (Capacity(16, None, gpu_slots=4), None, 5, "4 GPU slots + 1"),
        (Capacity(2, None, gpu_slots=4), None, 3, "2 cores + 1"),
        (Capacity(16, 2200, gpu_slots=4), None, 3, "2200 MiB are free"),
        (Capacity(8, 2200, warm_server_mib=211), None, 2, "700 MiB a trial and 211 MiB for the warm server"),
        (Capacity(8, 100, warm_server_mib=211), None, 1, "100 MiB are free"),
    ],
)
def test_the_scarcest_thing_decides_and_is_named(have: Capacity, most: int | None, count: int, reason: str) -> None:
    agents, why = have.agents(most)

    assert agents == count
    assert reason in why


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def test_a_limit_of_any_control_group_above_counts(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "proc/meminfo": "MemTotal: 9 kB\nMemAvailable:   8388608 kB\n",
            "proc/self/cgroup": "0::/outer/inner\n",
            "sys/fs/cgroup/outer/cpu.max": "100000 100000\n",
            "sys/fs/cgroup/outer/memory.max": f"{3 << 30}\n",
            "sys/fs/cgroup/outer/memory.current": f"{2 << 30}\n",
            "sys/fs/cgroup/outer/memory.stat": f"anon 1\ninactive_file {1 << 30}\n",
            "sys/fs/cgroup/outer/inner/cpu.max": "max 100000\n",
            "sys/fs/cgroup/outer/inner/memory.max": "max\n",
        },
    )

    assert capacity.measure(tmp_path) == Capacity(cores=1, free_mib=2048)


def test_limits_of_the_first_version_of_control_groups_count(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "proc/self/cgroup": "7:memory:/host/a\n4:cpu,cpuacct:/host/a\n1:name=systemd:/\n",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "150000\n",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            # In a container the path that /proc names is the host's; its own limits stand at the top.
            "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{3 << 30}\n",
            "sys/fs/cgroup/memory/memory.usage_in_bytes": f"{2 << 30}\n",
            "sys/fs/cgroup/memory/memory.stat": f"inactive_file 0\ntotal_inactive_file {1 << 30}\n",
        },
    )

    assert capacity.measure(tmp_path) == Capacity(cores=1, free_mib=2048)


def test_a_group_of_the_first_version_without_a_limit_sets_none(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "proc/meminfo": "MemAvailable:   1048576 kB\n",
            "proc/self/cgroup": "7:memory:/\n4:cpu,cpuacct:/\n",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
            "sys/fs/cgroup/memory/memory.usage_in_bytes": "5\n",
        },
    )

    assert capacity.measure(tmp_path).free_mib == 1024


def test_more_agents_than_the_memory_carries_are_told_in_one_line() -> None:
    line = Capacity(8, 2200).too_many(5)

    assert line == (
        "AGENTS=5 may run out of memory: 700 MiB a trial are 3500 MiB, and 2200 MiB are free. AGENTS=3 would fit."
    )
    assert Capacity(8, 2200).too_many(3) is None
    assert Capacity(8, 2200, warm_server_mib=211).too_many(3) == (
        "AGENTS=3 may run out of memory: 700 MiB a trial and 211 MiB for the warm server are 2311 MiB, and "
        "2200 MiB are free. AGENTS=2 would fit."
    )
    assert Capacity(8, None).too_many(999) is None


def test_a_container_tells_of_the_machines_memory_and_not_of_its_own_limit(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "proc/meminfo": f"MemAvailable: {2 << 20} kB\n",
            "proc/self/cgroup": "0::/\n",
            "sys/fs/cgroup/memory.max": f"{512 << 20}\n",
            "sys/fs/cgroup/memory.current": "0\n",
        },
    )

    line = capacity.crowded({"AGENTS": "3", "TRAINER": "cpu"}, tmp_path)

    assert line is not None
    assert line.endswith("2048 MiB are free. AGENTS=2 would fit.")
    assert capacity.crowded({"AGENTS": "2", "TRAINER": "cpu"}, tmp_path) is None
    assert capacity.crowded({"AGENTS": "3"}, tmp_path) is None


def test_every_container_has_a_warm_server_of_its_own_and_a_machine_has_one(tmp_path: Path) -> None:
    write(tmp_path, {"proc/meminfo": f"MemAvailable: {2200 << 10} kB\n"})
    three = {"AGENTS": "3", "TRAINER": "cpu"}

    line = capacity.crowded(three, tmp_path)
    machine = capacity.of_machine(settings.read({}, {}), {}, tmp_path)

    assert line is not None
    assert "911 MiB a trial are 2733 MiB" in line
    assert machine.too_many(3) is not None
    assert machine.too_many(2) is None
    assert capacity.crowded(three | {"WARM": "0"}, tmp_path) is None
    assert capacity.of_machine(settings.read({"WARM": "0"}, {}), {}, tmp_path).too_many(3) is None


def test_the_slots_of_all_gpus_count(tmp_path: Path) -> None:
    write(tmp_path, {"dev/nvidia0": "", "dev/nvidia1": ""})

    machine = capacity.of_machine(settings.read({"GPU_SLOTS": "3"}, {}), {}, tmp_path)

    assert machine.gpu_slots == 6


def test_without_limits_the_machine_counts(tmp_path: Path) -> None:
    write(tmp_path, {"proc/meminfo": "MemAvailable:   1048576 kB\n"})

    assert capacity.measure(tmp_path).free_mib == 1024


def test_where_nothing_tells_the_memory_only_cores_count(tmp_path: Path) -> None:
    assert capacity.measure(tmp_path).free_mib is None
