#!/usr/bin/env bash
# countryguess, country_converter, hdx-python-country: names of lists of states become the codes of other states.
#
# Expected: a name that a library does not know gives nothing; libraries agree on the names that they know.
# Seen: countryguess (whose guesses are fuzzy unless one says otherwise) takes "Republic of X" for the nearest republic:
#   "Republic of Vietnam" is Kenya, "Democratic Republic of Vietnam" DR Congo. "Vietnam (Annam/Cochin China/Tonkin)", as the
#   Gleditsch-Ward list names its 815, is China for countryguess and hdx, and a list of two for country_converter.
#   "China, Republic of" is Beijing for the first two and Taiwan for hdx, while "Republic of China" is Taiwan for all.
#   "Tanzania/Tanganyika" (510 of that list) gets the iso3 "EAT", which ISO 3166-1 does not assign.
# Why it matters: no row is lost and no code is blank, so nothing is looked at: Saigon's treaties of 1960 are Kenya's.
# Instead: join by code (with the years that it holds for), never by name; read each match that is not exact.
# seen on 2026-11-28 with countryguess 0.4.9, country_converter 1.3.2, hdx-python-country 4.2.5
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv v
v/bin/pip install -qq countryguess==0.4.9 country_converter==1.3.2 hdx-python-country==4.2.5 pandas==2.3.3
v/bin/python -W ignore - <<'PY'
import logging

import country_converter
from countryguess import guess_country
from hdx.location.country import Country

logging.disable(logging.CRITICAL)
Country.countriesdata(use_live=False)


def codes(name):
    guess = guess_country(name)
    converted = country_converter.convert(name, to="ISO3", not_found=None)
    return guess and guess["iso3"], converted, Country.get_iso3_country_code_fuzzy(name)[0]


assert codes("Republic of Vietnam")[0] == "KEN", codes("Republic of Vietnam")
assert codes("Democratic Republic of Vietnam")[0] == "COD"
seen = codes("Vietnam (Annam/Cochin China/Tonkin)")
assert seen == ("CHN", ["CHN", "VNM"], "CHN"), seen
assert codes("China, Republic of") == ("CHN", "CHN", "TWN"), codes("China, Republic of")
assert codes("Republic of China") == ("TWN", "TWN", "TWN")
assert codes("Tanzania/Tanganyika") == ("EAT", "TZA", "TZA"), codes("Tanzania/Tanganyika")
print(f"'Republic of Vietnam' is {codes('Republic of Vietnam')[0]} (countryguess); Annam {seen}; 'China, Republic of' {codes('China, Republic of')}")
PY
