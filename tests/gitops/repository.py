"""Where the generated files of Argo CD are in the checkout."""

from pathlib import Path

from tools.argocd import scripts

from hyperpod_operator.api.kinds import KINDS

ROOT = Path(__file__).parents[2]
CUSTOMIZATIONS = ROOT / scripts.CUSTOMIZATIONS
CONFIG_MAP = ROOT / scripts.CONFIG_MAP
NAMES = tuple(kind.name for kind in KINDS)
"""The kinds that ship, by name: their folders below `CUSTOMIZATIONS`."""
