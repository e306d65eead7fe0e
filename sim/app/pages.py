"""The script that Streamlit runs for every reader: what is kept of a visit, and the two pages."""

from __future__ import annotations

import streamlit as st

from sim.app import compare_page, run_page, visit

st.set_page_config(page_title="blocs", layout="wide", initial_sidebar_state="auto")
page = st.navigation(
    [
        st.Page(run_page.show, title="Run", url_path="run", default=True),
        st.Page(compare_page.show, title="Compare", url_path="compare"),
    ],
    position="top",
)
visit.begin()
page.run()
