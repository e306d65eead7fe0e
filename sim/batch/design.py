"""Design points: the settings of the swept parameters of a scenario, and how a folder numbers and chunks them."""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from typing import Any, NamedTuple

import numpy as np

from sim.errors import Fault, InputError
from sim.model.arrays import Floats
from sim.scenario.checks.idle import unsampled_parameters
from sim.scenario.lens import SET_BY_TENDENCY, set_by_tendency, tendency_of
from sim.scenario.overrides import exact_text, with_settings
from sim.scenario.parameters import Parameters, parameter_range
from sim.scenario.schema import SAMPLED, Scenario, Spread, Sweep, hash_content, to_iso_date

SMALLEST_CHUNK, LARGEST_CHUNK, WANTED_CHUNKS = 10, 2_000, 32  # writing a shard takes as long as 100 runs
SAMPLERS = {
    "sobol": "scipy.stats.qmc.Sobol(settings, rng=numpy.random.default_rng(seed))",
    "latin_hypercube": "scipy.stats.qmc.LatinHypercube(settings, rng=numpy.random.default_rng(seed))",
}  # scipy gives different points for `seed=` and `rng=`


def describe_sampler(design: str) -> str:
    """The call that samples the points of a design, with versions; '' for a design that is not sampled."""
    versions = f"scipy {version('scipy')}, numpy {version('numpy')}"
    return f"{SAMPLERS[design]}; {versions}" if design in SAMPLERS else ""


@dataclass(frozen=True)
class DesignPoint:
    """One setting of the swept parameters of a scenario.

    Parameters
    ----------
    name
        Name of the scenario.
    settings
        Value of each swept setting by its path, such as `parameters.erosion`.
    base
        The scenario without these settings.
    """

    name: str
    settings: dict[str, float]
    base: Scenario

    @property
    def scenario(self) -> Scenario:
        """The scenario with these settings."""
        return with_settings(self.base, self.settings, note="set by the sweep")

    @cached_property
    def digest(self) -> str:
        """Digest of the scenario with these settings."""
        return self.scenario.digest()


def through_lens(scenario: Scenario, lens: str | None = None) -> Scenario:
    """The scenario whose runs a lens shows; default: the lens of the scenario's own sweep (model: Outcomes)."""
    if lens not in (None, scenario.sweep.lens):
        scenario = scenario.model_copy(update={"sweep": scenario.sweep.model_copy(update={"lens": lens})})
    return tendency_of(scenario) if scenario.sweep.lens == "tendency" else scenario


def lens_faults(scenarios: Mapping[str, Scenario]) -> list[Fault]:
    """A fault for each scenario with another lens than the first, and for what it varies and a tendency has not."""
    (first, lens), *others = ((name, one.sweep.lens) for name, one in scenarios.items())
    message = "has the lens {}, and {} has {}; results are of one lens, so give one for all"
    mixed = [Fault("sweep", 1, "lens", f"{n} {message.format(own, first, lens)}") for n, own in others if own != lens]
    return mixed + [
        Fault("sweep", 1, "lens", f"{name} varies {path}, {SET_BY_TENDENCY}")
        for name, one in scenarios.items()
        for path in one.sweep.vary
        if one.sweep.lens == "tendency" and set_by_tendency(path)
    ]


def date_faults(scenarios: Mapping[str, Scenario], days: Sequence[str]) -> list[Fault]:
    """A fault for each scenario whose runs do not contain one of the dates asked for."""
    return [
        Fault("sweep", 1, "at", f"{name}: {message}")
        for name, scenario in scenarios.items()
        for day in days
        if (message := missing_date(scenario, day))
    ]


def read_dates(owner: str, field: str, given: Iterable[object]) -> tuple[str, ...]:
    """Dates or ISO texts as ISO texts in order, each once; raises InputError with every other value."""
    found, faults = set(), []
    for day in given:
        try:
            found.add(to_iso_date(day))
        except ValueError as error:
            faults.append(Fault(owner, 1, field, str(error)))
    if faults:
        raise InputError(faults)
    return tuple(sorted(found))


def missing_date(scenario: Scenario, day: str) -> str:
    """Say why a run of a scenario has no outcome at a date; '' where it has one."""
    if scenario.sweep.lens == "tendency":
        return f"{day}: a tendency has no dates; leave it out, or ask for the lens histories"
    if not (ends := scenario.dates()):
        return f"{day}: rounds have no dates; leave it out, or give the world a date and a step"
    return "" if ends[0] <= day <= ends[-1] else f"{day} is outside the run; give a date from {ends[0]} to {ends[-1]}"


LISTED_SETTINGS = 2  # most settings of a design point that its label lists

NUMBERED = " [point "


def is_short(label: str) -> bool:
    """Whether a label lists the settings of its design point, which are so few that the point is printed by itself."""
    return NUMBERED not in label


def point_labels(asked: Sequence[Mapping[str, Any]]) -> list[str]:
    """Make a distinct label for each recorded point, such as `baseline_2023 [erosion=0.5]`.

    A point of more than LISTED_SETTINGS has its number in the tables, as in `baseline_2023 [point 12]`. Values have
    six digits, or all their digits where two labels would be equal; equal points are numbered.
    """
    labels = [
        f"{point['scenario']}{NUMBERED}{n}]"
        if len(point["settings"]) > LISTED_SETTINGS
        else name_point(point["scenario"], point["settings"], "{:g}".format)
        for n, point in enumerate(asked)
    ]
    counts = Counter(labels)
    met: Counter[str] = Counter()
    found = []
    for point, text in zip(asked, labels, strict=True):
        whole = text if counts[text] == 1 else name_point(point["scenario"], point["settings"], exact_text)
        met[whole] += 1
        found.append(whole if met[whole] == 1 else f"{whole} ({met[whole]})")
    return found


def name_point(name: str, settings: Mapping[str, float], shown: Callable[[float], str]) -> str:
    """The name of a design point, with its values as `shown` formats them."""
    values = ", ".join(f"{path.removeprefix('parameters.')}={shown(value)}" for path, value in settings.items())
    return f"{name} [{values}]" if values else name


def design_points(name: str, scenario: Scenario) -> list[DesignPoint]:
    """Make the design points of a scenario's sweep.

    Parameters
    ----------
    name
        Name of the scenario.
    scenario
        The scenario, whose `sweep` gives the design.

    Returns
    -------
    list of DesignPoint
        One point without settings where the sweep varies nothing.

    Raises
    ------
    ValueError
        Where the settings of a `list` design have different numbers of values.
    """
    sweep = scenario.sweep
    rows = sample_points(sweep, sampled_parameters(scenario)) if sweep.design in SAMPLED else cross_or_pair(sweep)
    return [DesignPoint(name, settings, scenario) for settings in rows]


def cross_or_pair(sweep: Sweep) -> Iterator[dict[str, float]]:
    """Cross the values of all settings for a grid; pair them in order for a list."""
    columns = [swept_values(swept) for swept in sweep.vary.values()]
    crossed = sweep.design == "grid" or not columns
    rows: Iterable[tuple[float, ...]] = itertools.product(*columns) if crossed else zip(*columns, strict=True)
    return (dict(zip(sweep.vary, row, strict=True)) for row in rows)


def swept_values(swept: tuple[float, ...] | Spread) -> tuple[float, ...]:
    """The values of a swept setting."""
    if isinstance(swept, Spread):
        return tuple(np.linspace(swept.start, swept.stop, swept.points or 2).tolist())
    return swept


def sampled_parameters(scenario: Scenario) -> list[str]:
    """Parameters that a sampling design without ranges varies."""
    unsampled = unsampled_parameters(scenario)
    return [name for name in Parameters.model_fields if name not in unsampled]


def sample_points(sweep: Sweep, parameters: Iterable[str] = ()) -> Iterator[dict[str, float]]:
    """Sample a Latin hypercube or a scrambled Sobol sequence over the ranges of a sweep, by its seed.

    A sweep without ranges samples these parameters over their documented ranges. A longer Sobol design begins with
    the points of a shorter one.
    """
    from scipy.stats import qmc

    ranges = {path: (v.start, v.stop) for path, v in sweep.vary.items() if isinstance(v, Spread)} or {
        f"parameters.{name}": parameter_range(name) for name in parameters
    }
    count = sweep.points or 1
    if sweep.design == "sobol":
        sampler = qmc.Sobol(len(ranges), rng=np.random.default_rng(sweep.seed))
        unit = sampler.random_base2(math.ceil(math.log2(count)))[:count] if count > 1 else sampler.random(1)
    else:
        unit = qmc.LatinHypercube(len(ranges), rng=np.random.default_rng(sweep.seed)).random(count)
    low, high = np.array(list(ranges.values())).T
    for row in low + unit * (high - low):
        yield dict(zip(ranges, row.tolist(), strict=True))


def sample_ranges(ranges: Mapping[str, tuple[float, float]], *, points: int, seed: int) -> Floats:
    """Sample parameters over their ranges by a scrambled Sobol sequence, (points, parameters)."""
    vary: dict[str, tuple[float, ...] | Spread] = {
        f"parameters.{name}": Spread(start=low, stop=high) for name, (low, high) in ranges.items()
    }
    rows = sample_points(Sweep(design="sobol", points=points, seed=seed, vary=vary))
    return np.array([list(row.values()) for row in rows])


def plan_points(asked: Sequence[Mapping[str, Any]], recorded: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Plan the points of a question in a folder that records some of them already.

    `stored` is the number of a point in the shards; it stays when the order changes. `chunks` lists pairs (last
    replicate, size of chunks); the chunks of an earlier sweep keep their sizes.
    """
    known = dict(zip(identify_points(recorded), recorded, strict=True))
    missing = sum(point["replicates"] for point in asked) - sum(point["replicates"] for point in recorded)
    size = min(max(missing // WANTED_CHUNKS, SMALLEST_CHUNK), LARGEST_CHUNK)
    following = itertools.count(len(recorded))
    plan = []
    for place, point in zip(identify_points(asked), asked, strict=True):
        before = known.get(place, {"replicates": 0, "chunks": []})
        more = [[point["replicates"], size]] if point["replicates"] > before["replicates"] else []
        stored = before["stored"] if "stored" in before else next(following)
        plan.append({**point, "stored": stored, "chunks": [*before["chunks"], *more]})
    return plan


def recorded_plan(recorded: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The plan of a folder's points; points recorded without `stored` and `chunks` get those of a single sweep."""
    plain = [{key: p[key] for key in ("scenario", "settings", "replicates", "digest")} for p in recorded]
    given = [{key: value for key, value in point.items() if value is not None} for point in recorded]
    return [{**fresh, **point} for fresh, point in zip(plan_points(plain, []), given, strict=True)]


Identity = tuple[str, tuple[tuple[str, float], ...], int]


def identify_points(points: Sequence[Mapping[str, Any]]) -> list[Identity]:
    """Identify each point by its scenario, its settings in any order, and its number among equal points.

    Draws from a posterior may be equal.
    """
    met: Counter[tuple[str, tuple[tuple[str, float], ...]]] = Counter()
    found = []
    for point in points:
        key = point["scenario"], tuple(sorted(point["settings"].items()))
        found.append((*key, met[key]))
        met[key] += 1
    return found


def split_replicates(chunks: Sequence[Sequence[int]]) -> Iterator[range]:
    """The replicates of each chunk of a point, from pairs (last replicate, size of chunks)."""
    first = 0
    for last, size in chunks:
        yield from (range(n, min(n + size, last)) for n in range(first, last, size))
        first = last


def shard_name(point: int, replicates: range) -> str:
    """The name of the shard of a chunk: the stored number of its point and the first replicate."""
    return f"{point:06d}-{replicates.start:08d}"


def shard_identity(
    question: Mapping[str, Any], scenario: str, point: int, digest: str, replicates: range, rules: str
) -> str:
    """SHA-256 of what a shard contains the runs of; its seal has it, and growth does not change it.

    question has `seed`, `lens`, `keep` and `at`; digest is that of the point's scenario; rules is the hash of the
    code that computed the rows.
    """
    asked = [question["seed"], question["lens"], list(question["keep"]), list(question["at"])]
    return hash_content([asked, scenario, point, digest, replicates.start, replicates.stop, rules])


class OwnShard(NamedTuple):
    """A shard that a question asks for: what its seal is of, the place of its point, and its replicates."""

    identity: str
    place: int
    replicates: range


def own_shards(manifest: Mapping[str, Any], names: Iterable[str]) -> dict[str, OwnShard]:
    """Those of these names that are shards which a manifest asks for, in their order."""
    question, rules = manifest["question"], manifest.get("versions", {}).get("rules", "")
    points = {f"{point['stored']:06d}": (n, point) for n, point in enumerate(recorded_plan(question["points"]))}
    found = {}
    for name in names:
        place, point = points.get(name.partition("-")[0], (0, None))
        part = point and chunk_from(point["chunks"], name.partition("-")[2])
        if point and part and shard_name(point["stored"], part) == name:
            identity = shard_identity(question, point["scenario"], point["stored"], point["digest"], part, rules)
            found[name] = OwnShard(identity, place, part)
    return found


def chunk_from(chunks: Sequence[Sequence[int]], first: str) -> range | None:
    """The replicates of the chunk of a point that begins with this one; None where none does."""
    number, start = int(first) if re.fullmatch("[0-9]{8,9}", first) else -1, 0
    for last, size in chunks:
        if start <= number < last and (number - start) % size == 0:
            return range(number, min(number + size, last))
        start = last
    return None
