"""Exports, read by other libraries: igraph and networkx for GraphML, lxml for GEXF, pandas and xarray for tables."""

from __future__ import annotations

import json
import sys
import warnings
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import igraph
import networkx as nx
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from lxml import etree

from sim import History, InputError, InputWarning, export, load, run, sweep
from sim.cli import cli
from sim.reporting.exports import datasets
from sim.reporting.exports.networks import DIRECTED, clean_texts

GEXF = {"g": "http://gexf.net/1.3"}
GRAMMAR = etree.RelaxNG(etree.parse(Path(__file__).parent / "gexf.rng"))
STEPS = 12


@pytest.fixture(scope="module")
def history() -> History:
    """A short history in which states move."""
    return run(load("baseline_2023", steps=STEPS), seed=7)


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep with outcomes at every step."""
    folder = tmp_path_factory.mktemp("exports") / "results"
    scenarios = {name: load(name, steps=STEPS) for name in ("baseline_2023", "no_sanctions")}
    sweep(scenarios, replicates=3, keep="steps", out=folder, workers=1)
    return folder


@pytest.fixture(scope="module")
def gexf(history: History, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The history as GEXF."""
    (path,) = export(history, tmp_path_factory.mktemp("gexf"), format="gexf")
    return etree.parse(path)


def found(tree: Any, path: str) -> list[Any]:
    """Elements of GEXF."""
    return tree.xpath(path, namespaces=GEXF)


def days(element: Any) -> list[str]:
    """The days of an interval, both ends included."""
    start, end = (date.fromisoformat(element.get(name)) for name in ("start", "end"))
    return [(start + timedelta(n)).isoformat() for n in range((end - start).days + 1)]


def test_gexf_follows_its_grammar(gexf: Any) -> None:
    GRAMMAR.assertValid(gexf)
    declared = {(one.getparent().get("class"), one.get("id")) for one in found(gexf, "//g:attribute")}
    used = {(etree.QName(v.getparent().getparent()).localname, v.get("for")) for v in found(gexf, "//g:attvalue")}
    assert used == declared
    ids = [one.get("id") for one in found(gexf, "//g:edge")]
    assert len(ids) == len(set(ids)) > 500


def test_gexf_has_one_alignment_a_day(gexf: Any, history: History) -> None:
    ends = history.scenario.dates()
    whole = days({"start": ends[0], "end": ends[-1]})
    moved = 0
    for node in found(gexf, "//g:node"):
        spans = node.xpath(".//g:attvalue[@for='alignment']", namespaces=GEXF)
        held = {day: one.get("value") for one in spans for day in days(one)}
        assert sum(len(days(one)) for one in spans) == len(held) == len(whole)
        assert [held[day] for day in ends] == history.alignments[node.get("id")].tolist()
        moved += len(spans) > 1
    assert moved >= 1


def test_gexf_has_coded_ties_at_the_start(gexf: Any, history: History) -> None:
    coded = {(t.kind, t.a, t.b): t.value for t in history.scenario.ties if t.kind in ("bond", "rivalry", "sanction")}
    start = history.scenario.dates()[0]
    weights = {}
    for edge in found(gexf, "//g:edge"):
        kind = edge.get("kind")
        assert edge.get("type") == ("directed" if kind in DIRECTED else "undirected")
        values = edge.xpath(f".//g:attvalue[@for='weight'][@start='{start}']/@value", namespaces=GEXF)
        if values and kind in ("bond", "rivalry", "sanction"):
            weights[kind, edge.get("source"), edge.get("target")] = float(values[0])
    both = {(k, a, b): v for (k, a, b), v in coded.items()} | {
        (k, b, a): v for (k, a, b), v in coded.items() if k not in DIRECTED
    }
    assert len(weights) == len(coded) > 100
    assert all(both[key] == value for key, value in weights.items())


def test_gexf_spells_are_when_a_tie_has_strength(gexf: Any) -> None:
    for edge in found(gexf, "//g:edge")[::20]:
        strong = {day for one in edge.xpath(".//g:attvalue[@start]", namespaces=GEXF) for day in days(one)}
        assert strong == {day for one in edge.xpath(".//g:spell", namespaces=GEXF) for day in days(one)}


def test_gexf_of_rounds_counts_steps(tmp_path: Path) -> None:
    once = run("unix_1988", seed=3)
    tree = etree.parse(export(once, tmp_path, format="gexf")[0])
    GRAMMAR.assertValid(tree)
    assert found(tree, "//g:graph/@timeformat") == ["integer"]
    for node in found(tree, "//g:node"):
        spans = node.xpath(".//g:attvalue[@for='alignment']", namespaces=GEXF)
        steps = [n for one in spans for n in range(int(one.get("start")), int(one.get("end")) + 1)]
        assert steps == once.steps.index.tolist()


def test_graphml_is_the_graph_for_igraph_and_networkx(history: History, tmp_path: Path) -> None:
    (path,) = export(history, tmp_path, format="graphml", at="2025-01-01")
    graph, own = igraph.Graph.Read_GraphML(str(path)), history.to_networkx(at=date(2025, 1, 1))
    ids = graph.vs["id"]
    edges = {(ids[e.source], ids[e.target], e["kind"]): e["weight"] for e in graph.es}
    assert edges == {(a, b, kind): weight for a, b, kind, weight in own.edges(keys=True, data="weight")}
    assert {type(value) for values in (graph.vs["capability"], graph.es["weight"]) for value in values} == {float}
    for vertex in graph.vs:
        assert {k: v for k, v in vertex.attributes().items() if k != "id"} == own.nodes[vertex["id"]]
    assert graph["date"] == own.graph["date"] == "2024-10-25"
    again = nx.read_graphml(path, force_multigraph=True)
    assert {(a, b, d["kind"], d["weight"]) for a, b, d in again.edges(data=True)} == {(*k, v) for k, v in edges.items()}


def test_graph_of_networkx(history: History) -> None:
    graph = history.to_networkx()
    numbers = [v for *_, d in graph.edges(data=True) for v in d.values() if not isinstance(v, str)]
    assert {type(value) for value in numbers} == {float}
    for a, b, kind in graph.edges(keys=True):
        if kind not in DIRECTED:
            assert graph.edges[a, b, kind] == graph.edges[b, a, kind]
    sent = {(t.a, t.b) for t in history.scenario.ties if t.kind == "sanction"}
    assert sent
    assert all(graph.has_edge(*pair, "sanction") for pair in sent)
    assert not graph.has_edge("PRK", "USA", "sanction") or ("PRK", "USA") in sent
    assert graph.nodes["CHN"]["label"] == "China"
    held = dict(graph.nodes(data="alignment"))
    assert held == history.alignments.iloc[-1].to_dict()
    assert sum(dict(graph.nodes(data="capability")).values()) == pytest.approx(1)


def test_trade_is_over_the_product_of_its_source(history: History) -> None:
    graph, states = history.to_networkx(), history.scenario.states
    tie = next(t for t in history.scenario.ties if t.kind == "trade" and t.a != "USA" and t.b == "USA")
    assert graph.edges[tie.a, "USA", "trade"]["weight"] == pytest.approx(min(tie.value / states[tie.a].gdp.value, 0.5))


def test_tidy_of_a_sweep(swept: Path, tmp_path: Path) -> None:
    assert [path.name for path in export(swept, tmp_path, format="tidy")] == ["tidy.csv"]
    table = pd.read_csv(tmp_path / "tidy.csv")
    key = ["scenario", "point", "replicate", "step"]
    assert not table.duplicated([*key, "state", "variable"]).any()
    aligned = table[table["variable"].str.startswith("aligned_")]
    assert (aligned.groupby([*key, "state"])["value"].sum() == 1).all()
    assert len(aligned) == 2 * 3 * (STEPS + 1) * 52 * 3
    members = aligned.groupby([*key, "variable"])["value"].sum()
    stored = table[table["state"].isna()].set_index([*key, "variable"])["value"]
    for (*run_key, variable), count in members.items():
        assert stored[*run_key, variable.replace("aligned_", "members_", 1)] == count
    assert table.loc[table["state"] == "CHN", "name"].unique().tolist() == ["China"]
    assert table.loc[table["step"] == 4, "date"].unique().tolist() == ["2024-10-25"]


def test_tidy_of_a_run_is_that_of_the_sweep(swept: Path, tmp_path: Path) -> None:
    once = run(load("baseline_2023", steps=STEPS), replicate=1)
    one = pd.read_csv(export(once, tmp_path / "one", format="tidy")[0])
    many = pd.read_csv(export(swept, tmp_path / "many", format="tidy")[0])
    many = many[(many["scenario"] == "baseline_2023") & (many["replicate"] == 1)]
    key = ["step", "date", "state", "name", "variable"]
    one = one[one["variable"].isin(many["variable"])]
    merged = one.merge(many, on=key, validate="one_to_one", suffixes=("", "_many"))
    assert len(merged) == len(one) == len(many)
    assert merged["value"].tolist() == merged["value_many"].tolist()


def test_tidy_with_dates_and_settings(tmp_path: Path) -> None:
    out = tmp_path / "results"
    scenario = load("baseline_2023", steps=6)
    varied = scenario.model_copy(
        update={"sweep": scenario.sweep.model_copy(update={"vary": {"parameters.w_pressure": (0.0, 0.5)}})}
    )
    sweep(varied, replicates=1, at=["2024-12-31", "2025-04-25"], out=out, workers=1)
    names = [path.name for path in export(out, tmp_path / "tidy", format="tidy")]
    assert names == ["points.csv", "tidy.csv"]
    table = pd.read_csv(tmp_path / "tidy" / "tidy.csv")
    outcomes = table[table["state"].isna()]
    assert sorted(outcomes["date"].unique()) == ["2024-10-25", "2025-04-25"]
    assert pd.read_csv(tmp_path / "tidy" / "points.csv")["w_pressure"].tolist() == [0, 0.5]


def test_tidy_without_outcomes_says_so(tmp_path: Path) -> None:
    sweep(load("unix_1988", steps=3), replicates=2, out=tmp_path / "results", workers=1)
    done = CliRunner().invoke(cli, ["export", str(tmp_path / "results"), "--out", str(tmp_path), "--format", "tidy"])
    assert done.exit_code == 0
    assert "stored no outcomes by step" in done.stderr
    assert set(pd.read_csv(tmp_path / "tidy.csv")["variable"].str[:8]) == {"aligned_"}


def test_networks_of_a_sweep_are_those_of_its_runs(swept: Path, tmp_path: Path) -> None:
    assert [path.name for path in export(swept, tmp_path, format="gexf")] == ["0-0.gexf", "1-0.gexf"]
    (path,) = export(swept, tmp_path, format="graphml", runs="1-2")
    once = run(load("no_sanctions", steps=STEPS), replicate=2)
    own = export(once, tmp_path / "own", format="graphml")[0].read_bytes()
    assert path.read_bytes() == own


def test_dataset_of_xarray(history: History, tmp_path: Path) -> None:
    xarray = pytest.importorskip("xarray")
    dataset = history.to_xarray()
    aligned = dataset["aligned"].values
    assert (aligned.sum(axis=2) == 1).all()
    names = dataset["alignment"].values[aligned.argmax(axis=2)]
    assert (names == history.alignments[list(dataset["state"].values)].to_numpy()).all()
    assert dataset["capability_front"].values.tolist() == history.steps["capability_front"].tolist()
    assert dataset["date"].dt.strftime("%Y-%m-%d").values.tolist() == list(history.scenario.dates())
    dataset.to_netcdf(tmp_path / "run.nc")
    with xarray.open_dataset(tmp_path / "run.nc") as again:
        assert again.identical(dataset)


def test_dataset_after_2262() -> None:
    pytest.importorskip("xarray")
    scenario = load("baseline_2023", steps=2).model_copy(update={"date": "2300-01-31", "anchor": None})
    assert run(scenario).to_xarray()["date"].dt.year.values.tolist() == [2300, 2300, 2300]


def test_missing_xarray(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xarray", None)
    with pytest.raises(ModuleNotFoundError, match="pip install 'blocs\\[xarray\\]'"):
        history.to_xarray()
    assert "xarray" in datasets.MISSING


def test_names_that_xml_escapes(tmp_path: Path) -> None:
    scenario = load("unix_1988", steps=2)
    first, second = list(scenario.states)[:2]
    names = {first: 'A "B" <c> & \x07\ud7ff', second: "=cmd|x"}
    states = {key: one.model_copy(update={"name": names.get(key, one.name)}) for key, one in scenario.states.items()}
    once = run(scenario.model_copy(update={"states": states}))
    with pytest.warns(InputWarning, match="XML cannot contain control characters"):
        (path,) = export(once, tmp_path, format="gexf")
    shown = 'A "B" <c> & \\x07\ud7ff'
    assert found(etree.parse(path), f"//g:node[@id='{first}']/@label") == [shown]
    (path,) = export(once, tmp_path, format="graphml")
    assert igraph.Graph.Read_GraphML(str(path)).vs.find(id=first)["label"] == shown
    (path,) = export(once, tmp_path, format="tidy")
    assert set(pd.read_csv(path)["name"].dropna()) >= {"'=cmd|x"}


def test_clean_texts() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert clean_texts(["a\tb\n", "é😀"]) == ["a\tb\n", "é😀"]
    with pytest.warns(InputWarning, match=r"a\\x00, and 1 more texts"):
        assert clean_texts(["a\x00", "b", "\ufffe"]) == ["a\\x00", "b", "\\ufffe"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of `blocs run --out`."""
    out = tmp_path_factory.mktemp("run") / "out"
    done = CliRunner().invoke(cli, ["run", "baseline_2023", "--seed", "7", "--steps", str(STEPS), "--out", str(out)])
    assert done.exit_code == 0, done.output
    return out


def test_folder_of_a_run(folder: Path, history: History, tmp_path: Path) -> None:
    for kind, name in (("gexf", "run.gexf"), ("graphml", "run.graphml"), ("tidy", "tidy.csv")):
        done = CliRunner().invoke(cli, ["export", str(folder), "--out", str(tmp_path / kind), "--format", kind])
        assert done.exit_code == 0, done.output
        assert done.stdout == f"{tmp_path / kind / name}\n"
    own = export(history, tmp_path, format="graphml")[0].read_bytes()
    assert (tmp_path / "graphml" / "run.graphml").read_bytes() == own


def test_changed_folder_of_a_run(folder: Path, tmp_path: Path) -> None:
    changed = tmp_path / "changed"
    changed.mkdir()
    text = (folder / "trajectory.csv").read_text()
    (changed / "record.json").write_bytes((folder / "record.json").read_bytes())
    (changed / "trajectory.csv").write_text(text.replace("us_led", "front", 1))
    with pytest.raises(InputError, match="computes another run from the record"):
        export(changed, tmp_path / "out", format="gexf")
    record = json.loads((folder / "record.json").read_text())
    (changed / "record.json").write_text(json.dumps(record | {"seed": -7}))
    with pytest.raises(InputError, match="seed: is not a whole number"):
        export(changed, tmp_path / "out", format="gexf")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--format", "csv"), "'--format': 'csv' has the tables of a sweep, and this is one run"),
        (("--format", "gexf", "--at", "2024-01-01"), "'--at': goes with the format graphml, not gexf"),
        (("--format", "tidy", "--run", "0-0"), "'--run': goes with the format gexf and graphml, not tidy"),
        (("--format", "gexf", "--run", "0-0"), "'--run': chooses among the runs of a sweep"),
        (("--format", "graphml", "--at", "2050-01-01"), "'--at': 2050-01-01 is outside the run"),
        (("--format", "graphml", "--at", "tomorrow"), "'--at': 'tomorrow' is not a date"),
        (("--format", "excel"), "'--format': 'excel' is not one of"),
    ],
)
def test_refused_options(folder: Path, tmp_path: Path, words: tuple[str, ...], message: str) -> None:
    done = CliRunner().invoke(cli, ["export", str(folder), "--out", str(tmp_path / "out"), *words])
    assert done.exit_code == 2, done.output
    assert message in done.stderr
    assert done.stdout == ""
    assert not (tmp_path / "out").exists()


def test_unknown_run_of_a_sweep(swept: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no run '7-0'"):
        export(swept, tmp_path / "out", format="gexf", runs=["0-0", "7-0"])
    assert not (tmp_path / "out").exists()
    assert np.isfinite(run("unix_1988").to_networkx().size(weight="weight"))
