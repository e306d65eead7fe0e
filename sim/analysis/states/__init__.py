"""What explains one state: accounts of its utilities, its chances given the coded start, and what would move it."""
