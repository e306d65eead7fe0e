"""How tests are run within a process of a benchmark: on the same cases each time, and without a word."""

from __future__ import annotations

PLUGINS_OFF = [f"-pno:{name}" for name in ("cacheprovider", "unraisableexception", "threadexception")]
QUIET = ["-q", "--tb=no", "-W", "ignore::pytest.PytestAssertRewriteWarning", *PLUGINS_OFF]


def same_cases() -> None:
    """Have hypothesis make the same cases each time; a failure need not be made small."""
    import hypothesis

    phases = [hypothesis.Phase.explicit, hypothesis.Phase.generate]
    hypothesis.settings.register_profile("same", derandomize=True, database=None, deadline=None, phases=phases)
    hypothesis.settings.load_profile("same")
