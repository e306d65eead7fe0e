"""What a report of histories says first: who joins a bloc by when, and which scenario changes it most."""
