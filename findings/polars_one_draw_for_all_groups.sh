#!/usr/bin/env bash
# polars, pandas: with a seed, `shuffle` and `sample` over groups draw once, and every group gets that same draw.
#
# Expected: a seed makes draws repeatable, and each year has its own; so it is in pandas (`groupby.sample(random_state=)`)
#   and in polars without a seed.
# Seen: `shuffle(seed=1).over("year")` puts the rows of 30 years in one and the same order; so does `agg`. A bootstrap within
#   years of a table sorted by year and agreement has a standard error of 0.060 for 0.011 (pandas, and polars without a
#   seed): each sample takes the lowest of every year together, or the highest. The pages of polars say "seed for the random
#   number generator" and no more.
#   Cause: each group starts a generator from the seed.
# Why it matters: permuting or resampling within years is how panels are tested, and a seed is what one gives to be
#   reproducible. Intervals are five times too wide here, and next to nothing where every other year runs the other way.
# Instead: a seed for each group, `part.sample(..., seed=s)` over `partition_by("year")`; or a column of random numbers and
#   `sort_by("key").over("year")`.
# known: https://github.com/pola-rs/polars/pull/10388 (meant so: the same seed does the same thing, whatever the group)
# seen on 2026-11-30 with polars 2.1.0, pandas 3.1.1
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv v
v/bin/pip install -qq polars==2.1.0 pandas==3.1.1 numpy==2.4.6
v/bin/python -W error - <<'PY'
import numpy as np
import pandas as pd
import polars as pl

STATES, YEARS, DRAWS = 20, 30, 300
rng = np.random.default_rng(1)
values = np.sort(rng.random((YEARS, STATES)), axis=1)
table = pl.DataFrame({"year": np.repeat(np.arange(YEARS), STATES), "state": np.tile(np.arange(STATES), YEARS), "agreement": values.ravel()})
other = pd.DataFrame(table.to_dict(as_series=False))


def orders(column):
    return len({tuple(part) for part in np.reshape(column, (YEARS, STATES))})


def mean(seed, table=table):
    draw = pl.col("agreement").sample(fraction=1.0, with_replacement=True, seed=seed)
    return table.select(draw.over("year").mean()).item()


def mean_of_parts(seed):
    seeds = np.random.default_rng(seed).integers(2**63, size=YEARS).tolist()
    parts = table.partition_by("year", maintain_order=True)
    return pl.concat(p.sample(fraction=1.0, with_replacement=True, seed=s) for p, s in zip(parts, seeds))["agreement"].mean()


def mean_of_pandas(seed):
    return other.groupby("year").sample(frac=1, replace=True, random_state=seed).agreement.mean()


shuffled = table.select(pl.col("state").shuffle(seed=1).over("year"))["state"].to_numpy()
assert orders(shuffled) == 1, orders(shuffled)
assert table.group_by("year").agg(pl.col("state").shuffle(seed=1))["state"].n_unique() == 1
free = table.select(pl.col("state").shuffle().over("year"))["state"].to_numpy()
assert orders(free) == orders(other.groupby("year").sample(frac=1, random_state=1).state) == YEARS
keyed = table.with_columns(key=pl.Series(rng.random(len(table)))).select(pl.col("state").sort_by("key").over("year"))
assert orders(keyed["state"].to_numpy()) == YEARS

true = np.sqrt(values.var(axis=1).mean() / STATES / YEARS)
seeded, unseeded, parts, panda = (
    np.std([draw(seed) for seed in range(DRAWS)]) for draw in (mean, lambda _: mean(None), mean_of_parts, mean_of_pandas)
)
assert all(abs(one / true - 1) < 0.2 for one in (unseeded, parts, panda)), (true, unseeded, parts, panda)
assert 4.5 < seeded / true < 6.5, (seeded, true)
turned = table.sort("year", pl.when(pl.col("year") % 2 == 0).then(1).otherwise(-1) * pl.col("agreement"))
assert np.std([mean(seed, turned) for seed in range(DRAWS)]) < 0.3 * true
assert mean(7) == mean(7) and mean_of_parts(7) == mean_of_parts(7)
print(f"polars {pl.__version__}, pandas {pd.__version__}: {YEARS} years have {orders(shuffled)} order with a seed, {orders(free)} without")
print(f"  standard error {seeded:.3f} with a seed, {unseeded:.3f} without, {panda:.3f} in pandas, {true:.3f} by formula")
PY
