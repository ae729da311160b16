"""Which claims a change of a Node concerns. RAM only: after a restart every claim has its first pass anyway."""

from dataclasses import dataclass

from hyperpod_operator.core.ports import Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Interest:
    """`waiting`: any Node of the cluster may be the one, of `group` if that is named; else only `node_name` matters."""

    cluster: str
    node_name: str
    waiting: bool
    group: str = ""


class Interests:
    """By claim; looked up by Node."""

    def __init__(self) -> None:
        self._interests: dict[Key, Interest] = {}

    def note(self, key: Key, interest: Interest) -> None:
        self._interests[key] = interest

    def forget(self, key: Key) -> None:
        self._interests.pop(key, None)

    def of(self, *, node_name: str, cluster: str | None, group: str) -> tuple[tuple[str, Key], ...]:
        """Clusters and claims to wake, because this Node of the cluster of this id (None: it is gone) changed.

        An empty `group` is one that the Node does not tell: it may be any.
        """
        return tuple(
            (one.cluster, key)
            for key, one in self._interests.items()
            if one.node_name == node_name
            or (
                one.waiting
                and cluster is not None
                and one.cluster == cluster
                and (one.group in ("", group) or not group)
            )
        )
