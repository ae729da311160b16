"""What the kinds share: models, bounds, words, conditions, and parts of a status."""
