"""Links, pipes, devices and oversized files in folders of results: nothing outside is read, written or moved."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from robustness.ground import LONG

from sim.api import results as api_results
from sim.api.record import forecasts
from sim.batch.store import Results, set_aside
from sim.cli import cli
from sim.errors import InputError
from sim.files import MAX_TABLE, read_file, require_writable, write_synced
from sim.forecast import chances
from sim.forecast.draws import FILE, load_draws
from sim.forecast.record import observed_file
from sim.scenario.loading import BASE

SWEEP = ("sweep", "unix_1988", "--replicates", "3", "--steps", "3", "--seed", "1", "--workers", "1", "--out")
READING = {
    "compare": lambda folder: ("compare", folder),
    "export": lambda folder: ("export", folder, "--out", f"{folder}-export"),
    "query": lambda folder: ("query", folder, "select * from runs"),
    "replay": lambda folder: ("replay", folder, "0-0"),
    "report": lambda folder: ("report", folder, "--points", "0"),
    "resume": lambda folder: (*SWEEP, folder),
    "overwrite": lambda folder: (*SWEEP, folder, "--overwrite"),
}  # fmt: skip
TABLE = "shards/000000-00000000/runs.parquet"


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished sweep."""
    folder = tmp_path_factory.mktemp("honest") / "results"
    ran(*SWEEP, str(folder))
    return folder


@pytest.fixture
def folder(honest: Path, tmp_path: Path) -> Path:
    """A copy of the sweep, to plant something in."""
    return Path(shutil.copytree(honest, tmp_path / "results"))


def ran(*words: str, code: int = 0) -> str:
    """What a command prints; it ends with this exit code and without a traceback."""
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == code, (done.output, done.exception)
    assert "Traceback" not in done.output
    return str(done.output)


def state_of(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Time and content of every file in a folder."""
    return {str(p): (p.stat().st_mtime_ns, p.read_bytes()) for p in sorted(folder.rglob("*")) if p.is_file()}


def moved_out(planted: str) -> Callable[[Path, Path], Path]:
    """A file or folder is moved out of the results, and a link to it takes its place."""

    def plant(folder: Path, outside: Path) -> Path:
        path = folder / planted
        if path.exists():
            shutil.move(path, outside / path.name)
        else:
            (outside / path.name).mkdir()
        path.symlink_to(outside / path.name)
        return path

    return plant


def pipe_for(planted: str) -> Callable[[Path, Path], Path]:
    """A named pipe without a writer takes the place of a file."""

    def plant(folder: Path, outside: Path) -> Path:
        path = folder / planted
        path.unlink(missing_ok=True)
        os.mkfifo(path)
        return path

    return plant


def hollow(folder: Path, outside: Path) -> Path:
    """A table of 3 GB, which takes no space on the disk."""
    os.truncate(folder / TABLE, MAX_TABLE + 2**30)
    return folder / TABLE


PLANTED: dict[str, Callable[[Path, Path], Path]] = {
    "manifest as a link": moved_out("manifest.json"),
    "shards as a link": moved_out("shards"),
    "damaged as a link": moved_out("damaged"),
    "shard as a link": moved_out("shards/000000-00000000"),
    "table as a link": moved_out(TABLE),
    "manifest as a pipe": pipe_for("manifest.json"),
    "table as a pipe": pipe_for(TABLE),
    "seal as a pipe": pipe_for("shards/000000-00000000/seal.json"),
    "large table": hollow,
}


@pytest.mark.parametrize("planted", PLANTED)
def test_planted_file_is_refused_by_name_in_every_command(planted: str, folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    path = PLANTED[planted](folder, outside)
    before = state_of(outside)
    for words in READING.values():
        shown = " ".join(ran(*words(str(folder)), code=2).split())
        assert path.name in shown
        assert any(phrase in shown for phrase in ("is a link", "is a pipe", "is larger than")), shown
    assert state_of(outside) == before
    assert os.path.lexists(path)


@pytest.mark.parametrize("name", [".lock", "damaged"])
def test_link_in_the_place_of_a_lock_or_of_damaged_is_not_followed(name: str, folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / name).write_text("kept", "utf-8")
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(outside / name)
    assert "is a link" in ran(*SWEEP, str(folder), code=2)
    if name == "damaged":
        with pytest.raises(InputError, match="damaged:1: is a link"):
            set_aside(next(folder.glob("shards/*")))
    assert (outside / name).read_text("utf-8") == "kept"


@pytest.fixture
def victim(tmp_path: Path) -> Iterator[Path]:
    """A file outside, unchanged in the end."""
    path = tmp_path / "victim"
    path.write_text("kept", "utf-8")
    yield path
    assert path.read_text("utf-8") == "kept"


WRITING: dict[str, tuple[tuple[str, ...], Callable[[str, Path], tuple[str, ...]]]] = {
    "run": (
        ("record.json", "trajectory.csv", "outcomes.csv"),
        lambda results, out: ("run", "unix_1988", "--steps", "3", "--out", str(out)),
    ),
    "page of a run": (
        ("story.html",),
        lambda results, out: ("run", "unix_1988", "--steps", "3", "--html", str(out / "story.html")),
    ),
    "compare": (("outcomes.csv", "states.csv"), lambda results, out: ("compare", results, "--csv", str(out))),
    "export": (("runs.csv", "states.csv"), lambda results, out: ("export", results, "--out", str(out))),
    "report": (
        ("report.html",),
        lambda results, out: ("report", results, "--points", "0", "--out", str(out / "report.html")),
    ),
    "calibrate": (
        ("calibration.json", "identifiability.png", "posterior.csv"),
        lambda results, out: ("calibrate", BASE, "--points", "8", "--replicates", "1", "--out", str(out)),
    ),
    "demo": (
        ("outcomes.csv", "states.csv", "claims.json", "joining.png"),
        lambda results, out: ("demo", "--replicates", "2", "--out", str(out)),
    ),
}


LATER = {"calibrate": LONG, "demo": LONG}


@pytest.fixture(scope="module")
def fit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished calibration."""
    out = tmp_path_factory.mktemp("calibrated") / "fit"
    ran(*WRITING["calibrate"][1]("", out))
    return out


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("kind", [pytest.param(kind, marks=LATER.get(kind, ())) for kind in WRITING])
def test_written_file_replaces_a_link(
    kind: str, honest: Path, victim: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    names, words = WRITING[kind]
    out = tmp_path / "out"
    if kind == "calibrate":  # a folder that holds other files is refused, so the links come after a first fit
        shutil.copytree(request.getfixturevalue("fit"), out)
    else:
        out.mkdir()
    for name in names:
        (out / name).unlink(missing_ok=True)
        (out / name).symlink_to(victim)
    ran(*words(str(honest), out))
    assert all((out / name).is_file() and not (out / name).is_symlink() for name in names)
    assert not list(out.glob(".*.*.*"))


def test_plan_of_a_calibration_is_no_link(victim: Path, tmp_path: Path) -> None:
    (tmp_path / "fit").mkdir()
    (tmp_path / "fit" / chances.PLAN).symlink_to(victim)
    with pytest.raises(InputError, match="is a link"):
        forecasts.calibrate(BASE, out=tmp_path / "fit", points=8, replicates=1)


@pytest.mark.second
def test_table_of_chances_is_no_link(fit: Path, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(fit, tmp_path / "fit"))
    table = next(copied.glob("shards/*/chances.parquet"))
    table.rename(tmp_path / "chances.parquet")
    table.symlink_to(tmp_path / "chances.parquet")
    with pytest.raises(InputError, match=r"chances\.parquet:1: is a link"):
        forecasts.calibrate(BASE, out=copied, points=8, replicates=1)


def test_only_regular_files_are_read_and_replaced(victim: Path, tmp_path: Path) -> None:
    link, pipe = tmp_path / "link.json", tmp_path / "pipe.json"
    link.symlink_to(victim)
    os.mkfifo(pipe)
    for path, message in ((link, "is a link"), (pipe, "is a pipe"), (Path("/dev/zero"), "is a pipe, a device")):
        with pytest.raises(InputError, match=message):
            read_file(path)
    for path in (pipe, Path("/dev/zero")):
        with pytest.raises(InputError, match="is a pipe, a device"):
            write_synced(path, b"new")
    with pytest.raises(InputError, match="is larger than 0 MB"):
        read_file(victim, 3)
    assert read_file(victim, 4) == b"kept"
    write_synced(link, b"new")
    assert link.read_bytes() == b"new"
    assert not link.is_symlink()


@pytest.mark.parametrize("name", ["{victim}.toml", "../victim", "/etc/passwd", "sub/victim", "linked", "worlds"])
def test_posterior_names_a_scenario_of_the_catalogue_or_beside_it(name: str, tmp_path: Path) -> None:
    secret = tmp_path / "victim.toml"
    secret.write_text('secret_key = "secret value"\n', "utf-8")
    inside = tmp_path / "inside"
    (inside / "sub").mkdir(parents=True)
    (inside / "linked.toml").symlink_to(secret)
    (inside / "sub" / "victim.toml").write_text('secret_key = "secret value"\n', "utf-8")
    text = observed_file(BASE).with_name(FILE).read_text("utf-8")
    asked = name.format(victim=secret.with_suffix(""))
    (inside / "p.csv").write_text(text.replace(f"# scenario: {BASE}", f"# scenario: {asked}"), "utf-8")
    with pytest.raises(
        InputError, match="is not the name of a scenario of the catalogue or beside this file"
    ) as caught:
        load_draws(BASE, str(inside / "p.csv"))
    assert "secret_key" not in str(caught.value)


def test_posterior_of_a_scenario_beside_it(tmp_path: Path) -> None:
    text = observed_file(BASE).with_name(FILE).read_text("utf-8")
    (tmp_path / "own.toml").write_text(f'extends = "{BASE}"\ntitle = "Own"\n', "utf-8")
    (tmp_path / "p.csv").write_text(text.replace(f"# scenario: {BASE}", "# scenario: own"), "utf-8")
    given = load_draws(BASE, str(tmp_path / "p.csv")).fitted
    assert given is not None
    assert given.title == "Own"
    (tmp_path / "link.csv").symlink_to(tmp_path / "p.csv")
    with pytest.raises(InputError, match=r"link\.csv:1: is a link"):
        load_draws(BASE, str(tmp_path / "link.csv"))


def test_report_into_a_folder_that_cannot_be_written_computes_nothing(honest: Path) -> None:
    done: list[int] = []
    with pytest.raises(OSError, match=r"report\.html") as caught:
        api_results.report(honest, out="/proc/report.html", points=64, progress=lambda n, of: done.append(n))
    assert caught.value.filename == "/proc/report.html"
    assert not done
    shown = " ".join(ran("report", str(honest), "--out", "/proc/report.html", code=2).split())
    assert "/proc/report.html cannot be written" in shown


def test_run_into_a_folder_that_cannot_be_written_computes_nothing() -> None:
    assert "/proc cannot be written" in " ".join(ran("run", "unix_1988", "--out", "/proc", code=2).split())


def test_check_leaves_nothing(tmp_path: Path) -> None:
    require_writable(tmp_path / "new.html")
    assert not list(tmp_path.iterdir())


def test_own_link_to_a_folder_of_results_is_followed(honest: Path, tmp_path: Path) -> None:
    (tmp_path / "named").symlink_to(honest, target_is_directory=True)
    assert Results(tmp_path / "named").digest() == Results(honest).digest()
    assert json.loads(ran("compare", str(tmp_path / "named"), "--json"))
