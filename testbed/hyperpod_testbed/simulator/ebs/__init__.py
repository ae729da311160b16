"""EBS as EC2 shows it, and what SageMaker does with volumes: the query protocol, volumes, snapshots, attachments."""
