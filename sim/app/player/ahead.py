"""What the first reader needs, computed while the browser opens."""

from __future__ import annotations

import threading

from sim.app import apart
from sim.errors import InputError
from sim.model.numerics.jit import compiles_first


def begin_first_page() -> None:
    """Begin to prepare the first page in a thread, which ends with this process."""
    if compiles_first():
        apart.begin_answering()
    threading.Thread(target=prepare_first_page, daemon=True).start()


def prepare_first_page() -> None:
    """Import the pages, and compute and cache what the page of the default run shows."""
    from sim.app import cache
    from sim.app.pages import compare, controls, lessons, run, tipping, what_if  # noqa: F401  # that the script imports
    from sim.app.session import Visit
    from sim.app.setting import DEFAULT, from_query

    visit = Visit()
    choices = threading.Thread(target=cache.scenario_choices, daemon=True)
    choices.start()
    try:
        address, _ = from_query({}, [DEFAULT], visit.load)
        scenario, digest, names, names_key = visit.resolve(address.setting)
    except InputError:  # the page says it
        return
    history = cache.compute_run(scenario, digest, address.seed, address.replicate)
    state, key = controls.first_state(scenario, list(scenario.states)), (digest, address.seed, address.replicate)
    cache.compute_frames(scenario, history, names, names_key, key, state, None, "", "")
    choices.join()
