"""Floor 0: the custom resources as data, and every name that the operator writes on an object."""
