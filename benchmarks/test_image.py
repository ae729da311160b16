"""The figure of the image counts files once, and not what they point to."""

from pathlib import Path

from benchmarks.claims import image
from hyperpod_testbed.image import Image


def test_the_size_is_what_the_files_of_the_operators_tree_hold(tmp_path: Path) -> None:
    tree = tmp_path / "opt" / "hyperpod-operator" / "lib"
    tree.mkdir(parents=True)
    (tree / "module.py").write_bytes(b"x" * 2_000_000)
    (tmp_path / "large").write_bytes(b"x" * 9_000_000)
    (tree / "link").symlink_to(tmp_path / "large")
    figure = image.disk(Image(root=tmp_path, config={}))
    assert 2.0 <= figure.value < 2.01
    assert (figure.unit, figure.most) == ("MB", 90)
