"""The lessons with their exercises, from the pages of the documentation, with buttons that open what they run."""

from __future__ import annotations

import re
import shlex
from functools import lru_cache
from pathlib import Path

import streamlit as st

from sim.app.session import Visit, current_visit, escape_markdown
from sim.app.setting import DEFAULT

PAGES_WITH_LESSONS = {"app.md": ("## A first lesson",), "tutorial.md": (), "lesson_years.md": ()}

LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)")

COMMANDS = re.compile(r"```sh\n(.*?)```", re.DOTALL)


def docs_folder() -> Path:
    """Folder of the pages: beside the package in a checkout, inside it after installation."""
    inside = Path(__file__).parents[2] / "docs"
    return inside if inside.is_dir() else Path(__file__).parents[3] / "docs"


@lru_cache(maxsize=1)
def list_lessons() -> dict[str, str]:
    """Return the text of each lesson by its title, without links, which lead out of the app."""
    found: dict[str, str] = {}
    for page, wanted in PAGES_WITH_LESSONS.items():
        text = (docs_folder() / page).read_text(encoding="utf-8")
        for part in re.split(r"^(?=## )", text, flags=re.MULTILINE)[1:]:
            head, _, body = part.partition("\n")
            if head in wanted or (not wanted and "**Exercise" in part):
                found[head.removeprefix("## ")] = LINK.sub(r"\1", body).strip()
    return found


def commands_of(text: str) -> list[dict[str, str]]:
    """Return the address of each run of a shipped scenario that a lesson has as a command."""
    found = []
    for line in "\n".join(COMMANDS.findall(text)).splitlines():
        words = shlex.split(line, comments=True)
        if words[:2] != ["blocs", "run"] or words[2].endswith(".toml"):
            continue
        options = dict(zip(words[3::2], words[4::2], strict=False))
        kept = {name[2:]: options[name] for name in ("--seed", "--without") if name in options}
        if "--where" not in options:
            found.append({"scenario": words[2], **kept})
    return found


def show_lessons_page() -> None:
    """Show the page."""
    visit = current_visit()
    lessons = list_lessons()
    st.title("Lessons")
    title = st.radio("Lesson", list(lessons), key="lesson", horizontal=True)
    st.header(escape_markdown(title))
    st.markdown(lessons[str(title)])
    show_openers(visit, lessons[str(title)])
    st.caption("Commands are for a terminal; every shipped scenario in them is in the list of this app too.")


def show_openers(visit: Visit, text: str) -> None:
    """Show a button for each run of the lesson, which opens it on the first page; without a run it is the first."""
    for query in commands_of(text) or [{"scenario": DEFAULT}]:
        label = ", ".join([query["scenario"], *(f"{key} {query[key]}" for key in ("seed", "without") if key in query)])
        if query["scenario"] in visit.names() and st.button(f"Open {label}", key=f"open {label}"):
            visit.go_to(query)
            st.rerun()
