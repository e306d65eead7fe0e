"""One schema of each table: its columns, their types, and the values that they can have."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sim.errors import quote, shorten
from sim.model.arrays import CAUSES
from sim.model.outcomes import outcome_names

WHOLE, NUMBER, TEXT, DAY = "BIGINT", "DOUBLE", "VARCHAR", "DATE"  # DuckDB's types, as the writer stores them
WORDS = {WHOLE: "whole numbers", NUMBER: "numbers", TEXT: "text", DAY: "dates"}
LONGEST_NAME = 200  # bytes of a text other than an error
MOST_ERROR = 20_000  # characters of an error that are read
ROUNDING = 1e-9  # by which a mean of shares may pass 1
SHARES = ("capability", "product", "bite", "enforcement", "cohesion", "polarization", "frustration")
OTHER_ROWS = "error('a table has other rows than its sweep writes')"
STATUSES = ("ok", "failed")


class Rule(NamedTuple):
    """What a column of a table contains.

    Attributes
    ----------
    type
        DuckDB's type.
    low, high
        Least and largest value of a number; bytes of a text.
    words
        The only texts; empty where any text is right.
    key
        Whether every reading checks it: a number that identifies a row, or that the size of a view depends on.
    optional
        Whether a value may be missing.
    """

    type: str
    low: float = 0
    high: float = float("inf")
    words: tuple[str, ...] = ()
    key: bool = False
    optional: bool = False

    def condition(self, column: str) -> str:
        """SQL that is true where a value of the column is right."""
        name = quote_name(column)
        if self.words:
            right = f"{name} in ({', '.join(map(quote_text, self.words))})"
        elif self.type == TEXT:
            right = f"strlen({name}) <= {LONGEST_NAME}" if self.high != MOST_ERROR else "true"
        elif self.type == DAY:
            right = "true"
        elif self.high == float("inf"):
            right = f"{name} >= {self.low!r} and isfinite({name})"
        else:
            right = f"{name} between {self.low!r} and {self.high!r}"
        return f"({name} is null or {right})" if self.optional else f"({name} is not null and {right})"

    def describe(self) -> str:
        """The values that are right, in words."""
        if self.words:
            return f"one of {shorten(', '.join(self.words), LONGEST_NAME)}"
        if self.type == TEXT:
            return f"a text of at most {LONGEST_NAME} bytes"
        return f"{self.low:g} or more" if self.high == float("inf") else f"from {self.low:g} to {self.high:g}"


CODES = {
    "scenario": "scenarios", "state": "states", "status": "statuses", "cause": "causes", "start": "alignments",
    "final": "alignments", "from_alignment": "alignments", "to_alignment": "alignments",
}  # fmt: skip
"""The set of words that each text column is one of; a text that is none of them cannot be read."""


class Extent(NamedTuple):
    """The scenarios, points and runs that some shards of a question have rows of.

    Attributes
    ----------
    scenarios
        The recorded scenarios, by name; all have the same blocs and theatres.
    points, replicates
        Stored numbers of the points and numbers of the replicates, as ranges.
    runs
        The most runs in one shard.
    seed
        The random seed.
    ended
        Whether a run of them has ended; otherwise no outcome is stored.
    """

    scenarios: Mapping[str, Mapping[str, Any]]
    points: range
    replicates: range
    runs: int
    seed: int
    ended: bool

    @property
    def steps(self) -> int:
        """The most steps of a run."""
        return max(one["steps"] for one in self.scenarios.values())

    @property
    def states(self) -> tuple[str, ...]:
        """Every state of the scenarios."""
        return tuple(dict.fromkeys(state for one in self.scenarios.values() for state in one["states"]))

    @property
    def first(self) -> Mapping[str, Any]:
        """The first scenario, which has the blocs and theatres of all."""
        return next(iter(self.scenarios.values()))

    @property
    def alignments(self) -> tuple[str, ...]:
        """Every alignment."""
        return ("non_aligned", *self.first["blocs"])

    def most_rows(self, table: str, dates: int) -> int:
        """The most rows of a table in one shard."""
        runs, steps = self.runs, self.steps
        states = max(len(one["states"]) for one in self.scenarios.values())
        each = {"runs": 1, "states": states, "moves": states * steps, "dates": dates, "steps": steps + 1}
        return runs * each[table]


def table_rules(table: str, of: Extent) -> dict[str, Rule]:
    """The columns of a table in the order in which the writer stores them, each with what it contains."""
    name, choice = Rule(TEXT, words=of.states), Rule(TEXT, words=of.alignments)
    step = Rule(WHOLE, 0, of.steps, key=True)
    keys = {
        "scenario": Rule(TEXT, words=tuple(of.scenarios)),
        "point": Rule(WHOLE, of.points.start, of.points.stop - 1, key=True),
        "seed": Rule(WHOLE, of.seed, of.seed, key=True),
        "replicate": Rule(WHOLE, of.replicates.start, of.replicates.stop - 1, key=True),
    }
    day = Rule(DAY, optional=True)
    if table == "runs":
        return keys | {
            "digest": Rule(TEXT, key=True),
            "status": Rule(TEXT, words=STATUSES),
            "error": Rule(TEXT, high=MOST_ERROR),
            "consolidation_step": Rule(NUMBER, 0, of.steps, optional=True),
            **(outcome_rules(of) if of.ended else {}),
        }
    if table == "states":
        shares = {f"share_{alignment}": Rule(NUMBER, 0, 1 + ROUNDING) for alignment in of.alignments}
        share = Rule(NUMBER, 0, 1 + ROUNDING, optional=True)
        return keys | {"state": name, "start": choice, "final": choice, **shares} | {
            "regime_stability": share, "bite": share,
        }  # fmt: skip
    if table == "moves":
        moved = {"from_alignment": choice, "to_alignment": choice, "cause": Rule(TEXT, words=CAUSES)}
        return keys | {"step": step, "date": day, "state": name, **moved}
    if table == "dates":
        return keys | {"date": day, "step": step, **outcome_rules(of)}
    return keys | {"step": step, "date": day, **outcome_rules(of)}


def outcome_rules(of: Extent) -> dict[str, Rule]:
    """The outcomes, each with its range; an outcome may be undefined."""
    found = {}
    for outcome in outcome_names(tuple(of.first["blocs"]), tuple(of.first["theatres"])):
        kind = outcome.partition("_")[0]
        most = 1 + ROUNDING if kind in SHARES else len(of.states) if kind in ("members", "switches") else float("inf")
        found[outcome] = Rule(NUMBER, 0, most, optional=True)
    return found


def word_sets(manifest: Mapping[str, Any]) -> dict[str, list[str]]:
    """The words of each set of CODES, from the record; sorted, so that a column sorts as its texts do."""
    recorded = manifest["scenarios"]
    blocs = {bloc for one in recorded.values() for bloc in one["blocs"]}
    words = {
        "scenarios": recorded.keys(),
        "states": {state for one in recorded.values() for state in one["states"]},
        "statuses": STATUSES,
        "causes": CAUSES,
        "alignments": {"non_aligned", *blocs},
    }
    return {name: sorted(found) for name, found in words.items()}


def coded_query(files: str, rules: Mapping[str, Rule], rows: int) -> str:
    """Query for the columns of some files of a table, which fails where one has more rows than its runs.

    Texts are codes of their words, so an unknown text fails too, and reading is faster.
    """
    columns = ", ".join(read_column(column, rule) for column, rule in rules.items())
    return (
        f"select {columns} from read_parquet([{files}], file_row_number = true)"  # noqa: S608
        f" where case when file_row_number < {rows} then true else {OTHER_ROWS} end"
    )


def read_type(column: str, rule: Rule) -> str:
    """The beginning of the type in which a column is read."""
    return "ENUM(" if column in CODES else rule.type


def read_column(column: str, rule: Rule) -> str:
    """SQL for a column; an error of more than 20,000 characters is cut in its middle, and says so."""
    name = quote_name(column)
    if column in CODES:
        return f"{name}::coded.{CODES[column]} as {name}"
    if column != "error":
        return name
    cut = f"left({name}, {MOST_ERROR // 2}) || {cut_words(f'length({name})')} || right({name}, {MOST_ERROR // 2})"
    return f"case when length({name}) > {MOST_ERROR} then {cut} else {name} end as {name}"


def plain_query(table: str, columns: Collection[str], keys: Mapping[str, Rule]) -> str:
    """Query for a table with texts in place of codes, which fails where a number that is a key is out of range.

    Numbers that are not keys are not checked: a file that has the hash of its seal has those that were written.
    """
    texts = [f"{quote_name(column)}::varchar as {quote_name(column)}" for column in columns if column in CODES]
    right = " and ".join(rule.condition(column) for column, rule in keys.items())
    checked = f"case when {right} then true else {OTHER_ROWS} end"
    return f"select * replace ({', '.join(texts)}) from coded.{table} where {checked}"  # noqa: S608


def cut_words(length: str) -> str:
    """SQL for the words in the place of what was cut from an error."""
    return f"chr(10) || '… cut: this text has ' || {length} || ' characters, the limit is {MOST_ERROR} …' || chr(10)"


def cut_error(text: str) -> str:
    """The text of an error as it is stored: one of more than 20,000 characters without its middle, which it says."""
    if len(text) <= MOST_ERROR:
        return text
    said = f"\n… cut: this text has {len(text)} characters, the limit is {MOST_ERROR} …\n"
    half = (MOST_ERROR - len(said)) // 2
    return f"{text[:half]}{said}{text[-half:]}"


def table_faults(
    found: Sequence[tuple[str, str]], rules: Mapping[str, Rule], ask: Any, file: str, rows: int
) -> Iterator[tuple[str, str]]:
    """Yield the column and the message of every fault of one file of a table, which has at most so many rows.

    found lists its columns with their types; ask executes a query and returns its first row; file is the file in SQL.
    """
    types = dict(found)
    for column in rules.keys() - types.keys():
        yield column, "is missing"
    sound = {column: rule for column, rule in rules.items() if types.get(column) == rule.type}
    for column, rule in rules.items():
        if column in types and column not in sound:
            yield column, f"has the type {types[column]}, not {rule.type} ({WORDS[rule.type]})"
    (count,) = ask(f"select count(*) from {file}")  # noqa: S608
    if count > rows:
        yield "", f"has {count} rows; its runs have at most {rows}"
        return
    if not sound:
        return
    wrong = [f"count(*) filter (not {rule.condition(column)})" for column, rule in sound.items()]
    for (column, rule), number in zip(sound.items(), ask(f"select {', '.join(wrong)} from {file}"), strict=True):  # noqa: S608
        if number:
            shown = f"first(left({quote_name(column)}::varchar, {LONGEST_NAME}))"
            # Not by `where`: DuckDB then trusts the statistics in the file, which may contradict its rows.
            (value,) = ask(f"select {shown} filter (not {rule.condition(column)}) from {file}")  # noqa: S608
            given = "no value" if value is None else quote(value)
            yield column, f"{number} of {count} rows are out of range, such as {given}; right is {rule.describe()}"


def quote_name(column: str) -> str:
    """The name of a column in SQL."""
    return '"' + column.replace('"', '""') + '"'


def quote_text(text: str) -> str:
    """A text in SQL."""
    return "'" + text.replace("'", "''") + "'"
