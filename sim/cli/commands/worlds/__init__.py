"""Commands on worlds and scenarios: their files, public datasets, landscapes."""
