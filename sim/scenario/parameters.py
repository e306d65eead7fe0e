"""Define sourced numbers with bounds, and the parameters: meaning, unit, default, range and source."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple, get_args

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, model_validator
from pydantic_core import core_schema

Text = Annotated[str, Field(max_length=4000)]


class Strict(BaseModel):
    """A frozen record that refuses unknown keys and numbers that are not finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)


class Sourced(Strict):
    """A number and its source; a bare number has no source."""

    value: float
    source: Text = ""
    note: Text = ""

    @model_validator(mode="before")
    @classmethod
    def accept_bare_number(cls, given: object) -> object:
        """Turn a bare number into a value without a source."""
        if isinstance(given, bool) or given is None:
            raise ValueError(f"{given!r} is not a number")
        return {"value": given} if isinstance(given, (int, float, str)) else given


UNBOUNDED = 1e9  # sums of larger values would not be exact

LARGEST_SIZE = 1e15  # of capability, gdp and trade, which become shares; the product of a world in US dollars fits

SIZE_UNIT = "in one unit for all states, such as billions of US dollars"


@dataclass(frozen=True)
class Between:
    """Bounds of a number, ends included."""

    low: float = -math.inf
    high: float = math.inf
    unit: str = ""

    def phrase(self) -> str:
        """The range in words."""
        if self.high == math.inf:
            return f"a finite number ≥ {self.low:g}" if self.low > -math.inf else "a finite number"
        return f"a number in [{self.low:g}, {self.high:g}]{f', {self.unit}' if self.unit else ''}"

    def check(self, given: Any) -> Any:
        """Return the value; raises ValueError if it is out of bounds."""
        value = given.value if isinstance(given, Sourced) else given
        if not (math.isfinite(value) and self.low <= value <= self.high):
            raise ValueError(f"{value:g} is not {self.phrase()}")
        return given

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        ends = {"minimum": self.low, "maximum": self.high}
        return {**handler(schema), **{end: value for end, value in ends.items() if math.isfinite(value)}}


Share = Annotated[Sourced, Between(0, 1)]

Weight = Annotated[Sourced, Between(0, 20)]  # a larger weight is probably a mistake, such as 60 for 0.6

NonNegative = Annotated[Sourced, Between(0, UNBOUNDED)]

Size = Annotated[Sourced, Between(0, LARGEST_SIZE, SIZE_UNIT)]

PlainShare = Annotated[float, Between(0, 1)]

PlainNonNegative = Annotated[float, Between(0, UNBOUNDED)]

ARGUED_FOR = "article_2023"  # the world that the defaults are fitted to or justified for

PROTOTYPE = (
    f"a prototype over the 52 states of {ARGUED_FOR} gave sensible worlds near this value; no record identifies it"
)

TAKEN_OVER = f"taken over from {ARGUED_FOR}, not fitted to this world"

ANYWHERE = "Axelrod & Bennett's own"


def fitted_source(median: float, low: float, high: float) -> dict[str, str]:
    """Source and reason of a default that calibration moved from its prior."""
    return {"source": "calibration", "why": f"median {median:g}, 90 % interval {low:g} to {high:g}; rounded"}


def parameter(
    default: float, meaning: str, *, span: tuple[float, float], unit: str = "", source: str = "assumed",
    why: str = PROTOTYPE,
) -> Any:  # fmt: skip
    """Field of a parameter: default, meaning, unit, and the range that sensitivity analysis samples."""
    return Field(
        default=Sourced(value=default, source=source, note=why),
        description=meaning,
        json_schema_extra={"unit": unit or "weight", "range": [span[0], span[1]]},
    )


OFF = "off in the prototype; the article names no such response"


A_YEAR = "per year"  # in a world of rounds, which have no length, the same number is per step

RETURN = "a bond off its origin halves its distance in 3.5 years, about a term of office"

GAIN = (
    "against bond_return 0.2, a bond within a bloc comes to rest a tenth of the way from its origin to 1, half of it"
    " after three years; more under strain"
)

LOSS = (
    "against bond_return 0.2, a bond across blocs comes to rest a tenth below its origin, half of it after three years"
)

OUTREACH = (
    "a state in a bloc, to which half of the world's product is closed, comes as near to the largest state outside"
    " as members of a bloc to each other: twice bond_gain, as the bite is a half"
)


def left_open(median: float, low: float, high: float) -> str:
    """Say what votes tell of a parameter that they do not identify."""
    return f"votes leave it open (median {median:g}, 90 % interval {low:g} to {high:g})"


BOND = f"{left_open(1.79, 0.84, 2.68)}; the median, rounded"

TEMPERATURE = (
    f"{left_open(0.073, 0.033, 0.089)}; the coded starts prefer 0.04, and both together 0.054, so that it is between"
)

HEDGING = f"half of them, as one side of a partnership; {left_open(0.48, 0.06, 0.87)}"

RENEWAL = (
    "states realign in about 0.5 % of state-years, and about a third of them would move if their disposition were"
    " drawn once more; the ideal points of votes decay by 1 to 2.5 % a year"
)


class Parameters(Strict):
    """Weights and rates of the model; the record identifies some, the others are assumed."""

    w_propensity: Weight = parameter(1, "weight of stated affinities", span=(0, 2), why=ANYWHERE)
    w_bond: Weight = parameter(1.8, "weight of bonds (§3-6)", span=(0.7, 2.8), why=BOND)
    w_institution: Weight = parameter(0.25, "weight of shared institutions (§11)", span=(0, 0.5))
    w_hostility: Weight = parameter(1.6, "weight of hostility to a bloc's members (§10, §19)", span=(0.8, 3.2))
    w_balance: Weight = parameter(1.2, "weight of joining the strong against whoever threatens", span=(0, 4))
    w_trade: Weight = parameter(0.04, "weight of trade dependence on a bloc (§12)", span=(0, 0.2))
    w_shelter: Weight = parameter(2, "weight of product open to a sanctioned state (§12, §14)", span=(0, 4))
    w_pressure: Weight = parameter(0.25, "weight of the pressure of other blocs (§19, §20)", span=(0, 1))
    pressure_floor: Share = parameter(0.5, "part of pressure that needs no trade (§20)", span=(0.1, 0.9), unit="share")
    w_autonomy: Weight = parameter(0.085, "utility of staying non-aligned", span=(0.04, 0.17))
    inertia: Weight = parameter(0.025, "utility of the alignment held now", span=(0, 0.1))
    temperature: Weight = parameter(
        0.06, "scale of chance in choices; 0 always takes the best", span=(0.02, 0.09), unit="utility", why=TEMPERATURE
    )
    erosion: Weight = parameter(0.7, "enforcement lost per share of product elsewhere (§14)", span=(0, 1))
    accommodation_cost: Weight = parameter(5, "enforcement lost per unit of accommodation (§23)", span=(0, 10))
    bond_return: Share = parameter(
        0.2, "pull of a bond to what history made it", span=(0.05, 0.5), unit=A_YEAR, why=RETURN
    )
    bond_gain: Share = parameter(0.02, "growth of a bond within a bloc (§3-6)", span=(0, 0.1), unit=A_YEAR, why=GAIN)
    bond_loss: Share = parameter(0.02, "decay of a bond across blocs", span=(0, 0.1), unit=A_YEAR, why=LOSS)
    strain: Weight = parameter(1, "speed-up of bonds by the bloc's mean bite (§6)", span=(0, 5), unit="per bite")
    outreach: Share = parameter(
        0.04, "growth of bonds outside the bloc under bite (§6)", span=(0, 0.1), unit=A_YEAR, why=OUTREACH
    )
    rivalry_gain: Share = parameter(0, "growth of a rivalry across blocs", span=(0, 0.05), unit=A_YEAR, why=OFF)
    rivalry_loss: Share = parameter(0, "decay of a rivalry within a bloc", span=(0, 0.05), unit=A_YEAR, why=OFF)
    sanction_response: Share = parameter(
        0, "growth of sanctions by a pressing bloc", span=(0, 0.05), unit=A_YEAR, why=OFF
    )
    sanction_relief: Share = parameter(
        0, "decay of sanctions between the unopposed", span=(0, 0.05), unit=A_YEAR, why=OFF
    )
    w_likeness: Weight = parameter(
        0.3, "weight of likeness to a bloc's regimes (§10, §20)", span=(0, 0.8), **fitted_source(0.29, 0.1, 0.59)
    )
    w_hedging: Weight = parameter(
        0.5,
        "part of the bonds with bloc members that the non-aligned keep (§2, §11)",
        span=(0, 1),
        unit="share",
        why=HEDGING,
    )
    renewal: Weight = parameter(
        0.015, "rate at which kept dispositions are renewed", span=(0.005, 0.03), unit=A_YEAR, why=RENEWAL
    )


class Plain(NamedTuple):
    """A setting in words for readers who do not know the model: a name, and what happens where it is higher."""

    name: str
    higher: str


PLAIN = {  # of every parameter, and of what a bloc can set
    "w_propensity": Plain("Pull of stated affinities", "states side more with states that they are said to like"),
    "w_bond": Plain("Pull of partnerships", "states side more with partners by treaties, arms and aid"),
    "w_institution": Plain("Pull of shared institutions", "states side more with fellow members of the EU, BRICS, …"),
    "w_hostility": Plain("Distance from rivals", "states avoid more a bloc whose members are rivals or sanction them"),
    "w_balance": Plain("Joining the strong", "a threatened state joins whoever is strong against its threat more"),
    "w_trade": Plain("Pull of trade", "states side more with those that they trade with most"),
    "w_shelter": Plain("Refuge from sanctions", "a bloc that goes on trading attracts a sanctioned state more"),
    "w_pressure": Plain("Weight of pressure", "states lose more when they align against a bloc that presses them"),
    "pressure_floor": Plain("Pressure without trade", "pressure depends less on trade with the bloc that presses"),
    "w_autonomy": Plain("Worth of independence", "more states stay outside the blocs"),
    "inertia": Plain("Cost of changing sides", "states stay more often where they are"),
    "temperature": Plain("Amount of chance", "choices follow ties less; at 0 a state always takes its best choice"),
    "erosion": Plain("Gaps in sanctions", "large blocs elsewhere weaken a bloc's pressure and sanctions more"),
    "accommodation_cost": Plain("Price of an offer", "an offer to joiners weakens pressure and sanctions more"),
    "bond_return": Plain("Return to old partnerships", "partnerships return faster to what history made them"),
    "bond_gain": Plain("Partnerships grow inside a bloc", "partners in one bloc grow closer faster"),
    "bond_loss": Plain("Partnerships fade between blocs", "partners in different blocs grow apart faster"),
    "strain": Plain("Sanctions unite a bloc", "sanctions on a bloc make the partnerships in it grow faster"),
    "outreach": Plain("The sanctioned seek partners", "a sanctioned state finds partners outside its bloc faster"),
    "rivalry_gain": Plain("Rivalries grow between blocs", "states of different blocs become rivals faster"),
    "rivalry_loss": Plain("Rivalries fade inside a bloc", "rivals in one bloc make peace faster"),
    "sanction_response": Plain("New sanctions", "a bloc that presses sanctions states of other blocs faster"),
    "sanction_relief": Plain("End of sanctions", "sanctions between states that do not oppose each other end faster"),
    "w_likeness": Plain("Pull of similar governments", "democracies side more with democracies, others with others"),
    "w_hedging": Plain("Partners without a bloc", "states outside keep more of their partnerships with bloc members"),
    "renewal": Plain("Changes of government", "governments, and with them the leanings of states, change more often"),
    "enforcement": Plain("Pressure on others", "the bloc presses states of other blocs, and sanctions, more"),
    "attention_budget": Plain("Capacity to act", "the bloc can press in more regions, and enforce sanctions, at once"),
    "accommodation": Plain("Offer to joiners", "who joins the bloc gains more, but it presses and sanctions less"),
}


def parse_number(text: str) -> float:
    """Parse a number; the ValueError for a per cent sign or a decimal comma shows how to write it."""
    try:
        return float(text)
    except ValueError:
        near = text.strip().removesuffix("%").replace(",", ".")
        try:
            meant = float(near) / (100 if text.strip().endswith("%") else 1)
        except ValueError:
            raise ValueError(f"{text!r} is not a number") from None
        raise ValueError(f"{text!r} is not a number; write {meant:g}") from None


def mark_taken_over(parameters: Parameters) -> Parameters:
    """Note in each default that it comes from another world, for worlds that the defaults are not fitted to."""
    defaults = {name: field.default for name, field in Parameters.model_fields.items()}
    kept = {
        name: Sourced(value=default.value, source="assumed", note=TAKEN_OVER)
        for name, default in defaults.items()
        if default.note != ANYWHERE and getattr(parameters, name) == default
    }
    return parameters.model_copy(update=kept)


def parameter_range(name: str) -> tuple[float, float]:
    """Range of a parameter that sensitivity analysis samples.

    Parameters
    ----------
    name
        A field of `Parameters`, such as `erosion`.

    Returns
    -------
    (float, float)
        Lower and upper end, in the unit of the parameter.
    """
    extra: Any = Parameters.model_fields[name].json_schema_extra
    low, high = extra["range"]
    return float(low), float(high)


def bounds_of(model: type[BaseModel], name: str) -> Between:
    """Bounds of a numeric field of a model, which may be optional."""
    field = model.model_fields[name]
    optional = [item for kind in get_args(field.annotation) for item in getattr(kind, "__metadata__", ())]
    return next(item for item in [*field.metadata, *optional] if isinstance(item, Between))


def parameter_bounds(name: str) -> tuple[float, float]:
    """Least and largest value that a parameter can have, whatever an analysis samples.

    Parameters
    ----------
    name
        A field of `Parameters`, such as `erosion`.

    Returns
    -------
    (float, float)
        Lower and upper end, in the unit of the parameter; infinite where there is none.
    """
    bounds = bounds_of(Parameters, name)
    return bounds.low, bounds.high
