"""One thin reader for each type of file that datasets come in; no reader runs anything that a file contains."""
