"""Write the scores of `blocs score --markdown` into docs/validation.md, between its two marks.

Needed after a change of a default, a tie or the record:

    python tools/validation_scores.py
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs" / "validation.md"
BEGIN, END = "<!-- blocs score --markdown -->", "<!-- end -->"


def main() -> None:
    """Run the command and replace the text between the marks."""
    done = subprocess.run(
        [sys.executable, "-m", "sim", "score", "--markdown"], check=True, stdout=subprocess.PIPE, text=True
    )
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    _, _, behind = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n{done.stdout.strip()}\n\n{END}{behind}", encoding="utf-8")


if __name__ == "__main__":
    main()
