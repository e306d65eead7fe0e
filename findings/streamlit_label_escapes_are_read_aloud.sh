#!/usr/bin/env bash
# Streamlit: the escapes that its documentation asks for in a label are in the accessible name of the control.
#
# Expected: a label such as "US\-led bloc\: offer" has one name, "US-led bloc: offer", to see and to hear, as
#   Streamlit's documentation says to escape literal characters of labels with a backslash.
# Seen: the label on the page has no backslash, but the slider's aria-label has: a screen reader says "US backslash
#   led bloc backslash colon". Markup is there too: ":red[hot]" is heard with its brackets.
# Why it matters: names from files must be escaped, or they become markup; a blind pupil hears the escapes.
# Instead: replace the few characters of markup by others that look alike, and escape nothing.
# seen on 2026-11-29 with streamlit 1.67.0, playwright 1.56.0 and a Chromium of the system
set -euo pipefail
browser=$(command -v chromium || command -v google-chrome)
dir=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv v
v/bin/pip install -qq streamlit==1.67.0 playwright==1.56.0
cat > page.py <<'PY'
import streamlit as st

st.slider(r"US\-led bloc\: offer", 0, 9)
st.slider(":red[hot]", 0, 9)
PY
v/bin/streamlit run page.py --server.headless true --server.port 8599 --browser.gatherUsageStats false >log 2>&1 &
server=$!
BROWSER="$browser" v/bin/python - <<'PY'
import os
import time

from playwright.sync_api import sync_playwright

with sync_playwright() as driver:
    page = driver.chromium.launch(executable_path=os.environ["BROWSER"], args=["--no-sandbox"]).new_page()
    for _ in range(120):
        try:
            page.goto("http://127.0.0.1:8599")
            break
        except Exception:
            time.sleep(0.5)
    page.wait_for_selector("input[type=range] >> nth=1", state="attached", timeout=120_000)
    seen = page.locator("[data-testid=stWidgetLabel]").all_inner_texts()
    heard = page.locator("input[type=range]").evaluate_all("all => all.map(one => one.getAttribute('aria-label'))")
assert seen == ["US-led bloc: offer", "hot"], seen
assert heard == [r"US\-led bloc\: offer", ":red[hot]"], heard
print(f"streamlit 1.67.0: seen {seen}, heard {heard}")
PY
