"""The checks, by what they are about. `table` puts them in order."""
