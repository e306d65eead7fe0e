"""The faults that `benchmarks.planted` plants: slips that a careless author of this model could make."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Planted:
    """A slip: the text that it replaces, once in its file, and words of the relations that it should break."""

    name: str
    file: str
    before: str
    after: str
    why: str
    breaks: tuple[str, ...] = ()


KERNEL, WORLD, ENSEMBLE, MODEL = (f"sim/{room}.py" for room in ("kernel", "world", "ensemble", "model"))

LUCK = (
    Planted(
        "order by id", KERNEL, "keys[i] = key\n", "keys[i] = np.uint64(0)\n",
        "whoever comes first in the alphabet decides first", ("decides_first", "ids_change_nothing"),
    ),
    Planted(
        "order of the file", KERNEL, "if activation != RANDOM_ORDER:", "if activation >= RANDOM_ORDER:",
        "states decide as they are listed", ("order_of_states",),
    ),
    Planted(
        "uniform of another step", KERNEL, "philox(seed, replicate, np.uint64(step), codes[i])",
        "philox(seed, replicate, np.uint64(0), codes[i])", "luck is the same at every step", ("infinite_temperature",),
    ),
    Planted(
        "luck of the place", KERNEL, "np.uint64(step), codes[i])", "np.uint64(step), np.uint64(i))",
        "luck belongs to a place in the list, not to the state", ("order_of_states", "isolated"),
    ),
    Planted(
        "luck counted from the end", ENSEMBLE, "        draw(seed, replicates[r], step, codes",
        "        draw(seed, replicates[r], rows - step, codes", "a longer run has other luck",
        ("prefix", "agents_and_compiled"),
    ),
    Planted(
        "skewed choice", KERNEL, "if cumulative > u:", "if cumulative > u * u:",
        "the first alignments are chosen too often", ("infinite_temperature",),
    ),
)  # fmt: skip

DECISION = (
    Planted(
        "inertia for all", KERNEL, "p[INERTIA] if k == held", "p[INERTIA] if k >= 0",
        "what is held has no advantage", (),
    ),
    Planted(
        "own product open", KERNEL, "brings[j, OPEN_PRODUCT, j] = 0.0", "brings[j, OPEN_PRODUCT, j] = g[j]",
        "j = i is in a sum", (),
    ),
    Planted(
        "leader's sanction reversed", KERNEL, "situation.sanction[leader, i]", "situation.sanction[i, leader]",
        "whom I sanction keeps me out, not who sanctions me", (),
    ),
    Planted(
        "highest index of equals", KERNEL, "utilities[k] > highest", "utilities[k] >= highest",
        "of equals the last is taken", (),
    ),
    Planted(
        "held does not win", KERNEL, "            best = held\n", "            best = best\n",
        "of equals the lowest index is taken, whatever is held",
        ("nobody_moves", "gauge", "swapped_blocs", "agreement"),
    ),
    Planted(
        "absolute temperature", KERNEL, "(utilities[k] - highest) / temperature)",
        "(utilities[k] - highest) / (temperature + 0.01))", "a constant has a unit of its own", ("times_two",),
    ),
    Planted(
        "worst is chosen", KERNEL, "if allowed[k] and utilities[k] > highest",
        "if allowed[k] and (highest == -np.inf or utilities[k] < highest)",
        "the sign of a comparison", ("raises_the_energy", "local_minimum", "cliques", "agreement"),
    ),
    Planted(
        "decider's own size", KERNEL, "exact(c[j] * setting.propensity[j, i])",
        "exact(c[i] * setting.propensity[j, i])",
        "a partner's size does not count", ("raises_the_energy", "local_minimum"),
    ),
    Planted(
        "enmity counts as affinity", KERNEL, "exact(c[j] * setting.propensity[j, i])",
        "exact(c[j] * abs(setting.propensity[j, i]))", "a sign is lost", ("cliques", "gauge"),
    ),
    Planted(
        "affinity repels", KERNEL, "        p[W_PROPENSITY] * sums", "        -p[W_PROPENSITY] * sums",
        "a sign is wrong", ("affinity", "agreement", "cliques"),
    ),
    Planted(
        "threat of later blocs", KERNEL, "        if other != k:\n            threat",
        "        if other > k:\n            threat", "blocs are not alike", ("swapped_blocs",),
    ),
    Planted(
        "institutions by size of the bloc", KERNEL, "p[W_INSTITUTION] * sums[k, INSTITUTION]",
        "p[W_INSTITUTION] * mass[k]", "who shares no institution counts too", ("two_worlds",),
    ),
    Planted(
        "trade with the bloc itself", KERNEL, "floor) * sums[other, TRADE]", "floor) * sums[k, TRADE]",
        "pressure works through the wrong trade", (),
    ),
    Planted(
        "chance of the forbidden", KERNEL, "chances[k] = 1.0 if allowed[k] else 0.0", "chances[k] = 1.0",
        "non-alignment is chosen where it is not allowed", ("as_likely",),
    ),
)  # fmt: skip

ENVIRONMENT = (
    Planted(
        "attention not rationed", KERNEL, "out[r] *= cohesion", "out[r] *= 1.0",
        "a bloc attends to everything at once", (),
    ),
    Planted(
        "erosion by the bloc itself", KERNEL, "elsewhere += product_mass[other + 1]",
        "elsewhere += product_mass[k + 1]", "its own product erodes its enforcement", (),
    ),
    Planted(
        "sanction direction swapped", KERNEL, "weights.closed[situation.regime[j, i], i] += exact(g[j] * S[j, i])",
        "weights.closed[situation.regime[j, i], j] += exact(g[j] * S[j, i])", "the sender is bitten", (),
    ),
    Planted(
        "dependence without a cap", WORLD, "0.0), LARGEST_DEPENDENCE)", "0.0), 1.0)",
        "a dyad may be all of a state's trade", (),
    ),
    Planted(
        "crisis a step early", WORLD, "intensity[shock.step : shock.step", "intensity[shock.step - 1 : shock.step",
        "steps are counted from 0 and 1", ("rows_before",),
    ),
    Planted(
        "shock a step early", WORLD, "first[shock.step + 1 :] += len(found)", "first[shock.step :] += len(found)",
        "off by one", ("rows_before",),
    ),
    Planted(
        "sanctions only grow", KERNEL, "                situation.sanction[i, j] = value\n",
        "                situation.sanction[i, j] = max(value, situation.sanction[i, j])\n",
        "a sanction cannot be lifted", ("sanction_of_zero",),
    ),
    Planted(
        "listed means tied", WORLD, "found[tie.kind].append((i, j, tie.value))",
        "found[tie.kind].append((i, j, tie.value or 0.01))", "a tie of 0 is taken for a small one",
        ("tie_of_zero", "sanction_of_zero"),
    ),
    Planted(
        "trade one way", WORLD, "found[tie.kind].append((j, i, tie.value))",
        'found[tie.kind].append((j, i, tie.value if tie.kind != "trade" else 0.0))',
        "only the first of two depends on their trade", ("ends_of_a_tie",),
    ),
    Planted(
        "standing by the mean", WORLD, "standing=capability / capability.max()",
        "standing=capability / capability.mean()",
        "one more state changes how strong the others stand", ("isolated",),
    ),
)  # fmt: skip

RESPONSE = (
    Planted("ties without bounds", KERNEL, "return min(1.0, max(0.0, x))", "return x", "a bond above 1", ()),
    Planted(
        "strain of the first state's bloc", KERNEL, "p[STRAIN] * strain[a]", "p[STRAIN] * strain[alignment[0]]",
        "the strain of another bloc", ("order_of_states",),
    ),
    Planted(
        "outreach by either", KERNEL, "reach_j if open_to & (b != NON_ALIGNED)",
        "reach_j if open_to & (a != NON_ALIGNED)",
        "the non-aligned reach out", (),
    ),
    Planted(
        "simultaneous agents see each other", MODEL,
        "before if self.world.activation == kernel.SIMULTANEOUS else self.alignment", "self.alignment",
        "decisions are read as they are taken", ("agents_and_compiled",),
    ),
    Planted(
        "simultaneous runs see each other", ENSEMBLE, "!= held and activation != SIMULTANEOUS", "!= held",
        "sums move as decisions are taken", ("agents_and_compiled",),
    ),
    Planted(
        "looking uses ties up", MODEL, "for j in np.flatnonzero(row)}",
        "for j in np.flatnonzero(row) if not row.fill(0)}",
        "a state's list of ties is not a copy", ("observing",),
    ),
)  # fmt: skip

RECORDS = (
    Planted(
        "names in the digest", "sim/scenario.py", '"since", "name", ', '"since", ',
        "another spelling is another scenario", ("names_change",),
    ),
    Planted(
        "order of keys in the digest", "sim/scenario.py", "sort_keys=True", "sort_keys=False",
        "a file sorted otherwise is another scenario", ("order_of_keys",),
    ),
    Planted(
        "whole numbers kept", "sim/parameters.py", "    value: float\n", "    value: int | float\n",
        "1 and 1.0 are two texts", ("decimals",),
    ),
    Planted(
        "fixed is not written", "sim/scenario.py", "Field(default=False, description=\"never",
        "Field(default=False, exclude=True, description=\"never", "a record forgets who decides", ("scenario_read",),
    ),
    Planted(
        "a seed for each point", "sim/sweep.py", "self.points[n].scenario, self.seed,",
        "self.points[n].scenario, self.seed + n,", "one more value gives others other luck",
        ("more_values", "order_of_axes"),
    ),
    Planted(
        "first run for all", "sim/chunks.py", "[run.alignment for _, run in done], axis=1), len(",
        "[done[0][1].alignment for _ in done], axis=1), len(",
        "rows depend on how runs are cut into chunks", ("chunks",),
    ),
    Planted(
        "last chunk forgotten", "sim/sweep.py", "if chunk.name not in finished]",
        "if chunk.name not in finished]\n        open_chunks = open_chunks[: len(open_chunks) - bool(finished)]",
        "the last chunk is forgotten when a sweep is resumed", ("stopped_and_resumed",),
    ),
)  # fmt: skip

FAULTS = (*LUCK, *DECISION, *ENVIRONMENT, *RESPONSE, *RECORDS)
