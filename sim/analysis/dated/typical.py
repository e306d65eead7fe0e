"""Choose the most typical history of an ensemble, and two that are unlike it."""

from __future__ import annotations

import numpy as np

from sim.model.arrays import Bytes, Floats

MOST_COMPARED = 300  # runs, as every pair is compared


def measure_distances(alignment: Bytes) -> Floats:
    """Compute the share of states and steps in which two runs differ, for each pair, (R, R), from (R, T + 1, N)."""
    flat = alignment.reshape(len(alignment), -1)
    same = np.zeros((len(flat), len(flat)), dtype=np.float32)
    for k in np.unique(flat):
        here = (flat == k).astype(np.float32)
        same += here @ here.T
    return 1 - same.astype(np.float64) / max(flat.shape[1], 1)


def choose_histories(alignment: Bytes) -> list[int]:
    """Choose the medoid of runs, the run farthest from it, and the run farthest from both; fewer if runs are alike.

    Parameters
    ----------
    alignment
        Alignments, (R, T + 1, N); the first MOST_COMPARED runs are compared.

    Returns
    -------
    list of int
        Places of the runs. The medoid has the least mean distance to all others.

    Examples
    --------
    >>> choose_histories(np.array([[[0, 0]], [[0, 0]], [[0, 1]], [[1, 1]]]))
    [0, 3, 2]
    """
    distances = measure_distances(alignment[:MOST_COMPARED])
    chosen = [int(distances.mean(axis=1).argmin())]
    while len(chosen) < min(3, len(distances)):
        away = distances[chosen].min(axis=0)
        if away.max() <= 0:
            break
        chosen.append(int(away.argmax()))
    return chosen
