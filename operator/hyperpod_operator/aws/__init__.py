"""Floor 2: the only importer of botocore."""
