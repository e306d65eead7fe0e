"""The model in plain Python on Mesa: lists of floats, loops over all states, no arrays.

Each step equals a step of `sim.model.agents`. The rules are repeated here for comparison only. Two things make this
side faster: the compiled rule draws its random numbers, and unchanged ties are weighed once. It has no shocks.
"""

from __future__ import annotations

import math
from typing import Any

import mesa

from sim.model.arrays import PARAMETERS
from sim.model.starts import draw_initial_alignment, draw_random_words
from sim.model.world import World

Row = list[float]
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


class PlainState(mesa.Agent):  # type: ignore[misc]
    """A state that sums its ties by bloc and chooses an alignment by logit."""

    model: PlainModel

    def __init__(self, model: PlainModel, index: int) -> None:
        super().__init__(model)
        self.index = index

    def sums(self) -> list[Row]:
        """Sums over the members of each alignment: propensity, bond, institution, hostility, trade, product."""
        m, i = self.model, self.index
        found = [[0.0] * 6 for _ in m.alignments]
        for j in range(m.n):
            if j != i:
                mine = found[m.alignment[j]]
                mine[0] += m.w_propensity[i][j]
                mine[1] += m.w_bond[i][j]
                mine[2] += m.w_institution[i][j]
                mine[3] += m.w_hostility[i][j]
                mine[4] += m.w_trade[i][j]
                mine[5] += m.w_open[i][j]
        return found

    def masses(self) -> Row:
        """The capability of the other states by alignment."""
        m = self.model
        found = [0.0 for _ in m.alignments]
        for j in range(m.n):
            if j != self.index:
                found[m.alignment[j]] += m.capability[j]
        return found

    def utility(self, k: int, sums: list[Row], mass: Row) -> float:
        """The utility of alignment k, a sum of terms (model: Decision)."""
        m, i, p = self.model, self.index, self.model.p
        stays = p["inertia"] if k == m.alignment[i] else 0.0
        if k == 0:
            return m.autonomy[i] * p["w_autonomy"] + stays
        bite, leader, floor = m.bite[i], m.leader[k - 1], p["pressure_floor"]
        rivalry = m.rivalry[i][leader] if leader >= 0 else 0.0
        sanction = m.sanction[leader][i] if leader >= 0 else 0.0
        threat = pressure = 0.0
        for other in range(1, len(mass)):
            if other != k:
                threat += sums[other][3]
                stake = floor + (1.0 - floor) * sums[other][4] * (1.0 - bite)
                pressure += m.enforcement[other - 1] * m.attention[other - 1][m.theatre[i]] * mass[other] * stake
        terms = [
            p["w_propensity"] * sums[k][0],
            p["w_bond"] * sums[k][1],
            p["w_institution"] * sums[k][2],
            -p["w_hostility"] * sums[k][3],
            p["w_balance"] * mass[k] * threat,
            p["w_trade"] * sums[k][4],
            p["w_shelter"] * bite * (1.0 - sanction) * sums[k][5],
            m.accommodation[k - 1] * (1.0 - max(rivalry, sanction)),
            -p["w_pressure"] * pressure,
            stays,
        ]
        total = 0.0
        for term in terms:
            total += term
        return total

    def step(self) -> None:
        """Choose an alignment, given the present alignments of the others."""
        m, i = self.model, self.index
        if m.fixed[i]:
            return
        sums, mass = self.sums(), self.masses()
        utilities = {k: self.utility(k, sums, mass) for k in m.alignments if m.allowed[k]}
        best = max(utilities.values())
        weights = {k: math.exp((u - best) / m.p["temperature"]) for k, u in utilities.items()}
        total = sum(weights.values())
        cumulative = 0.0
        for k, weight in weights.items():
            m.alignment[i] = k
            cumulative += weight / total
            if cumulative > m.uniforms[i]:
                break

    def stability(self) -> float:
        """Regime stability: 1 less bite and pressure, plus what the bloc offers (model: Outcomes)."""
        m, i = self.model, self.index
        own, sums, mass = m.alignment[i], self.sums(), self.masses()
        pressure, offered = 0.0, 0.5 * sums[0][5]
        if own != 0:
            offered += sums[own][5]
            for k in range(1, len(mass)):
                if k != own:
                    pressing = m.enforcement[k - 1] * m.attention[k - 1][m.theatre[i]]
                    pressure += pressing * mass[k] * m.p["pressure_floor"]
        return 1.0 - min(1.0, max(0.0, m.bite[i] + pressure - offered))


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
        for i in range(self.n):
            for j in range(i + 1, self.n):
                a, b, now, origin = self.alignment[i], self.alignment[j], self.bond[i][j], self.origin[i][j]
                drift = min(1.0, p["bond_return"]) * (origin - now)
                if a == b and a != 0 and origin > 0:
                    drift += min(1.0, p["bond_gain"] * (1.0 + p["strain"] * strain[a])) * (1.0 - now)
                elif a != b and a != 0 and b != 0:
                    drift -= min(1.0, p["bond_loss"]) * now
                if a != b and self.hostility(i, j) < 0.5:
                    by_i = min(1.0, p["outreach"] * self.bite[i] * self.standing[j]) if a != 0 else 0.0
                    by_j = min(1.0, p["outreach"] * self.bite[j] * self.standing[i]) if b != 0 else 0.0
                    drift += (by_i + by_j) * (1.0 - now)
                self.bond[i][j] = self.bond[j][i] = clip(now + drift)

    def respond_rivalries(self) -> None:
        """Change rivalries: growth between blocs and decay within a bloc."""
        p = self.p
        for i in range(self.n):
            for j in range(i + 1, self.n):
                a, b, now = self.alignment[i], self.alignment[j], self.rivalry[i][j]
                if a == b and a != 0:
                    now = clip(now - min(1.0, p["rivalry_loss"]) * now)
                elif a != b and a != 0 and b != 0 and now > 0:
                    now = clip(now + min(1.0, p["rivalry_gain"]) * (1.0 - now))
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
                    response = min(1.0, p["sanction_response"] * pressing)
                    if self.initial_enforcement[bloc - 1] > 0 and response > 0:
                        self.sanction[j][i] = clip(now + response * (1.0 - now))
                        self.regime[j][i] = bloc
                elif i != j:
                    self.sanction[j][i] = clip(now - min(1.0, p["sanction_relief"]) * now)

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
