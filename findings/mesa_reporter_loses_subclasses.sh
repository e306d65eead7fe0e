#!/usr/bin/env bash
# Mesa: adding one plain State makes the reporter of State lose all GreatPowers.
#
# Expected: DataCollector(agenttype_reporters={State: ...}) collects the agents that are States, always with or always
#   without subclasses; adding an agent adds a row.
# Seen: while no agent is of class State itself, subclasses are collected (isinstance); as soon as one is, only exact ones
#   are. Two GreatPowers give two rows; two GreatPowers and one State give one row. No warning.
# Why it matters: a world of great powers is tested, then minor states are added, and every mean over "states" is one
#   over minor states. It can change within a run, when the last plain state dies or splits off.
# Instead: agent_reporters with a column for the class. Mesa's own tracker has it mended for a later version (exact
#   classes always); 3.3.1 is what Python 3.11 resolves to.
# seen on 2026-11-28 with Mesa 3.3.1
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv v
v/bin/pip install -qq mesa==3.3.1 networkx==3.6.1 numpy==2.4.6 pandas==2.3.3
v/bin/python -W error - <<'PY'
import mesa


class State(mesa.Agent):
    pass


class GreatPower(State):
    pass


def rows(minor):
    model = mesa.Model(rng=1)
    GreatPower.create_agents(model, 2)
    if minor:
        State.create_agents(model, minor)
    collector = mesa.DataCollector(agenttype_reporters={State: {"id": "unique_id"}})
    collector.collect(model)
    return len(collector.get_agenttype_vars_dataframe(State))


assert rows(minor=0) == 2, rows(0)
assert rows(minor=1) == 1, rows(1)
print(f"Mesa {mesa.__version__}: two GreatPowers give {rows(0)} rows of State, with one plain State more {rows(1)}")
PY
