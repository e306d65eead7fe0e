"""The script that Streamlit runs for every reader: it continues the visit and shows one of two pages."""

from __future__ import annotations

import streamlit as st

from sim.app import session
from sim.app.pages import compare, run
from sim.app.pages.controls import control_key

PAGES = {"run": run.show_run_page, "compare": compare.show_compare_page}

st.set_page_config(page_title="blocs", layout="wide", initial_sidebar_state="auto")

visit = session.begin_visit()

key = control_key(f"page {visit.version}", visit.address.page)

visit.update(page=st.segmented_control("Page", PAGES, format_func=str.capitalize, key=key, required=True))

PAGES[visit.address.page]()

visit.write_address()
