"""Failing disks and damaged shards: one message, no wrong row, and the sweep resumes."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from robustness.ground import LONG, command, question, repeated, run_after, shard_bytes, shards

from sim.batch.design import own_shards
from sim.batch.store import Results, is_sealed
from sim.batch.sweep import run_sweep

CALLS = ("fsync", "rename", "pwrite64", "mkdir", "ftruncate")


def ended_with_reason(code: int, err: str) -> bool:
    """Whether a sweep ended, or stopped with one line that gives the reason."""
    return code in (0, 1) and "Traceback" not in err and (code == 0 or len(err.strip().splitlines()[-1]) > 10)


@pytest.mark.parametrize("n", repeated(14))
def test_limit_on_the_size_of_files(whole: Results, tmp_path: Path, n: int) -> None:
    """A limit acts like a full disk and needs no mount."""
    folder, limit = tmp_path / "results", 9_000 if n == 0 else random.Random(n).randrange(2_000, 60_000)  # noqa: S311
    setup = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))"
    done = run_after(setup, command(folder))
    assert ended_with_reason(done.returncode, done.stderr)
    assert done.returncode == (0 if len(shards(folder)) == len(shards(whole.folder)) else 1)
    assert run_sweep(question(), folder, workers=1).results.digest() == whole.digest()


@pytest.mark.second
def test_run_on_a_full_disk_leaves_whole_files_and_names_the_other(tmp_path: Path) -> None:
    out = tmp_path / "run"
    setup = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (3_000, 3_000))"
    done = run_after(setup, ["run", "unix_1988", "--out", str(out)])
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert str(out / "outcomes.csv") in done.stderr
    assert [path.name for path in out.iterdir()] == ["trajectory.csv"]
    whole = run_after("", ["run", "unix_1988", "--out", str(tmp_path / "whole")])
    assert whole.returncode == 0
    assert all(path.read_bytes() == (tmp_path / "whole" / path.name).read_bytes() for path in out.iterdir())


@LONG
@pytest.mark.parametrize("kilobytes", range(40, 760, 50))
def test_full_disk(whole: Results, tmp_path: Path, kilobytes: int) -> None:
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(small)], check=True)
    try:
        done = run_after("", command(small / "results"))
        if (small / "results").is_dir():
            shutil.copytree(small / "results", tmp_path / "results")
    finally:
        subprocess.run(["umount", str(small)], check=True)
    assert ended_with_reason(done.returncode, done.stderr)
    assert run_sweep(question(), tmp_path / "results", workers=1).results.digest() == whole.digest()


@LONG
@pytest.mark.parametrize("n", range(14))
def test_system_call_that_fails(whole: Results, tmp_path: Path, n: int) -> None:
    draw = random.Random(n)  # noqa: S311
    call, error, when = CALLS[n % len(CALLS)], draw.choice(["EIO", "ENOSPC"]), draw.randrange(1, 60)
    words = ["strace", "-f", "-qq", "-o", "/dev/null", f"--trace={call}", f"--inject={call}:error={error}:when={when}"]
    sweeping = [sys.executable, "-m", "sim", *command(tmp_path / "results")]
    done = subprocess.run([*words, *sweeping], capture_output=True, text=True, check=False)
    assert ended_with_reason(done.returncode, done.stderr)
    assert run_sweep(question(), tmp_path / "results", workers=1).results.digest() == whole.digest()


def test_damaged_shard_is_set_aside_and_computed_again(whole: Results, tmp_path: Path) -> None:
    results = Results(shutil.copytree(whole.folder, tmp_path / "results"))
    cut, flipped, missing = sorted(results.shards.iterdir())[:3]
    content = (cut / "runs.parquet").read_bytes()
    (cut / "runs.parquet").write_bytes(content[:-97])
    bits = bytearray((flipped / "states.parquet").read_bytes())
    bits[len(bits) // 2] ^= 1
    (flipped / "states.parquet").write_bytes(bytes(bits))
    (missing / "moves.parquet").unlink()
    identities = own_shards(whole.manifest(), [shard.name for shard in (cut, flipped, missing)])
    assert not any(is_sealed(shard, identities[shard.name]) for shard in (cut, flipped, missing))
    assert run_sweep(question(), results.folder, workers=1).computed_now == 30
    assert shard_bytes(results) == shard_bytes(whole)
    assert len(list((results.folder / "damaged").iterdir())) == 3


@pytest.mark.parametrize("flips", [50, pytest.param(1000, marks=LONG)])
def test_every_cut_and_flipped_bit_is_found(whole: Results, tmp_path: Path, flips: int) -> None:
    shard = shutil.copytree(min(whole.shards.iterdir()), tmp_path / "shard")
    (own,) = own_shards(whole.manifest(), [min(whole.shards.iterdir()).name]).values()
    draw, tried = random.Random(7), 0  # noqa: S311
    for path in sorted(shard.iterdir()):
        content = path.read_bytes()
        damaged = [content[:n] for n in range(0, len(content), 97)]
        for _ in range(flips):
            flipped = bytearray(content)
            flipped[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
            damaged.append(bytes(flipped))
        for other in damaged:
            path.write_bytes(other)
            assert not is_sealed(shard, own.identity)
        path.write_bytes(content)
        tried += len(damaged)
    assert is_sealed(shard, own.identity)
    print(f"{tried} damaged files of a shard, all found")
