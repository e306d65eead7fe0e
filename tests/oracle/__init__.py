"""A second implementation of the model in plain Python, written only from docs/model.md.

Its author has not read the simulator (`sim/model`). It shares only the schema of scenarios and the calendar with the
simulator, and uses libraries only for random numbers and hashes. Numbers are floats, tables are lists of lists,
every sum is a loop. Logarithms and exponentials are those of `math`, so the last digits of what follows from them can
differ from the simulator's.
"""

from oracle.decision import TERMS
from oracle.outcomes import LATE_STEPS
from oracle.run import Step, Trace, simulate

__all__ = ["LATE_STEPS", "TERMS", "Step", "Trace", "simulate"]
