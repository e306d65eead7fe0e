"""A state of the model in plain Python on Mesa."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import mesa

if TYPE_CHECKING:
    from benchmarks.plain import PlainModel

Row = list[float]


class PlainState(mesa.Agent):  # type: ignore[misc]
    """A state that sums its ties by bloc and chooses an alignment by its disposition, kept or fresh."""

    model: PlainModel

    def __init__(self, model: PlainModel, index: int) -> None:
        super().__init__(model)
        self.index = index
        self.inclination: Row = []  # -ln E of each alignment, where dispositions are kept

    def sums(self) -> list[Row]:
        """Sums over each alignment: propensity, bond, institution, hostility, trade, product, likeness."""
        m, i = self.model, self.index
        found = [[0.0] * 7 for _ in m.alignments]
        for j in range(m.n):
            if j != i:
                mine = found[m.alignment[j]]
                mine[0] += m.w_propensity[i][j]
                mine[1] += m.w_bond[i][j]
                mine[2] += m.w_institution[i][j]
                mine[3] += m.w_hostility[i][j]
                mine[4] += m.w_trade[i][j]
                mine[5] += m.w_open[i][j]
                mine[6] += m.w_likeness[i][j]
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
            bonds = 0.0
            for bloc in range(1, len(mass)):
                bonds += sums[bloc][1]
            return m.autonomy[i] * p["w_autonomy"] + p["w_hedging"] * p["w_bond"] * bonds + stays
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
            p["w_likeness"] * sums[k][6],
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
        if m.kept:
            self.choose_kept(utilities)
        else:
            self.choose_fresh(utilities)

    def choose_kept(self, utilities: dict[int, float]) -> None:
        """Take the alignment with the greatest utility and inclination, after a renewal where one is due."""
        m, i, temperature = self.model, self.index, self.model.p["temperature"]
        if m.uniforms[i] < m.renewal[i]:
            self.inclination = [-math.log(draw) for draw in m.draw(i, int(m.steps))]
        values = {k: u + temperature * self.inclination[k] for k, u in utilities.items()}
        best = max(values.values())
        if values.get(m.alignment[i]) != best:
            m.alignment[i] = next(k for k, value in values.items() if value == best)

    def choose_fresh(self, utilities: dict[int, float]) -> None:
        """Choose by the logit and the uniform of the step."""
        m, i = self.model, self.index
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
