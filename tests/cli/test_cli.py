"""The command: real processes, exit codes, output that says what to do next."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import click
import pandas as pd
import pytest
from click.testing import CliRunner

from sim import InputError, __version__, read
from sim.analysis.compare import COMPARED
from sim.cli import cli
from sim.cli.main import SECTIONS
from sim.scenario.checks.references import find_state_id
from sim.scenario.loading import load_scenario

ROOT = Path(__file__).parents[2]


def blocs(*words: str, code: int = 0, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run the command in its own process and check its exit code."""
    env = {**os.environ, "COLUMNS": "110", **changes}
    done = subprocess.run([sys.executable, "-m", "sim", *words], capture_output=True, text=True, env=env, check=False)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def quick(*words: str, code: int = 0) -> str:
    """Run the command in this process; its standard output."""
    done = CliRunner().invoke(cli, list(words))
    assert done.exit_code == code, (done.output, done.exception)
    return done.stdout


def refused(*words: str) -> str:
    """Standard error of a refusal, in this process."""
    done = CliRunner().invoke(cli, list(words))
    assert done.exit_code == 2, (done.output, done.exception)
    assert done.stdout == ""
    return done.stderr


def test_help_with_examples() -> None:
    top = quick("--help")
    for name, command in cli.commands.items():
        assert name in top
        output = quick(name, "--help")
        assert f"blocs {name}" in output.split("Example:")[1], name
        assert command.help


def test_every_command_in_one_section() -> None:
    assert sorted(name for names in SECTIONS.values() for name in names) == sorted(cli.commands)
    top = quick("--help")
    assert [top.index(f"\n{title}:\n") for title in SECTIONS] == sorted(
        top.index(f"\n{title}:\n") for title in SECTIONS
    )


def test_option_help() -> None:
    """Each option has help that ends in a full stop; a default is named once, in words."""
    for command in cli.commands.values():
        for option in (param for param in command.params if isinstance(param, click.Option) and not param.hidden):
            assert option.help, (command.name, option.name)
            assert option.help.endswith("."), (command.name, option.help)
            assert not option.show_default
            assert option.help.count("Default") <= 1


def test_version() -> None:
    assert quick("--version") == f"blocs {__version__}\n"


def test_list_of_scenarios_and_worlds() -> None:
    rows = json.loads(quick("list", "--json"))
    names = {row["name"] for row in rows}
    assert {"baseline_2023", "no_sanctions", "brics_third_pole", "article_2023", "unix_1988"} <= names
    assert all(row["question"] or row["world"] for row in rows)
    assert "front" in quick("list")
    roles = {row["name"]: row["role"] for row in rows}
    assert (roles["secondary_sanctions"], roles["sanctions_collapse"]) == ("lever", "circumstance")
    assert re.search(r"secondary_sanctions +lever +Does punishing", quick("list"))
    assert re.search(r"baseline_2023 +baseline ", quick("list"))
    assert "role: lever, what a government can choose" in quick("show", "secondary_sanctions")
    assert "role: baseline" in quick("show", "baseline_2023")


def test_show_values_with_sources() -> None:
    output = " ".join(quick("show", "dispersed_attention").split())
    for part in ("erosion", "assumed", "crisis", "theatre=europe", "cow_nmc_7", "pairs without"):
        assert part in output
    record = json.loads(quick("show", "dispersed_attention", "--json", "--set", "erosion=0.25"))
    assert record["parameters"]["erosion"]["value"] == 0.25
    assert len(record["digest"]) == 64


def test_run_timeline() -> None:
    output = quick("run", "baseline_2023", "--seed", "7")
    assert "who moved" in output
    assert "→ US-led bloc:" in output
    assert "At the end" in output
    assert "US-led bloc (" in output


def test_names_with_commas_in_timeline() -> None:
    case = Path(__file__).parents[1] / "cases" / "valid" / "world_of_eight_blocs" / "world.toml"
    output = " ".join(quick("run", str(case), "--seed", "3").split())
    name, state = "Association of the Landlocked States No. 4, Ltd", "Democratic Federal Republic of Longlandia"
    assert f"b4 is {name};" in output
    assert re.search(rf"{name} \(\d+\): {state}, 04", output)
    assert re.search(rf"{state}, \d\d\*?; {state}, \d\d", output)


def test_run_depends_on_seed_and_replicate_only() -> None:
    one, two, other, third = (
        quick("run", "baseline_2023", "--steps", "5", "--json", "--seed", seed, "--replicate", replicate)
        for seed, replicate in (("3", "0"), ("3", "0"), ("4", "0"), ("3", "1"))
    )
    assert one == two
    assert len({one, other, third}) == 3


def test_run_record_reproduces_run(tmp_path: Path) -> None:
    from sim.model.agents import run_agents
    from sim.scenario.schema import Scenario

    quick("run", "no_sanctions", "--steps", "4", "--set", "w_bond=1", "--out", str(tmp_path / "run"))
    record = json.loads((tmp_path / "run" / "record.json").read_text(encoding="utf-8"))
    again = run_agents(Scenario.model_validate(record["resolved"]), seed=record["seed"], replicate=record["replicate"])
    (columns, *rows) = csv.reader((tmp_path / "run" / "trajectory.csv").read_text(encoding="utf-8").splitlines())
    path = [again.alignments[k] for k in again.alignment[:, again.states.index("CHN")]]
    assert [row[columns.index("CHN")] for row in rows] == path
    lines = (tmp_path / "run" / "trajectory.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 6
    assert lines[0].startswith("step,")
    assert (tmp_path / "run" / "outcomes.csv").is_file()


def test_dates_and_footnote_of_a_run(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(
        'title = "a"\nworld = "unix_1988"\ndate = 2023-10-25\nstep = "year"\nsteps = 2\n', encoding="utf-8"
    )
    run = ("run", str(tmp_path / "a.toml"))
    assert json.loads(quick(*run, "--json"))["dates"] == ["2023-10-25", "2024-10-25", "2025-10-25"]
    assert json.loads(quick("run", "unix_1988", "--steps", "2", "--json"))["dates"] == []
    assert "less than half" not in quick(*run)


def test_mechanism_off_in_run() -> None:
    plain = quick("run", "baseline_2023", "--steps", "3", "--json")
    off = quick("run", "baseline_2023", "--steps", "3", "--json", "--without", "shelter")
    assert json.loads(plain)["digest"] != json.loads(off)["digest"]


@pytest.mark.parametrize(
    ("words", "phrase"),
    [
        (("run", "baseline_2033"), "did you mean 'baseline_2023'"),
        (("run", "baseline_2023", "--set", "erosoin=1"), "did you mean 'erosion'"),
        (("run", "baseline_2023", "--set", "erosion=much"), "Invalid value for '--set': erosion=much: "),
        (("run", "baseline_2023", "--set", "erosion"), "SETTING=VALUE"),
        (("run", "baseline_2023", "--set", "pressure_floor=2"), "[0, 1]"),
        (("run", "baseline_2023", "--without", "sheltr"), "did you mean 'shelter'"),
        (("run", "ukraine_settlement", "--steps", "5"), "give at least 10"),
        (("sweep", "ukraine_settlement", "--steps", "5"), "give at least 10"),
        (("compare", "nowhere"), "holds no results"),
        (("claims", "nowhere"), "holds no results"),
        (("compare", "no_sanctions"), "is a scenario; run it with `blocs sweep no_sanctions` and give the folder"),
        (("query", "article_2023", "select 1"), "`blocs sweep article_2023`"),
        (("report", str(ROOT / "scenarios" / "no_sanctions.toml")), "no_sanctions.toml` and give the folder"),
        (("export", "unix_1988", "--out", "tables"), "`blocs sweep unix_1988`"),
        (("run", "baseline_2023", "--seed", "-1"), "not in the range"),
        (("run",), "Missing argument 'SCENARIO'"),
        (("fly",), "No such command 'fly'"),
        (("report", "report"), "report:1: holds no results"),
        (("export", "results"), "Missing option '--out'"),
        (("export", "results", "one", "--out", "two"), "unexpected extra argument (one)"),
        (("sweep", "unix_1988", "--draws", "5"), "--draws needs --parameters"),
        (("claims", "--draws", "5"), "--draws needs --parameters"),
        (("sweep", "baseline_2023", "--parameters", "posterior", "--draws", "5", "--points", "4"), "--points does not"),
        (("sweep", "unix_1988", "--overwrite", "--shard", "1/2"), "--overwrite does not apply with --shard"),
        (("sweep", "unix_1988", "--shard", "3/2"), "Invalid value for '--shard': 3/2: give I/N"),
    ],
)
def test_refusals(words: tuple[str, ...], phrase: str) -> None:
    assert phrase in refused(*words)


def test_exit_code_of_refusal() -> None:
    done = blocs("run", "baseline_2033", code=2)
    assert "did you mean 'baseline_2023'" in done.stderr
    assert done.stdout == ""


def test_faults_as_json() -> None:
    done = blocs("check", "tests/cases/invalid", "nothing.toml", "--json", code=2)
    faults = json.loads(done.stdout)["faults"]
    assert faults
    assert all(fault.keys() == {"file", "line", "field", "message"} for fault in faults)


@pytest.mark.parametrize(
    ("words", "field", "phrase"),
    [
        (("run", "baseline_2023", "--set", "erosoin=1"), "--set", "erosoin=1: unknown setting"),
        (("run", "baseline_2023", "--seed", "-1"), "--seed", "not in the range"),
        (("run", "baseline_2023", "--fly"), "", "No such option"),
        (("run",), "", "Missing argument 'SCENARIO'"),
        (("fly",), "", "No such command 'fly'"),
        (("landscape", "unix_1988", "--chart", "a.zzz"), "--chart", "does not end in"),
        (("explain", "baseline_2023", "UAS"), "STATE", "did you mean 'USA'"),
        (("regret", "unix_1988"), "", "two levers"),
    ],
)
def test_faults_of_options_as_json(words: tuple[str, ...], field: str, phrase: str) -> None:
    (fault,) = json.loads(quick(*words, "--json", code=2))["faults"]
    assert (fault["file"], fault["line"], fault["field"]) == (None, None, field)
    assert phrase in fault["message"]


def test_several_faults_of_options_at_once() -> None:
    said = refused("run", "baseline_2023", "--set", "erosoin=1", "--set", "erosion=much", "--without", "sheltr")
    assert said.startswith("Usage: ")
    assert said.count("Error: Invalid value for '--set': ") == 2
    assert said.count("Error: Invalid value for '--without': ") == 1


def test_shipped_files_without_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    files = sorted(str(p.relative_to(ROOT)) for p in (ROOT / "scenarios").glob("*.toml"))[::6]
    worlds = sorted(str(p.relative_to(ROOT)) for p in (ROOT / "scenarios" / "worlds").iterdir())[::6]
    monkeypatch.chdir(ROOT)
    assert quick("check", *files, *worlds) == f"{len(files) + len(worlds)} checked, no fault\n"


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    """A small sweep by the command, and what it said to machines."""
    folder = tmp_path_factory.mktemp("cli") / "results"
    words = ("sweep", "baseline_2023", "no_sanctions", "focused_indo_pacific", "--replicates", "12")
    done = CliRunner().invoke(cli, [*words, "--out", str(folder), "--json"])
    assert done.exit_code == 0, done.output
    assert "36/36" in done.stderr
    return folder, json.loads(done.stdout)


def test_sweep_shares_of_states(swept: tuple[Path, dict[str, object]]) -> None:
    _, said = swept
    assert said["runs"] == said["computed_now"] == 36
    assert said["failed"] == []
    shares = pd.DataFrame(said["states"]).pivot(index=["scenario", "state"], columns="alignment", values="mean")
    assert set(shares.index.unique("scenario")) == {"baseline_2023", "no_sanctions", "focused_indo_pacific"}
    assert len(shares) == 3 * 52
    assert set(shares.columns) == {"front", "us_led", "non_aligned"}
    assert shares.sum(axis=1).to_numpy() == pytest.approx(1)
    assert shares.loc[("baseline_2023", "USA")].to_dict() == {"front": 0, "us_led": 1, "non_aligned": 0}


def test_sweep_shares_are_means_over_runs(swept: tuple[Path, dict[str, object]]) -> None:
    folder, said = swept
    mean = "select avg(share_front) as x from states where scenario = 'no_sanctions' and state = 'CHN'"
    (row,) = json.loads(quick("query", str(folder), mean, "--json"))
    shares = pd.DataFrame(said["states"]).set_index(["scenario", "state", "alignment"])["mean"]
    assert shares["no_sanctions", "CHN", "front"] == pytest.approx(row["x"], abs=1e-15)


def test_finished_sweep_computes_nothing(swept: tuple[Path, dict[str, object]]) -> None:
    folder, said = swept
    again = json.loads(
        quick("sweep", "baseline_2023", "no_sanctions", "focused_indo_pacific", "--replicates", "12",
              "--out", str(folder), "--json", "--engine", "mesa")
    )  # fmt: skip
    assert again["computed_now"] == 0
    assert again["states"] == said["states"]


@pytest.mark.second
def test_compare_differences_with_intervals(swept: tuple[Path, dict[str, object]], tmp_path: Path) -> None:
    folder, _ = swept
    output = quick("compare", str(folder), "--csv", str(tmp_path))
    assert "Against baseline_2023" in output
    assert "capability_front" in output
    record = json.loads(quick("compare", str(folder), "--json"))
    assert record["baseline"] == "baseline_2023"
    row = next(r for r in record["outcomes"] if r["outcome"] == "capability_front" and r["scenario"] == "no_sanctions")
    assert row["low"] <= row["difference"] <= row["high"]
    assert row["difference"] == pytest.approx(row["mean"] - row["baseline_mean"])
    assert row["pairs"] == 12
    header = (tmp_path / "outcomes.csv").read_text(encoding="utf-8").splitlines()[0]
    assert header == ",".join(["scenario", "outcome", *COMPARED])
    assert (tmp_path / "states.csv").is_file()
    swapped = json.loads(quick("compare", str(folder), "--json", "--baseline", "no_sanctions"))
    assert swapped["baseline"] == "no_sanctions"


def test_unknown_baseline(swept: tuple[Path, dict[str, object]]) -> None:
    assert "did you mean 'no_sanctions'" in refused("compare", str(swept[0]), "--baseline", "no_sanction")


def test_claims_with_effect_and_interval(swept: tuple[Path, dict[str, object]]) -> None:
    record = json.loads(quick("claims", str(swept[0]), *AT_DEFAULTS, "--json"))
    numbers = [claim["number"] for claim in record["claims"]]
    assert set(numbers) == {1, 2, 5, 6, 8, 9, 10}
    for claim in record["claims"]:
        assert claim["verdict"]
        if claim["low"] is not None:
            assert claim["low"] <= claim["effect"] <= claim["high"]
    assert "most of them assumed" in quick("claims", str(swept[0]), *AT_DEFAULTS)


AT_DEFAULTS = ("--points", "0", "--placebos", "0")


@pytest.mark.second
def test_no_colour_outside_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b" not in blocs("run", "unix_1988", "--steps", "2").stdout
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in quick("list")


@pytest.mark.second
def test_scenario_in_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.toml").write_text('title = "mine"\nextends = "baseline_2023"\n', encoding="utf-8")
    monkeypatch.setenv("BLOCS_SCENARIOS", str(tmp_path))
    assert "mine" in {row["name"] for row in json.loads(quick("list", "--json"))}


def test_refusal_of_output_paths(swept: tuple[Path, dict[str, object]], tmp_path: Path) -> None:
    file, folder = tmp_path / "file", swept[0]
    file.touch()
    for there in (file, file / "inside"):
        for words in (("sweep", "unix_1988"), ("run", "unix_1988"), ("demo",), ("export", str(folder))):
            assert f"Invalid value for '--out': {there} is a file, or in a file" in refused(*words, "--out", str(there))
    (line,) = refused("sweep", "unix_1988", "--out", str(folder)).splitlines()
    assert "contains a different sweep" in line
    assert f"Invalid value for '--folder': {file} is a file" in refused("new", "scenario", "a", "--folder", str(file))
    for there, wrong in (
        (tmp_path, f"{tmp_path} is a folder"),
        (file / "a.html", f"{file} is not a folder"),
        (tmp_path / "a" / "b", f"{tmp_path / 'a'} is not a folder"),
        (tmp_path / "page.zzz", f"{tmp_path / 'page.zzz'} does not end in .html"),
    ):
        assert f"Invalid value for '--out': {wrong}" in refused("report", str(folder), "--out", str(there))
    for there, wrong in (
        (tmp_path / "a.zzz", "a.zzz does not end in .png or .svg"),
        (file / "a.png", "is not a folder"),
    ):
        for words in (("landscape", "unix_1988"), ("regret",), ("score",), ("sensitivity", "unix_1988")):
            message = refused(*words, "--chart", str(there))
            assert "Invalid value for '--chart': " in message
            assert wrong in message
    for there in (folder, folder / "tables"):
        assert "is inside the results" in refused("export", str(folder), "--out", str(there))


@pytest.mark.parametrize("words", [("show", "baseline_2023", "--state"), ("explain", "baseline_2023")])
@pytest.mark.parametrize(("word", "meant"), [("Indai", "IND"), ("north kor", "PRK"), ("UAS", "USA"), ("irn", "IRN")])
def test_suggestion_of_state_id(words: tuple[str, ...], word: str, meant: str) -> None:
    assert f"did you mean '{meant}'" in refused(*words, word)


def test_state_by_full_name() -> None:
    assert quick("show", "baseline_2023", "--state", "north KOREA") == quick("show", "baseline_2023", "--state", "PRK")
    states = load_scenario("baseline_2023").states
    assert {find_state_id(states, record.name.upper()) for record in states.values()} == set(states)
    twins = {"AAA": states["IND"], "BBB": states["IND"], "INDIA": states["USA"]}
    assert [find_state_id(twins, word) for word in ("india", "INDIA", "nowhere")] == ["india", "INDIA", "nowhere"]


def test_query_rows(swept: tuple[Path, dict[str, object]]) -> None:
    folder, _ = swept
    counted = "select scenario, count(*) as n from runs group by all order by all"
    rows = json.loads(quick("query", str(folder), counted, "--json"))
    assert rows[0] == {"scenario": "baseline_2023", "n": 12}
    assert "baseline_2023" in quick("query", str(folder), counted)
    assert json.loads(quick("query", str(folder), "select 'NaN'::double as x", "--json")) == [{"x": None}]
    assert "and 2 more rows" in quick("query", str(folder), counted, "--rows", "1")


def test_query_values_as_json(swept: tuple[Path, dict[str, object]]) -> None:
    asked = """select 0.5 as half, 20.0 as twenty, [1.5, 'nan'::double] as list, {'a': 0.25, 'b': ['nan'::double]} as
        struct, date '2020-01-02' as day, timestamp '2020-01-02 03:04:05' as moment, time '03:04:05' as hour,
        170141183460469231731687303715884105727::hugeint as huge, map {'k': 1.0} as map, null as none, true as yes"""
    (row,) = json.loads(quick("query", str(swept[0]), asked, "--json"))
    assert row == {
        "half": 0.5, "twenty": 20.0, "list": [1.5, None], "struct": {"a": 0.25, "b": [None]}, "day": "2020-01-02",
        "moment": "2020-01-02T03:04:05", "hour": "03:04:05", "huge": 2**127 - 1, "map": {"k": 1.0}, "none": None,
        "yes": True,
    }  # fmt: skip


def test_repeated_columns_are_numbered(swept: tuple[Path, dict[str, object]]) -> None:
    asked = ["query", str(swept[0]), "select 1 as a, 2 as a, 3 as a_1, 4 as a", "--json"]
    done = CliRunner().invoke(cli, asked)
    assert json.loads(done.stdout) == [{"a": 1, "a_2": 2, "a_1": 3, "a_3": 4}]
    assert done.stderr.startswith("blocs: several columns are named a; one is renamed a_2\n")
    assert CliRunner().invoke(cli, ["query", str(swept[0]), "select 1 as a, 2 as b", "--json"]).stderr == ""


def test_overwrite(tmp_path: Path) -> None:
    """Other results are replaced; a folder with anything else is not."""
    results, other = tmp_path / "results", tmp_path / "other"
    sweep = ("sweep", "unix_1988", "--steps", "2", "--replicates", "2", "--out", str(results), "--json")
    quick(*sweep)
    (results / "note.txt").write_text("mine", encoding="utf-8")
    assert "has other files than results: note.txt" in CliRunner().invoke(cli, [*sweep, "--overwrite"]).stdout
    assert json.loads(quick(*sweep))["computed_now"] == 0
    (results / "note.txt").unlink()
    assert json.loads(quick(*sweep, "--seed", "5", "--overwrite"))["computed_now"] == 2
    assert json.loads(quick("query", str(results), "select distinct seed from runs", "--json")) == [{"seed": 5}]
    other.mkdir()
    (other / "manifest.json").write_text('{"name": "a web page"}', encoding="utf-8")
    assert "is missing or is not a table" in refused(*sweep[:-2], str(other), "--overwrite")
    assert [path.name for path in other.iterdir()] == ["manifest.json"]
    (other / "manifest.json").rename(other / "page.json")
    assert "has other files than results: page.json" in refused(*sweep[:-2], str(other), "--overwrite")


def said(*words: str, variable: str = "", value: str = "") -> tuple[str, str]:
    """Standard output and standard error of a command with former spellings."""
    done = CliRunner().invoke(cli, list(words), env={variable: value} if variable else None)
    assert done.exit_code == 0, done.output
    return done.stdout, done.stderr


@pytest.mark.second
def test_former_option_spellings(swept: tuple[Path, dict[str, object]], tmp_path: Path) -> None:
    folder, former = swept[0], "The old spelling will be removed in 0.3 (docs/migration.md)."
    out, err = said("export", str(folder), str(tmp_path))
    assert err == f"blocs: the second argument is now --out FOLDER. {former}\n"
    assert out == quick("export", str(folder), "--out", str(tmp_path))
    claims = ("claims", str(folder), "--points", "2", "--placebos", "0", "--json")
    out, err = said(*claims, "--each=5")
    assert err.splitlines()[0] == f"blocs: --each is now --point-replicates. {former}"
    assert out == quick(*claims, "--point-replicates", "5")
    assert said(*claims, variable="BLOCS_CLAIMS_EACH", value="5")[0] == out
    sweep = ("sweep", "unix_1988", "--steps", "2", "--replicates", "2", "--out", str(tmp_path / "results"), "--json")
    assert "--no-resume refuses a folder with results" in said(*sweep, "--no-resume")[1]
    assert "--resume is now the default, so leave it out" in said(*sweep, "--resume")[1]
    done = CliRunner().invoke(cli, [*sweep[:-1], "--no-resume"])
    assert done.exit_code == 2
    assert "give --overwrite to replace them" in done.stderr


def test_former_spellings_of_regret() -> None:
    words = (
        "baseline_2023",
        "no_sanctions",
        "--outcome",
        "frustration",
        "--points",
        "2",
        "--replicates",
        "1",
        "--json",
    )
    out, err = said("regret", *words, "--want", "high", "--satisfied", "0.3")
    assert "--want high is now --maximize" in err
    assert "--satisfied is now --threshold" in err
    assert out == quick("regret", *words, "--maximize", "--threshold", "0.3")
    assert out != quick("regret", *words, "--threshold", "0.3")
    assert "No such option '--want'" in refused("regret", *words[:-1], "--want", "middle")


@pytest.mark.parametrize("sql", ["", ";", " ", "/* nothing */", "-- nothing", "select 1; select 2"])
def test_refusal_of_empty_or_several_queries(sql: str, swept: tuple[Path, dict[str, object]]) -> None:
    (line,) = [line for line in refused("query", str(swept[0]), "--", sql).splitlines() if line.startswith("Error")]
    assert line.startswith("Error: Invalid value for 'SQL': ")
    assert "give one" in line


def widest(text: str) -> int:
    """Length of the longest line."""
    return max(map(len, text.splitlines()))


def test_block_for_each_row_in_narrow_terminal(
    swept: tuple[Path, dict[str, object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    output = quick("query", str(swept[0]), "select * from alignments order by all", "--rows", "2")
    assert widest(output) <= 40
    first, second = output.split("\n\n")
    assert first.startswith("scenario: baseline_2023\npoint: 0\n")
    assert "\nalignment: non_aligned" in first
    assert second.startswith("scenario: baseline_2023\n")
    narrow = quick("query", str(swept[0]), "select scenario, point from points order by all")
    assert narrow.splitlines()[1].split() == ["baseline_2023", "0"]
    none = " ".join(quick("query", str(swept[0]), "select * from moves where false").split())
    assert none.startswith("no rows of scenario, point, seed")


@pytest.mark.parametrize("words", [
    ("show", "great_powers_1907"), ("list",), ("run", "unix_1988"),
    ("explain", "unix_1988", "IBM", "--replicates", "2"),
    pytest.param(("landscape", "unix_1988", "--replicates", "2"), marks=pytest.mark.second),
])  # fmt: skip
def test_no_line_of_one_letter(words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    output = quick(*words)
    assert widest(output) <= 40
    letters = [line for line in output.splitlines() if len(line.strip()) == 1]
    assert not letters, output


def test_next_command_after_run(tmp_path: Path) -> None:
    quick("new", "world", "w", "--folder", str(tmp_path))
    path = str(tmp_path / "w.toml")
    assert f"`blocs sweep {path}`" in " ".join(quick("run", path).split())


def test_refusal_of_invalid_sql(swept: tuple[Path, dict[str, object]]) -> None:
    assert "selekt" in refused("query", str(swept[0]), "selekt 1")


TABLES = ("runs", "states", "moves", "alignments", "points")


def test_export_of_each_table(swept: tuple[Path, dict[str, object]], tmp_path: Path) -> None:
    for kind in ("csv", "parquet"):
        output = quick("export", str(swept[0]), "--out", str(tmp_path), "--format", kind).split()
        assert {Path(path).name for path in output} == {f"{t}.{kind}" for t in TABLES}
    lines = (tmp_path / "runs.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 37
    assert lines[0].startswith("scenario,point,seed,replicate,digest,status,error,")


def test_design_options(tmp_path: Path) -> None:
    folder = str(tmp_path / "results")
    said = json.loads(
        quick("sweep", "unix_1988", "--design", "sobol", "--points", "4", "--vary", "temperature=0:2",
              "--replicates", "3", "--out", folder, "--json")
    )  # fmt: skip
    assert said["runs"] == 12
    assert len({row["scenario"] for row in said["states"]}) == 4
    asked = "select count(distinct temperature) as n, min(temperature) >= 0 as low from runs join points using (point)"
    assert json.loads(quick("query", folder, asked, "--json")) == [{"n": 4, "low": True}]


@pytest.mark.parametrize(
    ("words", "phrase"),
    [
        (("--design", "sobol"), "needs points"),
        (("--design", "sobol", "--points", "4", "--vary", "erosion"), "SETTING=LOW:HIGH"),
        (("--design", "sobol", "--points", "4", "--vary", "erosoin=0:1"), "did you mean 'erosion'"),
        (("--vary", "pressure_floor=0:2:3"), "[0, 1]"),
        (("--vary", "erosion=0:1"), "erosion needs points"),
        (("--points", "8"), "'--points': 8: goes with --design latin_hypercube or sobol"),
        (("--points", "8", "--vary", "erosion=0:1:3"), "goes with --design"),
        (("--design", "sobol", "--points", "4", "--vary", "erosion=0:1:3"), "without a number of points"),
    ],
)
def test_refusal_of_designs(words: tuple[str, ...], phrase: str) -> None:
    assert phrase in refused("sweep", "unix_1988", *words)


@pytest.mark.second
def test_warning_of_read_only_cache() -> None:
    """As on a read-only install."""
    done = blocs("run", "unix_1988", "--steps", "3", XDG_CACHE_HOME="/dev/null/nowhere")
    (line,) = done.stderr.splitlines()
    assert "not writable" in line
    assert "NUMBA_CACHE_DIR" in line
    assert "At the end" in done.stdout


def test_show_changes_and_sources_of_ties() -> None:
    output = " ".join(quick("show", "focused_indo_pacific").split())
    assert "differs from baseline_2023 in" in output
    assert "blocs.us_led.priority.indo_pacific 0.6 1.2" in output
    output = " ".join(quick("show", "baseline_2023", "--state", "USA", "--state", "RUS").split())
    assert "USA → RUS 0.8" in output
    assert "Office of Foreign Assets Control" in output
    assert "unknown state" in refused("show", "baseline_2023", "--state", "XXX")


def test_show_of_states_without_ties() -> None:
    pairs = {frozenset((tie.a, tie.b)) for tie in load_scenario("baseline_2023").ties}
    a, b = next(pair for pair in combinations(load_scenario("baseline_2023").states, 2) if frozenset(pair) not in pairs)
    assert quick("show", "baseline_2023", "--state", a, "--state", b) == f"no ties between {a} and {b}\n"


def test_mechanism_that_is_off_already() -> None:
    done = CliRunner().invoke(cli, ["run", "baseline_2023", "--others", "0", "--without", "accommodation"])
    assert done.exit_code == 0
    assert done.stderr == ("blocs: --without accommodation: it is off in this scenario already, so nothing changes\n")
    done = CliRunner().invoke(cli, ["run", "baseline_2023", "--others", "0", "--without", "shelter"])
    assert "--without" not in done.stderr


def test_show_says_when_runs_start_and_end() -> None:
    output = quick("show", "baseline_2023")
    assert "runs from 25 October 2023 to 25 October 2033: 40 steps, each a quarter" in output
    record = json.loads(quick("show", "baseline_2023", "--json"))
    assert (record["date"], record["ends"], record["steps"], record["step"]) == (
        "2023-10-25", "2033-10-25", 40, "quarter",
    )  # fmt: skip
    assert "reason and source of each tie of a state: blocs show baseline_2023 --state" in " ".join(output.split())
    assert "in rounds, without dates" in quick("show", "unix_1988")
    assert json.loads(quick("show", "unix_1988", "--json"))["ends"] is None


def test_sweep_says_how_many_runs_halve_an_interval(tmp_path: Path) -> None:
    output = " ".join(quick("sweep", "baseline_2023", "--replicates", "8", "--out", str(tmp_path / "few")).split())
    assert re.search(r"The widest of these intervals is ±\d+ in 100 with 8 runs; about 32 halve it\.", output)


def test_show_gives_the_reason_of_each_change() -> None:
    output = " ".join(quick("show", "sanctions_on_china").split())
    assert "ties.sanction DEU→CHN 0.3 0.6 article §19; assumed: the EU acts together" in output
    assert "ties.sanction ESP→CHN 0.3 0.6 as above" in output
    assert "Where no reason is listed" not in output
    output = " ".join(quick("show", "us_china_detente").split())
    assert "rivalry CHN–USA 1 0.1 article §10; assumed: what remains between large powers at peace" in output
    assert "Where no reason is listed, that of the scenario holds" in output


@pytest.mark.second
def test_list_beside_broken_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.toml").write_text('title = "mine"\nextends = "baseline_2033"\n', encoding="utf-8")
    monkeypatch.setenv("BLOCS_SCENARIOS", str(tmp_path))
    done = CliRunner().invoke(cli, ["list"])
    assert done.exit_code == 0
    assert "mine: 1 faults" in done.stderr
    assert "baseline_2023" in done.stdout


@pytest.mark.second
def test_utf8_in_pipes() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sim", "run", "unix_1988", "--steps", "2"],
        capture_output=True, check=False, env={**os.environ, "PYTHONIOENCODING": "cp1252"},
    )  # fmt: skip
    assert done.returncode == 0
    assert "→" in done.stdout.decode("utf-8")


@pytest.mark.second
def test_comparison_of_unfinished_sweep(swept: tuple[Path, dict[str, object]], tmp_path: Path) -> None:
    import shutil

    folder = tmp_path / "results"
    shutil.copytree(swept[0], folder)
    for shard in folder.glob("shards/*-00000010"):
        shutil.rmtree(shard)
    assert "6 runs are not finished" in quick("compare", str(folder))
    assert json.loads(quick("compare", str(folder), "--json"))["unfinished_runs"] == 6
    shutil.rmtree(folder / "shards" / "000000-00000000")
    assert "has no finished run yet" in refused("compare", str(folder))


def test_scenarios_that_claims_need(swept: tuple[Path, dict[str, object]]) -> None:
    lacking = json.loads(quick("claims", str(swept[0]), *AT_DEFAULTS, "--json"))["lacking"]
    assert lacking["4"] == ["dispersed_attention"]
    assert "claim 4 needs dispersed_attention" in quick("claims", str(swept[0]), *AT_DEFAULTS)


def test_changes_in_title_of_run() -> None:
    output = quick("run", "baseline_2023", "--steps", "2", "--set", "erosion=0.5", "--without", "shelter")
    assert "baseline_2023 --set erosion=0.5 --without shelter, seed" in " ".join(output.split())


@pytest.mark.second
def test_demo_beside_own_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sim.reporting.demo import demo_scenarios

    (tmp_path / "mine.toml").write_text('title = "mine"\nextends = "baseline_2033"\n', encoding="utf-8")
    (tmp_path / "more.toml").write_text('title = "more"\nextends = "no_sanctions"\n', encoding="utf-8")
    shipped = demo_scenarios()
    monkeypatch.setenv("BLOCS_SCENARIOS", str(tmp_path))
    assert demo_scenarios() == shipped


def test_calibrate_without_a_record(tmp_path: Path) -> None:
    said = refused("calibrate", "unix_1988", "--out", str(tmp_path / "c"))
    assert "has no observed.toml with votes and ideal points of 2022" in said


def test_explain_of_results_with_a_setting(swept: tuple[Path, dict[str, object]]) -> None:
    assert "this is a folder of results" in refused("explain", str(swept[0]), "USA", "--set", "erosion=0.5")


@pytest.mark.parametrize(("words", "said"), [((), False), (("--replicates", "5"), True)])
def test_explain_of_results_says_that_it_left_out_runs(
    swept: tuple[Path, dict[str, object]], words: tuple[str, ...], said: bool
) -> None:
    done = CliRunner().invoke(cli, ["explain", str(swept[0]), "USA", *words])
    assert done.exit_code == 0
    assert ("--replicates 12 takes them all" in " ".join(done.output.split())) == said


def test_missing_posterior_names_the_worlds_that_have_one() -> None:
    said = refused("explain", "shocks_2014_2022", "IRN", "--parameters", "posterior")
    assert "world_2010/posterior.csv:1: is missing; of the worlds beside this one, article_2023 has it" in said


@pytest.mark.parametrize(
    "sql", ["install x from 'http://127.0.0.1:9'", "update extensions", "set variable a=1; load x"]
)
def test_query_loads_no_extension(swept: tuple[Path, dict[str, object]], sql: str) -> None:
    assert "extensions of DuckDB are not installed" in " ".join(refused("query", str(swept[0]), sql).split())
    with pytest.raises(InputError, match="query:1: sql: extensions of DuckDB"):
        read(swept[0]).query(sql)


@pytest.mark.parametrize("setting", ["custom_extension_repository='x'", "autoinstall_known_extensions=true"])
def test_query_changes_no_setting_of_downloads(swept: tuple[Path, dict[str, object]], setting: str) -> None:
    assert "locked" in " ".join(refused("query", str(swept[0]), f"set {setting}; select 1").split())
    assert "httpfs" in refused("query", str(swept[0]), "select * from 'http://127.0.0.1:9/x.parquet'")
