"""Chapters of the report: their headings, tables, pictures and maps."""
