"""Everything it takes to run the operator with no AWS account and no cluster."""
