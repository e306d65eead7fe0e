"""The model in plain Python on Mesa: lists of floats, loops over all states, no arrays.

Each step equals a step of `sim.model.agents`. The rules are repeated here for comparison only. Two things make this
side faster: the compiled rules draw its random numbers and compute the anchor of kept dispositions, and unchanged ties
are weighed once. It has no shocks, and no causes of moves.
"""

from __future__ import annotations

import math
from typing import Any

import mesa
import numpy as np

from benchmarks.plain_state import PlainState, Row
from sim.model.arrays import PARAMETERS
from sim.model.numerics.streams import draw_exponentials
from sim.model.starts import draw_initial_alignment, draw_random_words, start_anchor
from sim.model.world import World

RATES = (
    "bond_return", "bond_gain", "bond_loss", "outreach",
    "rivalry_gain", "rivalry_loss", "sanction_response", "sanction_relief",
)  # fmt: skip


def exact(x: float) -> float:
    """x rounded to a multiple of 2⁻³⁰, half to even."""
    return round(x * 2.0**30) * 2.0**-30


def clip(x: float) -> float:
    """x limited to [0, 1]."""
    return min(1.0, max(0.0, x))


class PlainModel(mesa.Model):  # type: ignore[misc]
    """The states of a world, with ties as lists of lists."""

    def __init__(self, world: World, random_seed: int, replicate: int) -> None:
        super().__init__(rng=0)
        setting, start = world.setting, world.start
        self.world, self.key = world, (random_seed, replicate)
        self.n, self.alignments = len(world.states), range(len(world.alignments))
        self.p = dict(zip(PARAMETERS, start.parameters.tolist(), strict=True))
        self.capability, self.product, self.standing = (
            values.tolist() for values in (setting.capability, setting.product, setting.relative_capability)
        )
        self.theatre, self.autonomy, self.fixed = (
            values.tolist() for values in (setting.theatre, setting.autonomy, setting.fixed)
        )
        self.allowed, self.leader, self.crisis = (
            setting.allowed.tolist(),
            setting.leader.tolist(),
            setting.crisis.tolist(),
        )
        self.propensity, self.dependence = setting.propensity.tolist(), setting.dependence.tolist()
        self.bond, self.origin, self.institution = start.bond.tolist(), start.bond.tolist(), start.institution.tolist()
        self.rivalry, self.sanction, self.regime = (
            start.rivalry.tolist(),
            start.sanction.tolist(),
            start.regime.tolist(),
        )
        self.priority, self.budget = start.priority.tolist(), start.attention_budget.tolist()
        self.initial_enforcement, self.accommodation = start.enforcement.tolist(), start.accommodation.tolist()
        self.alignment: list[int] = draw_initial_alignment(world, random_seed, replicate).tolist()
        self.ids = [(code, i) for i, code in enumerate(setting.codes.tolist())]
        self.states = [PlainState(self, i) for i in range(self.n)]
        self.drifts = any(self.p[rate] > 0 for rate in RATES)
        self.polyarchy = start.polyarchy.tolist()
        self.kept, self.calendar, self.years = setting.kept, setting.calendar, setting.years
        self.renewal = [1.0 - math.exp(-own * self.p["renewal"] * self.years) for own in setting.renewal.tolist()]
        if self.kept:
            self.anchor()
        self.assess(0)
        self.datacollector = mesa.DataCollector(
            model_reporters={"alignment": lambda m: tuple(m.alignment), "outcomes": lambda m: m.outcomes}
        )

    def step(self) -> None:
        """Make one step; the model ends after the last one."""
        step = int(self.steps)
        self.assess(step)
        before = list(self.alignment)
        keys, uniforms = (values.tolist() for values in draw_random_words(self.world, *self.key, step))
        self.uniforms = uniforms
        for _, _, i in sorted((key, code, i) for key, (code, i) in zip(keys, self.ids, strict=True)):
            self.states[i].step()
        self.respond()
        self.observe(before)
        self.datacollector.collect(self)
        self.running = step < self.world.steps

    def draw(self, i: int, step: int) -> Row:
        """Draw Exp(1) for each alignment of a state at a step."""
        draws, setting = np.empty(len(self.alignments)), self.world.setting
        with np.errstate(over="ignore"):
            draw_exponentials(np.array(self.key, np.uint64), step, setting.codes[i], setting.alternatives, draws)
        found: Row = draws.tolist()
        return found

    def anchor(self) -> None:
        """Draw the dispositions of the start, given that each state chose its alignment (model: Anchoring)."""
        chances, log_own = (values.tolist() for values in start_anchor(self.world, *self.key))
        for i, state in enumerate(self.states):
            draws, own = self.draw(i, 0), self.alignment[i]
            state.inclination = [-math.log(chances[i][k] * draws[own] + draws[k]) for k in self.alignments]
            state.inclination[own] = -(log_own[i] + math.log(draws[own]))

    def share(self, rate: float) -> float:
        """The share of the way that a rate goes in a step."""
        return 1.0 - math.exp(-rate * self.years) if self.calendar else min(1.0, rate)

    def likeness(self, i: int, j: int) -> float:
        """Likeness of a pair; 0 where the regime of either is not known."""
        alike = 1.0 - 2.0 * abs(self.polyarchy[i] - self.polyarchy[j])
        return 0.0 if i == j or math.isnan(alike) else alike

    def hostility(self, i: int, j: int) -> float:
        """H of a pair."""
        return max(self.rivalry[i][j], self.sanction[i][j], self.sanction[j][i])

    def assess(self, step: int) -> None:
        """Compute the weights of ties, attention, enforcement and bite (model: Environment, Decision)."""
        if step == 0 or self.drifts:
            self.weigh()
        p, blocs = self.p, range(len(self.priority))
        product = [0.0 for _ in self.alignments]
        for i in range(self.n):
            product[self.alignment[i]] += self.product[i]
        self.cohesion, self.attention, self.enforcement = [], [], []
        for k in blocs:
            demand = [a + b for a, b in zip(self.priority[k], self.crisis[step], strict=True)]
            asked = sum(demand)
            cohesion = min(1.0, self.budget[k] / asked) if asked > 0 else 1.0
            elsewhere = 0.0
            for other in blocs:
                if other != k:
                    elsewhere += product[other + 1]
            paid = max(0.0, 1.0 - p["accommodation_cost"] * self.accommodation[k])
            self.cohesion.append(cohesion)
            self.attention.append([cohesion * d for d in demand])
            self.enforcement.append(self.initial_enforcement[k] * max(0.0, 1.0 - p["erosion"] * elsewhere) * paid)
        self.bite = []
        for i in range(self.n):
            bite = self.closed[i][0]
            for k in blocs:
                bite += self.enforcement[k] * self.cohesion[k] * self.closed[i][k + 1]
            self.bite.append(min(1.0, exact(bite)))

    def weigh(self) -> None:
        """Compute the rounded weights of the sums: what j contributes to i."""
        c, g, others = self.capability, self.product, range(self.n)
        self.w_propensity = [[exact(c[j] * self.propensity[i][j]) for j in others] for i in others]
        self.w_bond = [[exact(c[j] * self.bond[i][j]) for j in others] for i in others]
        self.w_institution = [[exact(c[j] * self.institution[i][j]) for j in others] for i in others]
        self.w_hostility = [[exact(c[j] * self.hostility(i, j)) for j in others] for i in others]
        self.w_likeness = [[exact(c[j] * self.likeness(i, j)) for j in others] for i in others]
        self.w_trade = [[exact(self.dependence[i][j]) for j in others] for i in others]
        self.w_open = [[g[j] - exact(g[j] * self.sanction[j][i]) for j in others] for i in others]
        self.closed = [[0.0 for _ in self.alignments] for _ in others]
        for i in others:
            for j in others:
                if i != j:
                    self.closed[i][self.regime[j][i]] += g[j] - self.w_open[i][j]

    def respond(self) -> None:
        """Change ties after the alignments of the step, where a rate is positive (model: Response)."""
        p = self.p
        if p["bond_return"] + p["bond_gain"] + p["bond_loss"] + p["outreach"] > 0:
            self.respond_bonds()
        if p["rivalry_gain"] + p["rivalry_loss"] > 0:
            self.respond_rivalries()
        if p["sanction_response"] + p["sanction_relief"] > 0:
            self.respond_sanctions()

    def mean_bite(self, k: int) -> float:
        """The mean bite on the members of an alignment; 0 without members."""
        members = [self.bite[i] for i in range(self.n) if self.alignment[i] == k]
        total = 0.0
        for bite in members:
            total += bite
        return total / len(members) if members else 0.0

    def respond_bonds(self) -> None:
        """Change bonds: return, growth, decay and outreach."""
        p, strain = self.p, [self.mean_bite(k) for k in self.alignments]
        most = math.inf if self.calendar else 1.0
        back = min(most, p["bond_return"])
        for i in range(self.n):
            for j in range(i + 1, self.n):
                a, b, now, origin = self.alignment[i], self.alignment[j], self.bond[i][j], self.origin[i][j]
                grow = decay = reach = 0.0
                if a == b and a != 0 and origin > 0:
                    grow = min(most, p["bond_gain"] * (1.0 + p["strain"] * strain[a]))
                elif a != b and a != 0 and b != 0:
                    decay = min(most, p["bond_loss"])
                if a != b and self.hostility(i, j) < 0.5:
                    by_i = min(most, p["outreach"] * self.bite[i] * self.standing[j]) if a != 0 else 0.0
                    by_j = min(most, p["outreach"] * self.bite[j] * self.standing[i]) if b != 0 else 0.0
                    reach = by_i + by_j
                if self.calendar:
                    rate = back + grow + decay + reach
                    rest = (back * origin + grow + reach) / rate if rate > 0 else 0.0
                    bond = rest + (now - rest) * math.exp(-rate * self.years)
                else:
                    drift = back * (origin - now) + grow * (1.0 - now) - decay * now
                    bond = now + (drift + reach * (1.0 - now))
                self.bond[i][j] = self.bond[j][i] = clip(bond)

    def respond_rivalries(self) -> None:
        """Change rivalries: growth between blocs and decay within a bloc."""
        p = self.p
        for i in range(self.n):
            for j in range(i + 1, self.n):
                a, b, now = self.alignment[i], self.alignment[j], self.rivalry[i][j]
                if a == b and a != 0:
                    now = clip(now - self.share(p["rivalry_loss"]) * now)
                elif a != b and a != 0 and b != 0 and now > 0:
                    now = clip(now + self.share(p["rivalry_gain"]) * (1.0 - now))
                self.rivalry[i][j] = self.rivalry[j][i] = now

    def respond_sanctions(self) -> None:
        """Change sanctions: growth against other blocs, relief elsewhere."""
        p = self.p
        for j in range(self.n):
            bloc = self.alignment[j]
            for i in range(self.n):
                now, target = self.sanction[j][i], self.alignment[i]
                if bloc != 0 and target not in (0, bloc):
                    pressing = self.enforcement[bloc - 1] * self.attention[bloc - 1][self.theatre[i]]
                    response = self.share(p["sanction_response"] * pressing)
                    if self.initial_enforcement[bloc - 1] > 0 and response > 0:
                        self.sanction[j][i] = clip(now + response * (1.0 - now))
                        self.regime[j][i] = bloc
                elif i != j:
                    self.sanction[j][i] = clip(now - self.share(p["sanction_relief"]) * now)

    def observe(self, before: list[int]) -> None:
        """Compute the outcomes of the step (model: Outcomes)."""
        members, capability, product = ([0.0 for _ in self.alignments] for _ in range(3))
        for i, k in enumerate(self.alignment):
            members[k] += 1.0
            capability[k] += self.capability[i]
            product[k] += self.product[i]
        self.outcomes: dict[str, Any] = {
            "members": members,
            "capability": capability,
            "product": product,
            "bite": [self.mean_bite(k) for k in self.alignments],
            "polarization": self.polarization(capability),
            "frustration": self.frustration(),
            "switches": sum(a != b for a, b in zip(before, self.alignment, strict=True)),
            "stability": [state.stability() for state in self.states],
        }

    def polarization(self, capability: Row) -> float:
        """The index of Esteban and Ray over the blocs and the non-aligned."""
        return sum(
            capability[a] ** 2 * capability[b] * (0.5 if 0 in (a, b) else 1.0)
            for a in self.alignments
            for b in self.alignments
            if a != b
        )

    def frustration(self) -> float:
        """The share of the pairs' weight that the blocs violate."""
        p, c, violated, total = self.p, self.capability, 0.0, 0.0
        for i in range(self.n):
            for j in range(i + 1, self.n):
                tie = (
                    p["w_propensity"] * self.propensity[i][j]
                    + p["w_bond"] * self.bond[i][j]
                    + p["w_institution"] * self.institution[i][j]
                    - p["w_hostility"] * self.hostility(i, j)
                )
                weight = c[i] * c[j] * abs(tie)
                total += weight
                a, b = self.alignment[i], self.alignment[j]
                if a != 0 and b != 0 and (a == b) == (tie < 0):
                    violated += weight
        return violated / total if total > 0 else 0.0


def batch(world: World, seed: int, replicates: range) -> list[dict[str, Any]]:
    """Run the plain model by Mesa's `batch_run`; return one row per run and step.

    The model ends itself, whatever `max_steps` does, and every run is checked for all its steps. Random numbers come
    from `random_seed` and `replicate`, because Mesa drops or overwrites a parameter with the name `seed`.
    """
    parameters = {"world": [world], "random_seed": seed, "replicate": list(replicates)}
    rows: list[dict[str, Any]] = list(
        mesa.batch_run(
            PlainModel, parameters, number_processes=1, max_steps=world.steps + 1, data_collection_period=1,
            display_progress=False,
        )
    )  # fmt: skip
    expected = [(replicate, step) for replicate in replicates for step in range(world.steps)]
    assert [(row["replicate"], row["Step"]) for row in rows] == expected, "batch_run lost or added a step"
    return rows
