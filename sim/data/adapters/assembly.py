"""Adapters of the General Assembly's record: ideal points and votes. They are a record, and no input of a world."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from sim.data.adapters.base import Dataset, Form, drop_doubled, drop_missing_keys, require_codes
from sim.data.adapters.lists import DATE_OF_R
from sim.data.codes import names_of_states
from sim.data.journal import Journal
from sim.data.readers.raw import is_missing
from sim.errors import Fault, InputError, quote

if TYPE_CHECKING:
    import pandas as pd

FEW_VOTES = 10  # an ideal point of fewer votes says little

ANSWERS = {1: "yes", 2: "abstained", 3: "no", 8: "absent"}
WORDS = {"yes": 1, "abstain": 2, "no": 3}
NOT_MEMBER = 9
LAST_SESSION = 8054  # of 9999, the last year that a date has


def tidy_points(frame: pd.DataFrame, journal: Journal, dataset: Dataset, file: str) -> pd.DataFrame:
    """Tidy ideal points by code and year; ISO codes are not used, as they repeat and change their meaning."""
    require_codes(frame, ("cow",), file)
    frame = drop_missing_keys(frame, ("cow", "year"), journal, dataset, file)
    frame = drop_doubled(frame, ("cow", "year"), journal, dataset, file)
    journal.note(
        "joined by code", dataset.id, len(frame), len(frame), "ISO codes repeat (DEU, YAR), or are blank or obsolete"
    )
    known = frame[frame["point"].notna()]
    if "votes" in known:
        many = known[~(known["votes"] < FEW_VOTES)]
        why = f"a point of fewer than {FEW_VOTES} votes says little"
        journal.note("few votes", dataset.id, len(known), len(many), why)
        known = many
    why = "points of one release are on one scale; those of another release are not comparable"
    journal.note("one scale", dataset.id, len(frame), len(known), why)
    return known[["cow", "year", "point"]]


POINTS = Dataset(
    "un_ideal_points", "ideal_points", "United Nations General Assembly ideal points",
    "Bailey, Michael A.; Strezhnev, Anton; Voeten, Erik", 2017, "https://doi.org/10.7910/DVN/LEJUQZ",
    "free with citation", "state-year", 2024, "the record to score forecasts against, and an observed start",
    (
        Form({"ccode": "cow", "year": "year", "idealpointall": "point"}, {"nvotesall": "votes"}),
        Form({"ccode": "cow", "year": "year", "idealpoint": "point"}),
    ), tidy_points,
)  # fmt: skip


def tidy_votes(frame: pd.DataFrame, journal: Journal, dataset: Dataset, file: str) -> pd.DataFrame:
    """Tidy votes: one of each state in each roll call, with its day; 9 means no membership, and is dropped."""
    if "country" in frame:
        frame = frame.assign(cow=codes_of_names(frame["country"], file), vote=votes_of_words(frame["vote"], file))
    require_codes(frame, ("cow",), file)
    keys = ("cow", "call", "vote", *(name for name in ("session",) if name in frame))
    frame = drop_missing_keys(frame, keys, journal, dataset, file)
    if "session" in frame:
        require_sessions(frame["session"], file)
    known = frame["vote"].isin([*ANSWERS, NOT_MEMBER])
    if not known.all():
        line = frame.index[~known][0]
        message = f"{frame['vote'][line]:g} is none of the codes 1, 2, 3, 8 and 9"
        raise InputError([Fault(file, int(line), "vote", message)])
    cast = frame[frame["vote"] != NOT_MEMBER]
    why = "9 means no member, which is neither opposition nor absence; 8 is absent"
    journal.note("no members dropped", dataset.id, len(frame), len(cast), why)
    doubled = cast.duplicated(["cow", "call"], keep="first")
    if doubled.any():
        why = "a seat has one vote in a roll call"
        journal.note(
            "row repeated", dataset.id, len(cast), int((~doubled).sum()), why, f"line {cast.index[doubled][0]}"
        )
    cast = cast[~doubled]
    return cast.assign(day=roll_call_days(cast["day"], file) if "day" in cast else None)


def require_sessions(sessions: pd.Series, file: str) -> None:
    """Refuse numbers that no session of the Assembly has; each is a year after 1945."""
    wrong = sessions[~sessions.between(1, LAST_SESSION)]
    if len(wrong):
        message = "is not the number of a session, such as 1 of 1946; download the file again"
        raise InputError([Fault(file, int(line), "session", f"{value} {message}") for line, value in wrong[:5].items()])


def codes_of_names(names: pd.Series, file: str) -> pd.Series:
    """Codes of names of states; raises InputError for unknown ones."""
    plain = names.astype(str).str.strip()
    known = plain.str.casefold().map(names_of_states())
    unknown = plain[known.isna()].drop_duplicates()
    if len(unknown):
        message = "is the name of no state"
        raise InputError(
            [Fault(file, int(line), "country", f"{quote(name)} {message}") for line, name in unknown.items()]
        )
    return known.astype(float)


def votes_of_words(words: pd.Series, file: str) -> pd.Series:
    """Codes of votes that are written as words."""
    plain = words.astype(str).str.strip().str.casefold()
    codes = plain.map(WORDS)
    if codes.isna().any():
        line = plain.index[codes.isna()][0]
        raise InputError([Fault(file, int(line), "vote", f"{quote(words[line])} is none of {', '.join(WORDS)}")])
    return codes.astype(float)


def roll_call_days(values: pd.Series, file: str) -> list[date | None]:
    """Days of roll calls, None where the file has none; raises InputError for another form than the files have."""
    by_text = {value: roll_call_day(value, file) for value in values.unique()}
    wrong = values[[by_text[value] is None and not is_missing(value) for value in values]].drop_duplicates()
    if len(wrong):
        message = "is not a date such as 1970-11-20; give the file as it was downloaded"
        raise InputError([Fault(file, int(line), "date", f"{quote(value)} {message}") for line, value in wrong.items()])
    return [by_text[value] for value in values]


def roll_call_day(value: object, file: str) -> date | None:
    """Day of a roll call, which R's files give as days since 1970; None if it is none."""
    try:
        if isinstance(value, (int, float)) and ".rd" in file.casefold():
            return DATE_OF_R + timedelta(days=int(value))
        return date.fromisoformat(str(value)[:10])
    except (ValueError, OverflowError):
        return None


def tidy_calls(frame: pd.DataFrame, journal: Journal, dataset: Dataset, file: str) -> pd.DataFrame:
    """Tidy roll calls: their days and titles."""
    frame = drop_missing_keys(frame, ("call",), journal, dataset, file)
    return frame.assign(day=roll_call_days(frame["day"], file)).drop_duplicates("call")


VOTES = Dataset(
    "un_votes", "votes", "United Nations General Assembly voting data",
    "Voeten, Erik; Strezhnev, Anton; Bailey, Michael", 2009, "https://doi.org/10.7910/DVN/LEJUQZ", "free with citation",
    "state by roll call", 2023, "single votes in the record",
    (
        Form({"rcid": "call", "ccode": "cow", "vote": "vote", "date": "day"}, {"short": "title", "unres": "resolution"},
             frozenset({"day", "title", "resolution"})),
        Form({"rcid": "call", "country": "country", "country_code": "iso", "vote": "vote"}, {},
             frozenset({"country", "iso", "vote"})),
        Form({"rcid": "call", "ccode": "cow", "vote": "vote", "session": "session"}),
    ), tidy_votes,
)  # fmt: skip

CALLS = Dataset(
    "un_roll_calls", "roll_calls", "Roll calls of the General Assembly (unvotes)",
    "Robinson, David; Goguen-Compagnoni, Nicholas; Voeten, Erik", 2021,
    "https://CRAN.R-project.org/package=unvotes", "free with citation",
    "roll call", 2019, "days and titles of the votes of unvotes, whose own file has none",
    (Form({"rcid": "call", "session": "session", "date": "day", "unres": "resolution"}, {"short": "title"},
          frozenset({"day", "resolution", "title"})),), tidy_calls,
)  # fmt: skip
