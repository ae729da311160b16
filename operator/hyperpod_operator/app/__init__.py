"""The composition root: the only place that knows which part stands behind which port."""
