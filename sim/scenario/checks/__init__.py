"""Check what a draft refers to, and find entries that change nothing."""
