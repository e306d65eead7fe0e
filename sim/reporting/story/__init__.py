"""A history as a page: a map that plays, a timeline of events, and why each mover moved."""
