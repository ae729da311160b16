"""Files of anybody: what they may have in them, and the bounds."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hyperpod_operator.app import documents as module
from hyperpod_operator.app.documents import (
    BYTES_MOST,
    DEPTH_MOST,
    InputError,
    decoded,
    documents,
    read_text,
    texts,
    yaml_documents,
)
from hyperpod_operator.app.manifest_yaml import ManifestLoader
from hyperpod_operator.app.plan.manifests import found_in

SOON = 10.0
"""Seconds of processor time for any file of one MiB, on a slow machine."""


def read(text: str) -> list[Any]:
    return documents(text, source="file")


@pytest.mark.parametrize(
    ("text", "document"),
    [
        ('{"a": 1, // one\n "b": 2}', {"a": 1, "b": 2}),
        ('{"a": 1, /* one\n two */ "b": 2,}', {"a": 1, "b": 2}),
        ('{"a": [1, 2,], # three\n}', {"a": [1, 2]}),
        ('{"a": 1, // last\n}', {"a": 1}),
        ('{"a": "s3://b/c", "d": "x # y", "e": "/* z"}', {"a": "s3://b/c", "d": "x # y", "e": "/* z"}),
        ('{"a": ${COUNT}, "b": $NAME, "c": "${X}"}', {"a": "${COUNT}", "b": "$NAME", "c": "${X}"}),
        ('cat > a.json << EOL\n{"a": ${B}}\nEOL\naws sagemaker', {"a": "${B}"}),
        ("$ cat <<-'EOF' | tee b.json\n{\"a\": 1}\nEOF\n", {"a": 1}),
        ('\ufeff{"a": 1}'.lstrip("\ufeff"), {"a": 1}),
        ("// head\n{}", {}),
        ("{a: b, c: [d]}", {"a": "b", "c": ["d"]}),
        ("a: !Ref B", {"a": {"Ref": "B"}}),
        ("a: !Condition B", {"a": {"Condition": "B"}}),
        ("a: !GetAtt B.C.D", {"a": {"Fn::GetAtt": ["B", "C.D"]}}),
        ("a: !Sub ['${B}', {B: !Ref C}]", {"a": {"Fn::Sub": ["${B}", {"B": {"Ref": "C"}}]}}),
        ("a: !If [X, !Ref 'AWS::NoValue', 2]", {"a": {"Fn::If": ["X", {"Ref": "AWS::NoValue"}, 2]}}),
        ("a: !Transform {Name: b}", {"a": {"Fn::Transform": {"Name": "b"}}}),
        ("AWSTemplateFormatVersion: 2010-09-09", {"AWSTemplateFormatVersion": "2010-09-09"}),
        ("a: &x {b: 1}\nc:\n  <<: *x\n  b: 2", {"a": {"b": 1}, "c": {"b": 2}}),
    ],
)
def test_what_people_write_is_read(text: str, document: Any) -> None:
    assert read(text) == [document]


def test_a_file_has_several_documents_and_empty_ones_do_not_count() -> None:
    assert read("a: 1\n---\n---\nb: 2\n") == [{"a": 1}, {"b": 2}]
    assert read("") == read("# nothing\n") == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"a": 1 "b": 2}', "file, line 1, column 9: "),
        ('{\n "a": 1,\n "b" 2}', "file, line 3, column 6: "),
        ("a: [1\nb: }", "file, line 2, column 2: "),
        ('{"a": 1, "a": 2}', "the member 'a' stands twice"),
        ("a: 1\na: 2", "file, line 1, column 1: the member 'a' stands twice"),
        ("a: &a [*a]", "an alias contains itself"),
        ("!!python/object/apply:os.system ['true']", "could not determine a constructor"),
        ("a: \0", "is no YAML"),
        ("{", "file, line 1"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, words: str) -> None:
    with pytest.raises(InputError) as error:
        read(text)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def hostile() -> Iterator[Any]:
    mib = 1024 * 1024 - 16
    levels = [f"{chr(98 + i)}: &{chr(98 + i)} [{','.join([f'*{chr(97 + i)}'] * 9)}]" for i in range(9)]
    merges = [f"{chr(98 + i)}: &{chr(98 + i)} {{<<: [{','.join([f'*{chr(97 + i)}'] * 9)}]}}" for i in range(9)]
    yield pytest.param("\n".join(["a: &a [x]", *levels]), id="aliases of aliases")
    yield pytest.param("\n".join(["a: &a {x: 1}", *merges]), id="merges of merges")
    yield pytest.param("\n".join(["- &a0 [x]", *(f"- &a{i} [*a{i - 1}]" for i in range(1, 20_000))]), id="chain")
    yield pytest.param("[" * mib, id="brackets")
    yield pytest.param("a: " + "[" * mib, id="brackets in YAML")
    yield pytest.param('{"a":' * (mib // 5), id="braces")
    yield pytest.param("- " * (mib // 2), id="dashes")
    yield pytest.param("? " * (mib // 2), id="keys of keys")
    yield pytest.param("\n".join(" " * i + "- " for i in range(1400)), id="indentation")
    yield pytest.param("{" + '"' * mib, id="quotes")
    yield pytest.param("{" + "/*" * (mib // 2), id="comments without end")
    yield pytest.param("[" + "," * mib, id="commas")
    yield pytest.param("[1" + ", " * (mib // 2), id="commas and blanks")
    yield pytest.param("{" + "$" * mib, id="dollars")
    yield pytest.param("cat " + "<<a" * (mib // 3), id="here documents")
    yield pytest.param("cat <<" + "a" * mib, id="long word of a here document")
    yield pytest.param("cat <<a\n" + "\n" * mib, id="blank lines in a here document")
    yield pytest.param("&a " * (mib // 3), id="anchors")
    yield pytest.param("a: " + "x" * (2 * mib), id="too large")
    yield pytest.param("a: 1" + ":1" * (mib // 2), id="number to the base of 60")
    yield pytest.param("a: 1" + ":1" * (mib // 3) + ".5", id="fraction to the base of 60")
    yield pytest.param("a: !!int '1" + ":1" * (mib // 3) + "'", id="text that is to be a number")
    yield pytest.param("a: 0x" + "f" * mib, id="hexadecimal number")
    yield pytest.param("a: 0" + "7" * mib, id="octal number")
    yield pytest.param("a: " + "9" * mib, id="decimal number")
    yield pytest.param('{"a": ' + "9" * mib + "}", id="number in JSON")


def read_manifest(text: str) -> list[Any]:
    return yaml_documents(text, source="file", loader=ManifestLoader)


@pytest.mark.parametrize("read", [read, read_manifest])
@pytest.mark.parametrize("text", list(hostile()))
def test_a_hostile_file_costs_little_time(text: str, read: Callable[[str], list[Any]]) -> None:
    before, said = time.process_time(), ""
    try:
        assert isinstance(read(text)[0], str)
    except InputError as error:
        said = str(error)
    assert time.process_time() - before < SOON
    assert len(said) < 400


def test_a_document_may_nest_as_deep_as_the_bound() -> None:
    assert read("[" * (DEPTH_MOST - 1) + "]" * (DEPTH_MOST - 1))
    with pytest.raises(InputError, match="nests deeper"):
        read("[" * (DEPTH_MOST + 1) + "]" * (DEPTH_MOST + 1))


def test_aliases_within_the_bound_are_read() -> None:
    assert read("a: &a [1, 2]\nb: [*a, *a]") == [{"a": [1, 2], "b": [[1, 2], [1, 2]]}]


def test_a_file_that_is_too_large_is_not_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BYTES_MOST", 8)
    path = tmp_path / "large.json"
    path.write_bytes(b"x" * 9)
    with pytest.raises(InputError, match=r"large\.json is larger than"):
        read_text(path)


@pytest.mark.parametrize("missing", ["absent.yaml", "."])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, missing: str) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_text(tmp_path / missing)


def test_bytes_that_are_no_text_are_named() -> None:
    with pytest.raises(InputError, match="no UTF-8 text: byte 1"):
        decoded(b"a\xff", source="file")
    assert decoded("\ufeffa".encode(), source="file") == "a"
    assert BYTES_MOST > 1


def test_files_directories_and_standard_input_are_read(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "a.yaml").write_text("a")
    (tmp_path / "b.txt").write_text("b")
    found = list(texts([str(tmp_path), "-"], suffixes=(".yaml",), stdin=lambda: b"c"))
    assert [text for _, text in found] == ["a", "c"]
    assert found[1][0] == "standard input"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("1e3", 1000), ("7234567e8", 723456700000000), ("08", 8), ("0o14", 12), ("-0o7", -7), ("0O7", 7), ("y", True),
        ("N", False), ("'08'", "08"), ("0x1F", 31), ("1_000", 1000), ("12", 12), ("1.5", 1.5), ("true", True),
        ("1:30", "1:30"), ("10:30:00.5", "10:30:00.5"), ("=", "="), ("nan", "nan"), ("2026-01-01", "2026-01-01"),
        ("1.18.3", "1.18.3"), ("i-08", "i-08"), ("yes", True), ("null", None),
    ],
)  # fmt: skip
def test_a_manifest_is_read_as_kubectl_reads_it(text: str, read: Any) -> None:
    """As kubectl 1.32 printed them in JSON."""
    (found,) = yaml_documents(f"a: {text}", source="x", loader=ManifestLoader)
    assert found == {"a": read}
    assert isinstance(found["a"], str) is isinstance(read, str)


def test_of_a_directory_only_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: 1")
    (tmp_path / "b.yaml").mkdir()
    os.mkfifo(tmp_path / "c.yaml")
    read = texts([str(tmp_path)], suffixes=(".yaml",), stdin=bytes)
    assert [name for name, _ in read] == [str(tmp_path / "a.yaml")]
    (tmp_path / "d.yaml").symlink_to(tmp_path / "gone")
    with pytest.raises(InputError, match=r"d\.yaml cannot be read"):
        list(texts([str(tmp_path)], suffixes=(".yaml",), stdin=bytes))


@pytest.mark.parametrize("text", ["a: [", "a: 1\na: 2", "\0", None])
def test_the_name_of_a_file_stays_in_its_line(tmp_path: Path, text: str | None) -> None:
    """A pull request names its files: in the log of CI a line that begins with `::` is a command."""
    path = tmp_path / "a\n::error::seen\x1b[2J\u202e.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError) as error:
        found_in([str(path)], namespace="team", stdin=bytes)
    assert "a ::error::seen.yaml" in str(error.value)
    assert str(error.value).isprintable()


def test_the_name_of_a_file_that_is_read_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a\n::error::seen\x1b[2J.yaml").write_text("a: 1")
    ((name, _),) = texts([str(tmp_path)], suffixes=(".yaml",), stdin=bytes)
    assert name == f"{tmp_path}/a ::error::seen.yaml"
