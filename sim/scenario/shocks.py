"""Define the shocks of a scenario: changes from outside at a step, and the names that they refer to."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from sim.scenario.parameters import (
    Between,
    Parameters,
    PlainNonNegative,
    PlainShare,
    Strict,
    Text,
    bounds_of,
)

MAX_STEPS = 10_000

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]

StateId = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,7}$")]

Level = Annotated[str, Field(max_length=40, description="level of the scale that gives the value")]

Selector = Annotated[str, Field(pattern=r"^(\*|@[a-z][a-z0-9_]{0,39}|[A-Za-z][A-Za-z0-9_]{0,7})$")]


class ShockBase(Strict):
    """A change from outside at the start of a step."""

    step: Annotated[int, Field(ge=1, le=MAX_STEPS)]
    source: Text = ""
    note: Text = ""


class Crisis(ShockBase):
    """A crisis in a theatre: it asks for attention from every bloc (§1, §20)."""

    kind: Literal["crisis"]
    theatre: Name
    intensity: PlainNonNegative
    duration: Annotated[int, Field(ge=1, le=MAX_STEPS)]


class SanctionShock(ShockBase):
    """A sanction imposed, changed or (value 0) lifted."""

    kind: Literal["sanction"]
    sender: Selector
    target: Selector
    value: PlainShare
    level: Level = ""
    regime: Annotated[str, Field(max_length=40)] = ""


class PairShock(ShockBase):
    """A bond or a rivalry set to a value."""

    kind: Literal["bond", "rivalry"]
    a: Selector
    b: Selector
    value: PlainShare
    level: Level = ""


class Membership(ShockBase):
    """A state joins an institution or leaves it."""

    kind: Literal["membership"]
    institution: Name
    state: StateId
    joins: bool = True


class PriorityShock(ShockBase):
    """A bloc's priority for a theatre set to a value."""

    kind: Literal["priority"]
    bloc: Name
    theatre: Name
    value: PlainNonNegative


class BlocShock(ShockBase):
    """A bloc's enforcement, attention budget or accommodation set to a value."""

    kind: Literal["bloc"]
    bloc: Name
    setting: Literal["enforcement", "attention_budget", "accommodation"]
    value: PlainNonNegative

    @model_validator(mode="after")
    def check_enforcement(self) -> BlocShock:
        """Check that enforcement is a share."""
        if self.setting == "enforcement":
            Between(0, 1).check(self.value)
        return self


class ParameterShock(ShockBase):
    """A parameter set to a value."""

    kind: Literal["parameter"]
    parameter: str
    value: PlainNonNegative

    @model_validator(mode="after")
    def check_bounds(self) -> ParameterShock:
        """Check the value against the bounds of a known parameter."""
        if self.parameter in Parameters.model_fields:
            bounds_of(Parameters, self.parameter).check(self.value)
        return self


class PolyarchyShock(ShockBase):
    """The polyarchy of a state set to a value, which changes its likeness to others."""

    kind: Literal["polyarchy"]
    state: StateId
    value: PlainShare


class Upheaval(ShockBase):
    """The government of a state falls: its disposition is renewed for certain.

    An average change of government does less: about one in six brings a renewal in non-democracies, and one in
    fifty in democracies.
    """

    kind: Literal["upheaval"]
    state: StateId
    toward: Annotated[str, Field(max_length=40)] = Field(
        default="", description="alignment that the new government prefers at the chances of the moment"
    )


Shock = Annotated[
    Crisis
    | SanctionShock
    | PairShock
    | Membership
    | PriorityShock
    | BlocShock
    | ParameterShock
    | PolyarchyShock
    | Upheaval,
    Field(discriminator="kind"),
]
