"""The script that Streamlit runs for every reader: it continues the visit and shows one of the pages."""

from __future__ import annotations

import streamlit as st

from sim.app import session
from sim.app.pages import compare, lessons, run, tipping, what_if
from sim.app.pages.controls import control_key

PAGES = {
    "run": ("A history", run.show_run_page),
    "what_if": ("What if", what_if.show_what_if_page),
    "tipping": ("What would it take", tipping.show_tipping_page),
    "compare": ("Compare", compare.show_compare_page),
    "lessons": ("Lessons", lessons.show_lessons_page),
}

st.set_page_config(page_title="blocs", layout="wide", initial_sidebar_state="auto")

st.html(
    '<style>[data-testid="stWidgetLabel"][disabled]{color:inherit;opacity:.75}'  # else faint in the dark
    "[data-testid=stMainBlockContainer]{padding:3.75rem max(1rem,2.5%) 4rem}</style>"
)  # by default wide margins on all sides

visit = session.begin_visit()

key = control_key(f"page {visit.version}", visit.address.page)

visit.update(
    page=st.segmented_control(
        "Page", PAGES, format_func=lambda page: PAGES[page][0], key=key, required=True, label_visibility="collapsed"
    )
)

PAGES[visit.address.page][1]()

visit.write_address()
