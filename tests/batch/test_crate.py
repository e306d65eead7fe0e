"""The RO-Crate of results and the citation of the software are complete, true and reproducible."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sim import __version__
from sim.batch.locks import SweepShare
from sim.batch.recorded import CRATE, MAKERS, write_crate
from sim.batch.store import Results
from sim.batch.sweep import Question, make_question, run_sweep
from sim.scenario.loading import load_scenario

ROOT = Path(__file__).parents[2]


def question() -> Question:
    """A small sweep of two scenarios."""
    scenarios = {
        name: load_scenario(name).model_copy(update={"steps": 2}) for name in ("unix_1988", "great_powers_1907")
    }
    return make_question(scenarios, replicates=12, seed=7)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = tmp_path_factory.mktemp("crate") / "results"
    return run_sweep(question(), folder, workers=1, command="blocs sweep 'a b'").results


def entities(results: Results) -> dict[str, dict[str, Any]]:
    """The entities of the crate by their ids, which are unique."""
    graph = json.loads((results.folder / CRATE).read_text("utf-8"))["@graph"]
    assert len({entity["@id"] for entity in graph}) == len(graph)
    return {entity["@id"]: entity for entity in graph}


def references(content: Any) -> Iterator[str]:
    """The ids that an entity refers to."""
    if isinstance(content, dict):
        if content.keys() == {"@id"}:
            yield content["@id"]
        for value in content.values():
            yield from references(value)
    elif isinstance(content, list):
        for value in content:
            yield from references(value)


def test_crate_follows_its_specification(results: Results) -> None:
    """RO-Crate 1.1 requires a descriptor, a root with these properties, and no dangling reference."""
    found = entities(results)
    assert found[CRATE]["about"] == {"@id": "./"}
    assert found[CRATE]["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.1"}
    root = found["./"]
    assert root["@type"] == "Dataset"
    assert all(root[key] for key in ("name", "description", "license"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", root["datePublished"])
    outside = {"https://w3id.org/ro/crate/1.1"}
    assert {one for entity in found.values() for one in references(entity)} <= found.keys() | outside
    assert {part["@id"] for part in root["hasPart"]} == {i for i, e in found.items() if e["@type"] == "File"}


def test_crate_lists_every_file_with_size_and_hash(results: Results) -> None:
    files = {i: e for i, e in entities(results).items() if e["@type"] == "File"}
    paths = {p.relative_to(results.folder).as_posix() for p in results.folder.rglob("[!.]*") if p.is_file()}
    assert files.keys() == paths - {CRATE}
    assert len(files) == 1 + 4 * 4
    for name, entity in files.items():
        content = (results.folder / name).read_bytes()
        assert entity["contentSize"] == str(len(content))
        assert entity["sha256"] == hashlib.sha256(content).hexdigest()


def test_crate_names_software_and_scenarios(results: Results) -> None:
    found = entities(results)
    sweep = found["#sweep"]
    assert sweep["description"].startswith("blocs sweep 'a b'\n")
    assert found["#blocs"]["softwareVersion"] == __version__
    assert {"#blocs", "#python", "#numba", "#numpy"} <= {one["@id"] for one in sweep["instrument"]}
    names = {found[one["@id"]]["name"]: found[one["@id"]] for one in found["./"]["about"]}
    assert names.keys() == {"unix_1988", "great_powers_1907"}
    assert names["great_powers_1907"]["alternateName"] == load_scenario("great_powers_1907").title
    assert sweep["startTime"] <= sweep["endTime"] == found["./"]["datePublished"]


def test_crate_of_a_resumed_sweep(results: Results, tmp_path: Path) -> None:
    copy = Results(tmp_path / "results")
    shutil.copytree(results.folder, copy.folder)
    before = (copy.folder / CRATE).read_bytes()
    run_sweep(question(), copy.folder, workers=1, command="typed otherwise")
    assert (copy.folder / CRATE).read_bytes() == before
    shutil.rmtree(copy.shards / "000001-00000010")
    (copy.folder / CRATE).unlink()
    run_sweep(question(), copy.folder, workers=1)
    again = {i: e for i, e in entities(copy).items() if e["@type"] == "File"}
    assert again == {i: e for i, e in entities(results).items() if e["@type"] == "File"}


def test_last_share_writes_the_crate(results: Results, tmp_path: Path) -> None:
    first = run_sweep(
        question(), tmp_path / "r", workers=1, share=SweepShare(1, 2), command="blocs sweep 'a b'"
    ).results
    assert not (first.folder / CRATE).exists()
    last = run_sweep(question(), tmp_path / "r", workers=1, share=SweepShare(2, 2), command="blocs sweep 'a b'").results
    assert [e["sha256"] for e in entities(last).values() if e["@type"] == "File"] == [
        e["sha256"] for e in entities(results).values() if e["@type"] == "File"
    ]


def test_citation_has_version_and_makers() -> None:
    cited = (ROOT / "CITATION.cff").read_text("utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    top = dict(re.findall(r"^([a-z-]+): *(.*)$", cited, re.M))
    assert top["version"] == __version__
    assert project["dynamic"] == ["version"]
    assert top["license"] == project["license"]
    assert top["cff-version"] == "1.2.0"
    assert top.keys() >= {"message", "title", "authors", "type"}
    assert f"  - name: {MAKERS}" in cited
    assert project["authors"] == [{"name": MAKERS}]
    assert MAKERS in (ROOT / "LICENSE").read_text("utf-8")


def test_crate_has_recommended_properties_and_no_invented_ones(results: Results) -> None:
    """Author and publisher are the organisation of CITATION.cff, which has no web address."""
    found = entities(results)
    for role in ("author", "publisher"):
        assert found[found["./"][role]["@id"]]["@type"] == "Organization"
    makers = found["#makers"]
    assert makers["name"] == MAKERS
    assert ("url" in makers) == ("url" in (ROOT / "CITATION.cff").read_text("utf-8"))


def test_crate_with_nan_is_not_written(results: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.batch.recorded.crate_graph", lambda *_: [{"@id": "./", "size": float("nan")}])
    before = (results.folder / CRATE).read_bytes()
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_crate(results, [])
    assert (results.folder / CRATE).read_bytes() == before
