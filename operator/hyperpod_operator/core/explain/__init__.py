"""Why an object is not ready, and the one thing that has to happen next: pure, over objects as the API server has them.

Members are read by their documented JSON names, not through the models: a client that is older or newer than the
operator explains what it knows, and a command line starts without loading them.
"""
