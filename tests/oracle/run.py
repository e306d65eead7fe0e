"""A run of the model, step by step (plain Python)."""

from __future__ import annotations

from dataclasses import dataclass, field

from oracle.decision import Surroundings, Weights, assess, chances_of, choice, sum_terms, terms_of, weigh
from oracle.dispositions import choose, first_dispositions, is_renewed, renewal_chance, renewed_disposition, valued
from oracle.outcomes import consolidation, late_mean, late_shares, observe, stability
from oracle.response import respond
from oracle.world import Table, World, apply_shocks, build, draw_order_key, draw_uniform, start
from sim.scenario.schema import Scenario

NARROW = 1e-13


@dataclass
class Step:
    """The results of one step; a fixed state has terms and utilities although it never decides."""

    terms: list[Table]
    utilities: Table
    chances: Table
    environment: Surroundings
    closed: Table
    bond: Table
    rivalry: Table
    sanction: Table
    regime: list[list[int]]


@dataclass
class Trace:
    """A run: observations at steps 0..T, and results of steps 1..T; `steps[0]` is step 1.

    `causes` is "" for a state that does not move. `renewed` is of kept dispositions. `dispositions` are ln E of each
    alternative after each step: empty of a fixed state, and where dispositions are fresh. Consolidation is NaN where
    blocs never settle. `narrow` lists the decisions that the last digits of a logarithm or an exponential could turn:
    (step, state, what was decided).
    """

    alignment: list[list[int]]
    causes: list[list[str]]
    renewed: list[list[bool]]
    dispositions: list[Table]
    outcomes: list[dict[str, float]]
    stability: Table
    bite: Table
    steps: list[Step]
    late_shares: Table
    late_outcomes: dict[str, float]
    late_stability: list[float]
    late_bite: list[float]
    consolidation: float
    narrow: list[tuple[int, str, str]]


@dataclass
class Run:
    """What a run carries from step to step."""

    world: World
    seed: int
    replicate: int
    alignment: list[int]
    dispositions: Table
    # The alignments that each state saw at its last decision, or at the start.
    seen: list[list[int]]
    narrow: list[tuple[int, str, str]] = field(default_factory=list)

    @property
    def is_kept(self) -> bool:
        """Whether dispositions persist."""
        return self.world.scenario.dispositions == "kept"


def simulate(scenario: Scenario, seed: int, replicate: int) -> Trace:
    """Run a scenario once."""
    world = build(scenario)
    alignment = start(world, seed, replicate)
    kept = scenario.dispositions == "kept"
    first = first_dispositions(world, seed, replicate) if kept else []
    run = Run(world, seed, replicate, alignment, first, [alignment] * world.n)
    weights = weigh(world)
    env = assess(world, weights, alignment, 0)
    alignments = [alignment]
    causes, renewed = [[""] * world.n], [[False] * world.n]
    dispositions = [[list(row) for row in run.dispositions]]
    outcomes = [observe(world, env, alignment, alignment)]
    stabilities = [[stability(world, weights.closed, env, alignment, i) for i in range(world.n)]]
    bite = [env.bite]
    steps = []
    for step in range(1, scenario.steps + 1):
        before = run.alignment
        done, renewed_now, causes_now = advance(run, step)
        alignments.append(run.alignment)
        causes.append(causes_now)
        renewed.append(renewed_now)
        dispositions.append([list(row) for row in run.dispositions])
        steps.append(done)
        outcomes.append(observe(world, done.environment, before, run.alignment))
        stabilities.append([stability(world, done.closed, done.environment, run.alignment, i) for i in range(world.n)])
        bite.append(done.environment.bite)
    return Trace(
        alignment=alignments,
        causes=causes,
        renewed=renewed,
        dispositions=dispositions,
        outcomes=outcomes,
        stability=stabilities,
        bite=bite,
        steps=steps,
        late_shares=late_shares(alignments, len(world.enforcement) + 1),
        late_outcomes={name: late_mean([seen[name] for seen in outcomes]) for name in outcomes[0]},
        late_stability=[late_mean([row[i] for row in stabilities]) for i in range(world.n)],
        late_bite=[late_mean([row[i] for row in bite]) for i in range(world.n)],
        consolidation=consolidation(world, alignments),
        narrow=run.narrow,
    )


def advance(run: Run, step: int) -> tuple[Step, list[bool], list[str]]:
    """Run one step; return its results, which states were renewed, and the causes of moves. The run changes."""
    world, before = run.world, run.alignment
    apply_shocks(world, step)
    weights = weigh(world)
    env = assess(world, weights, before, step)
    order = list(range(world.n))
    if world.scenario.activation == "random":
        order.sort(key=lambda i: (draw_order_key(run.seed, run.replicate, step, world.ids[i]), world.ids[i]))
    alignment = list(before)
    terms: list[Table] = [[]] * world.n
    utilities: Table = [[]] * world.n
    chances: Table = [[]] * world.n
    renewed, causes = [False] * world.n, [""] * world.n
    for i in order:
        seen = list(before if world.scenario.activation == "simultaneous" else alignment)
        terms[i] = terms_of(world, weights, env, seen, i)
        utilities[i] = [sum_terms(row) for row in terms[i]]
        if world.moves[i]:
            chances[i] = chances_of(utilities[i], world.allowed, before[i], world.parameters["temperature"])
            renewed[i] = renew(run, step, i, utilities[i])
            alignment[i] = decide(run, step, i, utilities[i], chances[i])
        else:
            chances[i] = [float(k == before[i]) for k in range(len(utilities[i]))]
        if alignment[i] != before[i]:
            drawn = renewed[i] or (not run.is_kept and world.parameters["temperature"] > 0)
            causes[i] = "renewal" if drawn else cause_of(run, weights, env, step, i)
        run.seen[i] = seen
    respond(world, env, alignment)
    run.alignment = alignment
    done = Step(
        terms=terms,
        utilities=utilities,
        chances=chances,
        environment=env,
        closed=weights.closed,
        bond=[list(row) for row in world.bond],
        rivalry=[list(row) for row in world.rivalry],
        sanction=[list(row) for row in world.sanction],
        regime=[list(row) for row in world.regime],
    )
    return done, renewed, causes


def renew(run: Run, step: int, i: int, utilities: list[float]) -> bool:
    """Renew the kept disposition of a state at its turn if it is due, and return whether it was renewed."""
    world = run.world
    if not run.is_kept:
        return False
    uniform = draw_uniform(run.seed, run.replicate, step, world.ids[i])
    note_narrow(run, step, i, "renewal", [uniform, renewal_chance(world, i)])
    due = is_renewed(world, run.seed, run.replicate, step, i)
    if due:
        run.dispositions[i] = renewed_disposition(world, run.seed, run.replicate, step, i, utilities)
    return due


def decide(run: Run, step: int, i: int, utilities: list[float], chances: list[float]) -> int:
    """Return the alignment that a state takes at its turn."""
    if run.is_kept:
        return preferred(run, step, i, utilities)
    u = draw_uniform(run.seed, run.replicate, step, run.world.ids[i])
    if run.world.parameters["temperature"] == 0:
        note_close(run, step, i, utilities)
    for k in range(len(chances)):
        note_narrow(run, step, i, "choice", [u, sum(chances[: k + 1])])
    return choice(chances, u)


def preferred(run: Run, step: int, i: int, utilities: list[float]) -> int:
    """Return the alignment that the disposition of a state prefers, given the one that it has now."""
    temperature = run.world.parameters["temperature"]
    note_close(run, step, i, valued(utilities, temperature, run.dispositions[i]))
    return choose(utilities, run.world.allowed, run.alignment[i], temperature, run.dispositions[i])


def cause_of(run: Run, weights: Weights, env: Surroundings, step: int, i: int) -> str:
    """Return whether a state would have moved with the others as they were at its last decision."""
    others = [run.alignment[j] if j == i else k for j, k in enumerate(run.seen[i])]
    utilities = [sum_terms(row) for row in terms_of(run.world, weights, env, others, i)]
    if run.is_kept:
        chosen = preferred(run, step, i, utilities)
    else:
        note_close(run, step, i, utilities)
        chosen = choice(chances_of(utilities, run.world.allowed, run.alignment[i], 0.0), 0.0)
    return "following" if chosen == run.alignment[i] else "circumstance"


def note_close(run: Run, step: int, i: int, values: list[float]) -> None:
    """Note a decision between two best values that last digits could turn; with neither chance nor calendar none do."""
    if run.world.parameters["temperature"] > 0 or run.world.has_calendar:
        best = sorted((values[k] for k in run.world.allowed), reverse=True)[:2]
        note_narrow(run, step, i, "choice", best)


def note_narrow(run: Run, step: int, i: int, what: str, values: list[float]) -> None:
    """Note a comparison of two numbers that are equal but for their last digits."""
    if len(values) == 2 and abs(values[0] - values[1]) <= NARROW * max(1.0, *map(abs, values)):
        run.narrow.append((step, run.world.ids[i], what))
