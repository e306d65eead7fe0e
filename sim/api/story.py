"""A history as a page, to look at in a notebook or to save."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from markupsafe import Markup

from sim.api.arguments import require
from sim.api.scenarios import Named
from sim.files import write_synced


@dataclass(frozen=True)
class StoryPage:
    """One history as a page that loads nothing: a map that plays, its events, and why each mover moved.

    A notebook shows the page itself.

    Parameters
    ----------
    title
        Title of the scenario.
    html
        The page, of less than 2 MB.

    Examples
    --------
    >>> from sim import run
    >>> page = run("great_powers_1907", seed=7).story()
    >>> page
    <Story of 'Great powers in 1907'>
    >>> page.save("story.html").name
    'story.html'
    """

    title: str
    html: str = field(repr=False)

    def save(self, path: Named) -> Path:
        """Write the page to a file, and return its path; a link of that name is replaced and not followed."""
        out: Path = require("save", {"out": path}).out
        write_synced(out, self.html.encode("utf-8"))
        return out

    def __repr__(self) -> str:
        return f"<Story of {self.title!r}>"

    def _repr_html_(self) -> str:
        frame = '<iframe title="{}" srcdoc="{}" sandbox="allow-scripts" width="100%" height="900"></iframe>'
        return str(Markup(frame).format(f"A history of {self.title}", self.html))  # noqa: S704 - a constant
