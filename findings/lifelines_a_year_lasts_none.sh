#!/usr/bin/env bash
# lifelines: a spell from 1 January to the next 1 January lasts 0 years, unless it crosses a 29 February.
#
# Expected: datetimes_to_durations(..., freq="Y") of 1990-01-01 to 1991-01-01 is 1 year.
# Seen: days are divided by 365.2425 and cut to a whole number: 365 days are 0 years, 366 are 1. From 1990 to 1991 and
#   1991 to 1992 are 0, 1992 to 1993 is 1, 1990 to 1993 is 3 (1096 days), 1993 to 1996 is 2 (1095 days), 1897 to 1904,
#   seven years, is 6, as 1900 had no leap day. freq="M" does the like to months.
# Why it matters: alliances and rivalries are spells by year. Most durations come out a year short, the others do not,
#   by the calendar, and most one-year spells have length 0.
# Instead: freq="D" and divide, or take years from years.
# seen on 2026-11-28 with lifelines 0.30.3, pandas 2.3.3
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv v
v/bin/pip install -qq lifelines==0.30.3 pandas==2.3.3 numpy==2.4.6 scipy==1.17.1
v/bin/python -W error - <<'PY'
import lifelines
from lifelines.utils import datetimes_to_durations

spells = {(1990, 1991): 0, (1991, 1992): 0, (1992, 1993): 1, (1990, 1993): 3, (1993, 1996): 2, (1990, 1994): 4, (1897, 1904): 6}
starts = [f"{first}-01-01" for first, _ in spells]
ends = [f"{last}-01-01" for _, last in spells]
years, _ = datetimes_to_durations(starts, ends, freq="Y")
assert years.tolist() == list(spells.values()), years
short = sum(last - first > seen for (first, last), seen in zip(spells, years))
print(f"lifelines {lifelines.__version__}: 1990 to 1991 is {years[0]:.0f} years, 1992 to 1993 {years[2]:.0f}, 1993 to 1996 {years[4]:.0f}; {short} of {len(spells)} are short")
PY
