"""A scripted hour against an AWS endpoint, recorded, and the comparison of a record with the simulator.

The endpoint is whatever boto3 reaches: a real account, where each open question about AWS gets its answer, or the
simulator, where the script is tested.
"""
