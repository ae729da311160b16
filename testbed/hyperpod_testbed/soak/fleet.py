"""The user's side of a soak: several HyperPodClusters, what was last asked of each, and the random next edit.

The fleet is the model that the world is compared with. It knows what was asked for and never reads a decision of
the operator, so a fault of the operator cannot hide in it.
"""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from hyperpod_testbed.control_plane import ApiError
from hyperpod_testbed.custom_objects import CustomObjects, Json

ACCOUNT = "111122223333"
TYPES = ("ml.m5.4xlarge", "ml.c5.4xlarge", "ml.p5.48xlarge")
MOST_GROUPS = 4
MOST_NODES = 4
REQUESTED_AT = "hyperpod-operator.dev/reconcile-requested-at"


@dataclass
class Life:
    """One object from its creation to its end; the next one of the same name is another life."""

    name: str
    uid: str
    continuous: bool
    groups: dict[str, Json]
    tags: dict[str, str] = field(default_factory=dict)
    paused: bool = False
    deleted: bool = False
    """Whether its deletion was asked for, noted before the request is sent."""
    edits: int = 1

    def groups_list(self) -> list[Json]:
        return [self.groups[name] for name in sorted(self.groups)]

    def tags_list(self) -> list[Json]:
        return [{"key": key, "value": value} for key, value in sorted(self.tags.items())]


class Fleet:
    """Objects by name, and every life that there ever was by uid."""

    def __init__(self, objects: CustomObjects, *, names: Sequence[str], chance: random.Random) -> None:
        self.objects = objects
        self.names = tuple(names)
        self.continuous = frozenset(name for number, name in enumerate(names) if number % 3 != 2)
        """Clusters whose nodes come one by one; the others are changed as a whole."""
        self.present: dict[str, Life] = {}
        """Lives whose object exists, for all we know."""
        self.lives: dict[str, Life] = {}
        self.moves: Counter[str] = Counter()
        self._chance = chance
        self._serial = 0

    def move(self) -> None:
        """One random edit of one random cluster."""
        name = self._chance.choice(self.names)
        life = self.present.get(name)
        if life is None:
            self.moves["create"] += 1
            self._create(name)
        elif life.deleted:
            if life.paused:
                self.moves["resume"] += 1
                self._pause(life, paused=False)
        else:
            rule, weight = zip(*self._rules(life), strict=True)
            self._chance.choices(rule, weight)[0](life)

    def refresh(self, existing: set[str]) -> None:
        """Take note of which uids the API server still has: a deleted object is gone when its uid is."""
        for name, life in list(self.present.items()):
            if life.deleted and life.uid not in existing:
                del self.present[name]

    def resume_all(self) -> None:
        """End every pause, also that of an object that waits for its deletion."""
        for life in self.present.values():
            if life.paused:
                self._pause(life, paused=False)

    def delete_all(self) -> None:
        for life in self.present.values():
            if not life.deleted:
                self._delete(life)

    def ask(self, name: str) -> None:
        """Ask for a pass now, as a person would, by annotation."""
        self._serial += 1
        self.objects.merge(name, {"metadata": {"annotations": {REQUESTED_AT: f"soak-{self._serial}"}}})

    def _rules(self, life: Life) -> list[tuple[Callable[[Life], None], int]]:
        return [
            (self._scale, 8),
            (self._add_group, 3 if len(life.groups) < MOST_GROUPS else 0),
            (self._remove_group, 3 if len(life.groups) > 1 else 0),
            (self._relabel, 4),
            (self._retag, 2),
            (self._toggle_pause, 6 if life.paused else 2),
            (self._delete, 2),
        ]

    def _create(self, name: str) -> None:
        continuous = name in self.continuous
        groups = dict(self._group(f"g{number}") for number in range(self._chance.randint(1, 3)))
        life = Life(name=name, uid="", continuous=continuous, groups=groups, tags={"team": "soak"})
        spec = {
            "orchestrator": {"eks": {"clusterArn": f"arn:aws:eks:us-west-2:{ACCOUNT}:cluster/ml"}},
            "vpcConfig": {"securityGroupIds": ["sg-0123456789abcdef0"], "subnets": ["subnet-0123456789abcdef0"]},
            "instanceGroups": life.groups_list(),
            "tags": life.tags_list(),
            **({"nodeProvisioningMode": "Continuous"} if continuous else {}),
        }
        life.uid = self.objects.create(name, spec)
        self.present[name] = self.lives[life.uid] = life

    def _scale(self, life: Life) -> None:
        group = self._chance.choice(sorted(life.groups))
        life.groups[group] = {**life.groups[group], "instanceCount": self._chance.randint(0, MOST_NODES)}
        self.moves["scale"] += 1
        self._edit(life, {"instanceGroups": life.groups_list()})

    def _add_group(self, life: Life) -> None:
        name, group = self._group(self._chance.choice([f"g{n}" for n in range(8) if f"g{n}" not in life.groups]))
        life.groups[name] = group
        self.moves["add group"] += 1
        self._edit(life, {"instanceGroups": life.groups_list()})

    def _remove_group(self, life: Life) -> None:
        del life.groups[self._chance.choice(sorted(life.groups))]
        self.moves["remove group"] += 1
        self._edit(life, {"instanceGroups": life.groups_list()})

    def _relabel(self, life: Life) -> None:
        name = self._chance.choice(sorted(life.groups))
        label = {"labels": {"example.com/pool": f"pool-{self._chance.randint(1, 9)}"}}
        life.groups[name] = {**life.groups[name], "kubernetesConfig": label}
        self.moves["relabel"] += 1
        self._edit(life, {"instanceGroups": life.groups_list()})

    def _retag(self, life: Life) -> None:
        life.tags = {"team": "soak", f"tag-{self._chance.randint(1, 3)}": str(self._chance.randint(1, 9))}
        self.moves["retag"] += 1
        self._edit(life, {"tags": life.tags_list()})

    def _toggle_pause(self, life: Life) -> None:
        word = "resume" if life.paused else "pause"
        self.moves[word] += 1
        self._pause(life, paused=not life.paused)

    def _pause(self, life: Life, *, paused: bool) -> None:
        life.paused = paused
        try:
            self._edit(life, {"management": {"paused": paused}})
        except ApiError:
            if not life.deleted:
                raise  # only an object under deletion may be gone before it could be edited

    def _delete(self, life: Life) -> None:
        life.deleted = True
        self.moves["delete"] += 1
        self.objects.delete(life.name)

    def _edit(self, life: Life, spec: Json) -> None:
        life.edits += 1
        self.objects.merge(life.name, {"spec": spec})

    def _group(self, name: str) -> tuple[str, Json]:
        """A group's type hangs on its name: AWS cannot change it, so a group that returns must be the same."""
        return name, {
            "instanceGroupName": name,
            "instanceType": TYPES[int(name[1:]) % len(TYPES)],
            "instanceCount": self._chance.randint(0, MOST_NODES),
            "executionRole": f"arn:aws:iam::{ACCOUNT}:role/hyperpod-execution",
            "lifeCycleConfig": {
                "sourceS3Uri": f"s3://sagemaker-hyperpod-{ACCOUNT}/lifecycle",
                "onCreate": "on_create.sh",
            },
        }
