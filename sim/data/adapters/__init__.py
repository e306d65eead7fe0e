"""One adapter for each dataset: what it is, its columns, and how its rows become tidy."""
