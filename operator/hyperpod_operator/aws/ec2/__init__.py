"""EBS volumes: the calls that change them, and reads that are shared by many claims."""
