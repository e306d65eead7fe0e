"""The animation of a run in the browser."""
