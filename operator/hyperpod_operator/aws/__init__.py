"""Floor 2: the only importer of boto3 and botocore."""
