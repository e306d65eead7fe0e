"""The script that Streamlit runs for every reader: what is kept of the visit, and one of two pages."""

from __future__ import annotations

import streamlit as st

from sim.app import compare_page, run_page, visit
from sim.app.controls import begun

PAGES = {"run": run_page.show, "compare": compare_page.show}

st.set_page_config(page_title="blocs", layout="wide", initial_sidebar_state="auto")
now = visit.begin()
key = begun(f"page {now.version}", now.address.page)
now.change(page=st.segmented_control("Page", PAGES, format_func=str.capitalize, key=key, required=True))
PAGES[now.address.page]()
now.write_address()
