#!/usr/bin/env bash
# frictionless: capabilities with a decimal comma are read as places on the globe, and the table is valid.
#
# Expected: "12,5" in a column of shares is read as text, or as 12.5, or is a fault.
# Seen: describe infers "geopoint" (longitude, latitude), extract gives [12.0, 5.0] and [0.0, 25.0] for 12,5 and 0,25,
#   and validate finds no fault, whether the value is quoted or the file has semicolons. With 1 value of 31 above 180
#   the column stays a geopoint and that one value is the only fault.
# Why it matters: European spreadsheets write percentages so; the sum, the mean and the weight of a state are then
#   those of two whole numbers, and a report without faults says that all is well.
# Instead: give a schema: number with decimalChar ",".
# seen on 2026-11-28 with frictionless 5.21.0
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv v
v/bin/pip install -qq frictionless==5.21.0
v/bin/python -W ignore - <<'PY'
import frictionless

shares = {"AAA": "12,5", "BBB": "1,75", "CCC": "0,25"}
files = {
    "quoted": "state,share\n" + "".join(f'{state},"{share}"\n' for state, share in shares.items()),
    "semicolons": "state;share\n" + "".join(f"{state};{share}\n" for state, share in shares.items()),
    "mixed": "state;share\n" + "".join(f"S{i};{i},5\n" for i in range(30)) + "ZZZ;331,9\n",
}
for name, text in files.items():
    with open(f"{name}.csv", "w") as file:
        file.write(text)
    types = [field.type for field in frictionless.describe(f"{name}.csv").schema.fields]
    assert types == ["string", "geopoint"], (name, types)
for name in ("quoted", "semicolons"):
    assert frictionless.validate(f"{name}.csv").valid
    read = [[float(part) for part in row["share"]] for row in frictionless.extract(f"{name}.csv")[name]]
    assert read == [[12.0, 5.0], [1.0, 75.0], [0.0, 25.0]], read
faults = frictionless.validate("mixed.csv").flatten(["rowNumber", "type"])
assert faults == [[32, "type-error"]], faults
print(f"frictionless {frictionless.__version__}: shares 12,5 1,75 0,25 are valid and read as {read}")
PY
