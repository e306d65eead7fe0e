"""blocs: how states form blocs, as an agent-based simulation whose every number cites its source."""

__version__ = "0.1.0"
