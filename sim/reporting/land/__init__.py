"""The land of states: outlines, the part of the globe that a map shows, and tiles."""
