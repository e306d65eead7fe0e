"""What pages have in common below their findings: the address to copy, and a change taken over with its undo."""

from __future__ import annotations

from urllib.parse import urlencode

import streamlit as st

from sim.app.serve import own_address
from sim.app.session import Visit, escape_markdown, show_verbatim


def show_address(visit: Visit) -> None:
    """Show the address of the page, to copy, and how others reach it."""
    with st.expander("Copy the address of this page"):
        place = (st.context.url or "").partition("?")[0].rstrip("/") or "http://127.0.0.1:8501"
        query = urlencode(visit.query())
        show_verbatim(f"{place}/?{query}" if query else f"{place}/")
        if "127.0.0.1" in place or "localhost" in place:
            st.markdown(
                "127.0.0.1 is this machine for everyone, so others cannot reach this address. Start the app with"
                " `blocs app --host 0.0.0.0` (see `blocs app --help`) in a network that you trust, and put the address"
                f" of this machine, {escape_markdown(own_address())}, in the place of 127.0.0.1."
            )
        else:
            st.markdown("Others in your network reach this address as long as the app runs on this machine.")


def offer_change(visit: Visit, path: str, value: float, words: str, label: str = "Set this") -> None:
    """Offer to take a change over into the setting; `words` say it."""
    if st.button(label, key=f"apply {path} {value}"):
        visit.apply(path, value, words)
        st.rerun()


def show_applied(visit: Visit) -> None:
    """Say which change the reader has taken over, and offer to undo it, until the setting changes again."""
    applied = visit.applied
    if applied is None:
        return
    if applied.after != visit.address.setting:
        visit.applied = None
        return
    st.success(f"**Set:** {escape_markdown(applied.words)}. Every page has it now.")
    if st.button("Undo this change", key="undo applied"):
        visit.reset_controls(applied.before)
        visit.applied = None
        st.rerun()
