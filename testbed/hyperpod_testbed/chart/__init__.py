"""The Helm chart: what of it is generated, and the real helm to try it with."""

from hyperpod_testbed.chart.generate import CHART, generated
from hyperpod_testbed.chart.helm import Helm, HelmError

__all__ = ["CHART", "Helm", "HelmError", "generated"]
