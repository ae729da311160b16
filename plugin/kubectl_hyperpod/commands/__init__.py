"""One module for each verb, or for verbs that differ in a word."""
