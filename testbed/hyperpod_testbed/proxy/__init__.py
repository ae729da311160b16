"""Proxies before the API server and before AWS: count requests, stop time around one of them, damage watches."""

from hyperpod_testbed.proxy.aws import AwsProxy
from hyperpod_testbed.proxy.kube import KubeProxy
from hyperpod_testbed.proxy.proxy import Proxy
from hyperpod_testbed.proxy.request import Gate, Request
from hyperpod_testbed.proxy.watches import Watches

__all__ = ["AwsProxy", "Gate", "KubeProxy", "Proxy", "Request", "Watches"]
