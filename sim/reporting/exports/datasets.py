"""A run as an xarray dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sim import __version__
from sim.model.outcomes import describe_outcome
from sim.reporting.exports.networks import RunNetwork

if TYPE_CHECKING:
    import xarray

MISSING = "to_xarray needs xarray, which is not installed; install it with: pip install 'blocs[xarray]'"

OF_STATES = {
    "aligned": "whether the state is in the alignment",
    "chance": "chance of the alignment at the state's decision, 0 to 1; missing at the start",
    "regime_stability": describe_outcome("regime_stability"),
    "bite": "share of the world's product closed to the state by sanctions, 0 to 1",
}


def build_dataset(network: RunNetwork) -> xarray.Dataset:
    """Return a run as a dataset; raises ModuleNotFoundError with what to install where xarray is missing.

    Parameters
    ----------
    network
        The run.

    Returns
    -------
    Dataset
        Dimensions step, state and alignment, with the end date of each step where the world has dates. `aligned` and
        `chance` have all three, `regime_stability` and `bite` step and state, each outcome step only.
    """
    try:
        import xarray
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(MISSING, name="xarray") from error

    run, scenario = network.run, network.scenario
    held = run.alignment[:, :, None] == np.arange(len(run.alignments))
    values: dict[str, Any] = {
        "aligned": (("step", "state", "alignment"), held),
        "chance": (("step", "state", "alignment"), run.chances),
        "regime_stability": (("step", "state"), run.stability),
        "bite": (("step", "state"), run.bite),
    }
    values = {name: (*parts, {"long_name": OF_STATES[name]}) for name, parts in values.items()}
    for k, name in enumerate(run.outcome_names):
        values[name] = ("step", run.outcomes[:, k], {"long_name": describe_outcome(name)})
    coordinates: dict[str, Any] = {
        "step": np.arange(network.last + 1),
        "state": np.array(run.states),
        "alignment": np.array(run.alignments),
        "state_name": ("state", np.array([scenario.states[state].name for state in run.states])),
        "alignment_name": ("alignment", np.array([network.labels[alignment] for alignment in run.alignments])),
    }
    if network.dates:  # seconds, as nanoseconds end in 2262
        coordinates["date"] = ("step", np.array(network.dates, dtype="datetime64[s]"))
    about = {"title": scenario.title, "seed": str(run.seed), "replicate": run.replicate, "blocs": __version__}
    return xarray.Dataset(values, coordinates, about)
