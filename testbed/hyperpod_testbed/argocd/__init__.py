"""The real Argo CD beside the control plane: what a user's Git repository becomes, with nothing imitated."""

from hyperpod_testbed.argocd.application import Application
from hyperpod_testbed.argocd.argocd import ArgoCD, ArgoCDError
from hyperpod_testbed.argocd.repository import Repository

__all__ = ["Application", "ArgoCD", "ArgoCDError", "Repository"]
