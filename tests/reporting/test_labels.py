"""Names for readers: distinct at any width, cut only if too long, and unambiguous lists."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sim.reporting.labels import distinct_labels, label_outcome, list_names, shorten_middle

IDS = st.from_regex(r"[a-z][a-z0-9_]{0,7}", fullmatch=True)
LONG = "Association of the Landlocked Developing States"


@given(st.dictionaries(IDS, st.text(max_size=90), min_size=1, max_size=9), st.integers(1, 80), st.integers(1, 3))
def test_labels_distinct_at_any_width(names: dict[str, str], letters: int, lines: int) -> None:
    labels = distinct_labels(names, letters, lines)
    assert list(labels) == list(names)
    assert len(set(labels.values())) == len(names)
    if lines == 1 and letters >= 3:
        assert all(len(label) <= letters or label.endswith(f" ({key})") for key, label in labels.items())


def test_long_labels_cut_in_middle() -> None:
    names = {"a": f"{LONG} of the North", "b": f"{LONG} of the South", "c": "West"}
    assert list(distinct_labels(names, 80).values()) == list(names.values())
    assert distinct_labels(names, 25) == {"a": "Association…of the North", "b": "Association…of the South", "c": "West"}
    assert distinct_labels(names, 30, 2)["a"].replace("\n", " ") == f"{LONG} of the North"


def test_equal_names_get_their_key() -> None:
    assert distinct_labels({"east": "Pact", "west": "Pact", "x": "Pact (east)"}) == {
        "east": "Pact (east)", "west": "Pact (west)", "x": "Pact (east) (x)",
    }  # fmt: skip
    middle = distinct_labels({"a": f"First {'x' * 60} pact", "b": f"First {'y' * 60} pact"}, 12)
    assert middle["a"] != middle["b"]
    assert shorten_middle("two\n words") == r"two\n words"


@given(st.lists(st.text(st.characters(exclude_characters="“”"), min_size=1, max_size=6).map(str.strip), min_size=1))
def test_list_is_unambiguous(names: list[str]) -> None:
    text = list_names(names)
    quoted = "“" in text
    sign = "; " if quoted or (not any(";" in n for n in names) and any("," in n for n in names)) else ", "
    parts = text.removeprefix("“").removesuffix("”").split("”; “") if quoted else text.split(sign)
    assert parts == names


def test_list_of_names_with_commas() -> None:
    assert list_names(["France", "Korea, Republic of"]) == "France; Korea, Republic of"
    assert list_names(["France", "Spain"]) == "France, Spain"


def test_outcome_label_names_bloc_and_theatre() -> None:
    names = {"non_aligned": "non-aligned", "us": "Small", "us_led": "US-led bloc", "step": "Steppe"}
    assert label_outcome("capability_us_led", names) == "capability of US-led bloc"
    assert label_outcome("attention_us_indo_pacific", names) == "attention of Small in indo pacific"
    assert label_outcome("attention_us_south", names, {"south": "The south"}) == "attention of Small in The south"
    assert label_outcome("consolidation_step", names) == "consolidation step"
    assert label_outcome("members_non_aligned", names) == "members of non-aligned"
