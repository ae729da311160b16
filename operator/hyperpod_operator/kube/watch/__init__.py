"""Lists and watches of our own, for kinds that are read in bulk."""
