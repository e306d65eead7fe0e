"""Runs and results as files of other tools."""
