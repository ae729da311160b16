"""A SageMaker HyperPod endpoint on one machine, with EC2's volumes: their API, the time they take, their faults.

Nothing else in this project imitates anything. It is held to botocore's service model in both directions.
"""

from hyperpod_testbed.simulator.calls import Call
from hyperpod_testbed.simulator.client import SimulatorClient
from hyperpod_testbed.simulator.clock import SimulatedClock
from hyperpod_testbed.simulator.faults import Fault
from hyperpod_testbed.simulator.options import Options, Timings
from hyperpod_testbed.simulator.simulator import Simulator

__all__ = ["Call", "Fault", "Options", "SimulatedClock", "Simulator", "SimulatorClient", "Timings"]
