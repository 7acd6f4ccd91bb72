"""Compiled programs that are kept: which is taken, which is made anew, and what is told of it."""

import os
from pathlib import Path

import pytest

from app.machine import compile_cache
from app.machine.compile_cache import CompileCache


def cache(root: Path, cpu: str = "flags: avx") -> CompileCache:
    (root / "cpuinfo").write_text(f"processor: 0\n{cpu}\n")
    environ = {"TF_XLA_FLAGS": f"--tf_xla_persistent_cache_directory={root / 'trial-xla-1'}"}
    found = compile_cache.find(root, environ, root / "cpuinfo")
    assert found
    return found


def compiled(kept: CompileCache, graph: bytes = b"graph") -> bool:
    """Stands in for TensorFlow, which compiles what its folder does not hold; says whether it did."""
    with kept.of(graph):
        program = kept.exchange / "program.pb"
        if program.exists():
            assert program.read_bytes() == graph * 2
            return False
        program.write_bytes(graph * 2)
        return True


def test_a_program_is_made_once_for_each_graph_and_cpu(tmp_path: Path) -> None:
    assert [compiled(cache(tmp_path)) for _ in range(3)] == [True, False, False]
    assert compiled(cache(tmp_path), b"another graph")
    assert compiled(cache(tmp_path, "flags: avx avx512f"))
    assert not compiled(cache(tmp_path))
    assert not list(tmp_path.glob("trial-xla-*"))


@pytest.mark.parametrize("damage", [b"", b"no line", b"!\nprogram.pb\ngraphgraph"])
def test_a_damaged_program_is_made_anew(tmp_path: Path, damage: bytes) -> None:
    compiled(cache(tmp_path))
    (program,) = (tmp_path / "compiled").iterdir()
    whole = program.read_bytes()
    program.write_bytes(damage)

    assert compiled(cache(tmp_path))
    assert program.read_bytes() == whole
    assert not compiled(cache(tmp_path))


def test_a_program_that_tensorflow_refuses_is_not_offered_again(tmp_path: Path) -> None:
    compiled(cache(tmp_path))

    with pytest.raises(ValueError, match="refused"), cache(tmp_path).of(b"graph"):
        raise ValueError("refused")

    assert compiled(cache(tmp_path))


def test_where_none_can_be_kept_it_is_made_each_time(tmp_path: Path) -> None:
    (tmp_path / "compiled").touch()

    assert [compiled(cache(tmp_path)) for _ in range(2)] == [True, True]


def test_the_oldest_programs_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compile_cache, "MOST", 2)
    for age_s, graph in ((30, b"a"), (20, b"b")):
        compiled(cache(tmp_path), graph)
        for path in (tmp_path / "compiled").iterdir():
            os.utime(path, (path.stat().st_atime - age_s,) * 2)

    compiled(cache(tmp_path), b"a")  # used, and so the newest
    compiled(cache(tmp_path), b"c")

    assert [compiled(cache(tmp_path), graph) for graph in (b"c", b"a", b"b")] == [False, False, True]


def test_what_is_no_error_is_not_told_and_all_else_is(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    compiled(cache(tmp_path))

    with cache(tmp_path).of(b"graph"):
        os.write(2, b"E0000 Error parsing text-format tensorflow.XlaSerializedCacheEntry: 2:1\nE0001 a fault\n")

    assert capfd.readouterr().err == "E0001 a fault\n"


def test_a_process_has_a_folder_of_its_own_unless_one_is_named() -> None:
    one: dict[str, str] = {"TF_XLA_FLAGS": "--tf_xla_clustering_debug"}
    other: dict[str, str] = {}
    named = {"TF_XLA_FLAGS": "--tf_xla_persistent_cache_directory=/mine"}
    for environ in (one, other, named):
        compile_cache.prepare(environ)

    assert one["TF_XLA_FLAGS"].startswith("--tf_xla_clustering_debug --tf_xla_persistent_cache_directory=")
    assert one["TF_XLA_FLAGS"].split("=")[1] != other["TF_XLA_FLAGS"].split("=")[1]
    assert named == {"TF_XLA_FLAGS": "--tf_xla_persistent_cache_directory=/mine"}
    assert compile_cache.find(Path("/data"), named) is None
