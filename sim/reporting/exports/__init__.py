"""Runs in the formats of other tools: GEXF, GraphML, tidy tables and xarray."""
