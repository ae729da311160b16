"""Before AWS: every call counts."""

from aiohttp import web

from hyperpod_testbed.proxy.proxy import Proxy


class AwsProxy(Proxy):
    """Plain HTTP to a simulator; give its `url` as the endpoint."""

    def counts(self, method: str, path: str, query: str) -> bool:
        del path, query
        return method == "POST"

    def operation(self, request: web.BaseRequest, body: bytes) -> str:
        """The JSON protocols name it in a header, the query protocol in the body."""
        target = request.headers.get("X-Amz-Target", "").rpartition(".")[2]
        if target:
            return target
        fields = dict(part.partition("=")[::2] for part in body.decode("utf-8", "replace").split("&"))
        return fields.get("Action", "")
