"""The steps of compiled runs: sums that moves update, decisions, and what is stored of a step."""
