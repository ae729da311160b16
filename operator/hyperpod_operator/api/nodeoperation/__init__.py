"""HyperPodNodeOperation: its spec with the rules of admission, and its status."""
