#!/usr/bin/env bash
# ro-crate-py: two files of one name from two folders are one file in the crate, the last; the first is lost.
#
# Expected: `add_file` keeps both, or refuses the second.
# Seen: a file is called by the last part of its path, so `baseline/runs.csv` and `sanctions/runs.csv` are both `runs.csv`.
#   The second takes the place of the first, in the folder, in the zip file and in the metadata; the object of the first
#   lives on and says nothing. No warning, and the crate is valid.
# Why it matters: a batch has a folder for each scenario and the same names in each, so a crate of ten sweeps has the runs of
#   one, with whatever description the last one got.
# Instead: `add_file(path, dest_path=path)`, or `add_dataset` of the whole folder; then count the files of the crate.
# known: https://github.com/ResearchObject/ro-crate-py/issues/185 (since 2024, open)
# seen on 2026-11-30 with rocrate 0.16.0
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv v
v/bin/pip install -qq rocrate==0.16.0
v/bin/python -W error::UserWarning - <<'PY'
import zipfile
from importlib.metadata import version
from pathlib import Path

from rocrate.rocrate import ROCrate

for scenario in ("baseline", "sanctions"):
    Path(scenario).mkdir()
    Path(scenario, "runs.csv").write_text(f"scenario\n{scenario}\n")
crate, kept = ROCrate(), ROCrate()
added = []
for scenario in ("baseline", "sanctions"):
    path = f"{scenario}/runs.csv"
    added.append(crate.add_file(path, properties={"name": f"Runs of {scenario}"}))
    kept.add_file(path, dest_path=path)
crate.write("crate")
crate.write_zip("crate.zip")
assert added[0]["name"] == "Runs of baseline" and added[0].id == added[1].id == "runs.csv", added
assert [(one.id, one["name"]) for one in ROCrate("crate").data_entities] == [("runs.csv", "Runs of sanctions")]
files = sorted(str(path.relative_to("crate")) for path in Path("crate").rglob("*.csv"))
assert files == ["runs.csv"] and Path("crate/runs.csv").read_text() == "scenario\nsanctions\n", files
assert [name for name in zipfile.ZipFile("crate.zip").namelist() if name.endswith(".csv")] == ["runs.csv"]
kept.write("kept")
both = sorted(str(path.relative_to("kept")) for path in Path("kept").rglob("*.csv"))
assert both == ["baseline/runs.csv", "sanctions/runs.csv"], both
print(f"rocrate {version('rocrate')}: of {len(added)} files the crate has {files}, with dest_path {both}")
PY
