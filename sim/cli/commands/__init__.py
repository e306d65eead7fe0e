"""The subcommands of `blocs`."""
