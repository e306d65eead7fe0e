"""Rules that map tidy rows to the states, ties, institutions and record of a world."""
