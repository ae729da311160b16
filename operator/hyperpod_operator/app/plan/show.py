"""Reports as text, JSON, and Markdown for a comment on a pull request."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hyperpod_operator.api.kinds import CLUSTER
from hyperpod_operator.app.plan.run import Report
from hyperpod_operator.core.engine.call import Effect, PlannedCall
from hyperpod_operator.core.preview.model import Preview
from hyperpod_operator.core.text import plain

TEXT, JSON, MARKDOWN = "text", "json", "markdown"
FORMATS = (TEXT, JSON, MARKDOWN)
MARKDOWN_MOST = 60_000
"""Characters: GitHub takes comments of 65,536."""
NOT_PLANNED = "valid; a preview does not choose nodes: apply it with spec.dryRun: true to see them"
NO_CHANGES = "no changes"
NOT_CHECKED = "Not checked by the API server (rules about edits, admission policies)"
HOW_TO_CHECK = "`kubectl apply --server-side --dry-run=server -f FILE` checks them"


def shown(reports: Sequence[Report], *, output: str, detailed: bool) -> str:
    """The reports in a format of FORMATS. `detailed` names the groups that do not change, too."""
    if output == JSON:
        return json.dumps(_json(reports, detailed=detailed), indent=2, ensure_ascii=False)
    return _markdown(reports, detailed=detailed) if output == MARKDOWN else _text(reports, detailed=detailed)


def summary(reports: Sequence[Report]) -> str:
    """All reports in one line."""
    previews = [one.preview for one in reports if one.preview is not None]
    effects = Counter(call.effect for one in previews for call in one.calls)
    said = ", ".join(f"{effects[effect]} {effect}" for effect in Effect if effects[effect])
    unknown = sum(bool(one.unknown) for one in previews)
    blocked = sum(bool(one.blocked) for one in previews)
    failed = sum(bool(one.error) for one in reports)
    parts = [*_changing(reports), *([f"calls: {said}"] if said else [])]
    parts += [f"{count} {word}" for count, word in ((unknown, "partly unknown"), (blocked, "blocked")) if count]
    return "; ".join([*parts, *([f"{failed} failed"] if failed else [])]) + "."


def _changing(reports: Sequence[Report]) -> list[str]:
    """How many of each kind change; clusters are counted even where there are none. The others are claims."""
    made = []
    for clusters, word in ((True, "clusters"), (False, "claims")):
        seen = [one for one in reports if (one.manifest.kind == CLUSTER.name) is clusters]
        found = [one.preview for one in seen if one.preview is not None]
        if found or clusters:
            made.append(f"{sum(bool(one.calls) for one in found)} of {len(found)} {word} change")
    return made


def unchecked(reports: Sequence[Report]) -> list[str]:
    """One line for each reason why the API server's answer is not known, with how many resources it is about."""
    reasons = Counter(plain(one.check.unasked).rstrip(".") for one in reports if one.check.unasked)
    return [f"{NOT_CHECKED}: {why} ({count} of {len(reports)} resources). {HOW_TO_CHECK}."
            for why, count in reasons.items()]  # fmt: skip


def _title(report: Report) -> str:
    return f"{report.manifest.kind} {report.manifest.key}"


def _result(report: Report) -> str:
    """What becomes of it, in a few words."""
    found = report.preview
    if report.error:
        return "failed"
    if found is None:
        return NOT_PLANNED
    if found.blocked:
        return "blocked"
    calls = f"{len(found.calls)} call{'' if len(found.calls) == 1 else 's'}" if found.calls else ""
    return ", ".join(word for word in (calls, "partly unknown" if found.unknown else "") if word) or NO_CHANGES


def _text(reports: Sequence[Report], *, detailed: bool) -> str:
    lines = [line for report in reports for line in _text_of(report, detailed=detailed)]
    return "\n".join([*lines, "", f"Plan: {summary(reports)}", *unchecked(reports)])


def _place(found: Preview) -> str:
    """The cluster, where its name is known, and the Region."""
    region = found.region or "the default Region"
    return f"{found.cluster_name} in {region}" if found.cluster_name else f"in {region}"


def _text_of(report: Report, *, detailed: bool) -> Iterator[str]:
    found = report.preview
    where = f" ({_place(found)})" if found else ""
    yield f"{_title(report)}{where}: {_result(report)}"
    if report.error:
        yield f"  error: {report.error} ({report.manifest.source})"
    yield from (f"  warning: {plain(words)}" for words in report.check.warnings)
    if found is None:
        return
    for call in found.calls:
        yield f"  {_call(call)}{'; waits' if call in found.waiting else ''}"
        yield from (f"    {plain(str(change))}" for change in call.changes)
    if report.cost:
        yield f"  cost: {plain(report.cost)}"
    yield from (f"  would fail: {plain(words)}" for words in report.failures)
    if found.blocked:
        yield f"  blocked: {plain(found.blocked)}"
    yield from (f"  unknown: {plain(words)}" for words in found.unknown)
    yield from (f"  note: {plain(words)}" for words in found.notes)
    if detailed:
        yield from (f"  unchanged: {plain(words)}" for words in found.unchanged)


def _call(call: PlannedCall) -> str:
    nodes = f", {call.node_count} node{'' if call.node_count == 1 else 's'}" if call.node_count else ""
    return f"{call.operation} ({call.effect}{nodes})"


def _json(reports: Sequence[Report], *, detailed: bool) -> Mapping[str, Any]:
    return {"summary": summary(reports), "resources": [_json_of(one, detailed=detailed) for one in reports]}


def _json_of(report: Report, *, detailed: bool) -> Mapping[str, Any]:
    made: dict[str, Any] = {
        "kind": report.manifest.kind,
        "namespace": report.manifest.key.namespace,
        "name": report.manifest.key.name,
        "file": plain(report.manifest.source),
        "result": _result(report),
        "checkedByServer": not report.check.unasked and (bool(report.check.rejected) or not report.error),
        "notCheckedBecause": plain(report.check.unasked) or None,
        "warnings": [plain(words) for words in report.check.warnings],
    }
    if report.error:
        return made | {"error": report.error}
    found = report.preview
    if found is None:
        return made
    made |= {
        "clusterName": found.cluster_name,
        "region": found.region,
        "exists": found.exists,
        "actions": [{**_action(call), "waits": call in found.waiting} for call in found.calls],
        "cost": plain(report.cost) or None,
        "wouldFail": [plain(words) for words in report.failures],
        "blocked": plain(found.blocked) or None,
        "unknown": [plain(words) for words in found.unknown],
        "notes": [plain(words) for words in found.notes],
    }
    return made | ({"unchanged": [plain(words) for words in found.unchanged]} if detailed else {})


def _action(call: PlannedCall) -> Mapping[str, Any]:
    return {
        "call": call.operation,
        "effect": str(call.effect),
        "nodeCount": call.node_count,
        "changes": [plain(str(change)) for change in call.changes],
    }


def _markdown(reports: Sequence[Report], *, detailed: bool) -> str:
    """Rows until the comment is full; what does not fit any more is counted."""
    head = [f"### HyperPod plan: {_cell(summary(reports))}", ""]
    shown_, left, room = [], 0, MARKDOWN_MOST
    for report in sorted(reports, key=_urgency):
        block = "\n".join(_markdown_of(report, detailed=detailed))
        room -= len(block) + 1
        if room < 0:
            left += 1
        else:
            shown_.append(block)
    more = [f"{left} more resources do not fit here: `hyperpod-operator plan` shows them."] if left else []
    return "\n".join([*head, *shown_, *more, *(f"_{_cell(line)}_" for line in unchecked(reports))])


def _urgency(report: Report) -> int:
    """What a reviewer should see first."""
    found = report.preview
    if report.error or (found is not None and found.blocked):
        return -100
    return -max((call.effect.rank + 1 for call in found.calls), default=0) if found is not None else 1


def _markdown_of(report: Report, *, detailed: bool) -> Iterator[str]:
    found = report.preview
    yield f"**{_cell(_title(report))}**: {_cell(_result(report))}"
    yield ""
    if report.error:
        yield f"- Error: {_cell(report.error)} ({_cell(report.manifest.source)})"
    yield from (f"- Warning: {_cell(words)}" for words in report.check.warnings)
    if found is not None:
        yield from _markdown_preview(found, report=report, detailed=detailed)
    if report.error or report.check.warnings or found is not None:
        yield ""


def _markdown_preview(found: Preview, *, report: Report, detailed: bool) -> Iterator[str]:
    if found.calls:
        yield "| Effect | Call | Change | Nodes |"
        yield "|---|---|---|---|"
        for call in found.calls:
            name = f"{call.operation}, waits" if call in found.waiting else call.operation
            for change in call.changes:
                effect = f"**{change.effect}**" if change.effect.rank >= Effect.DISRUPTS.rank else str(change.effect)
                yield f"| {effect} | {name} | {_cell(str(change))} | {change.node_count or ''} |"
        yield ""
    if report.cost:
        yield f"- Cost: {_cell(report.cost)}"
    yield from (f"- **Would fail**: {_cell(words)}" for words in report.failures)
    if found.blocked:
        yield f"- Blocked: {_cell(found.blocked)}"
    yield from (f"- Unknown: {_cell(words)}" for words in found.unknown)
    yield from (f"- {_cell(words)}" for words in found.notes)
    if detailed:
        yield from (f"- Unchanged: {_cell(words)}" for words in found.unchanged)


_ESCAPED = str.maketrans(
    {letter: f"\\{letter}" for letter in "\\`*_[]|#!"} | {"<": "&lt;", ">": "&gt;", "&": "&amp;", "@": "@\u200b"}
)


def _cell(text: str) -> str:
    """Foreign text in a comment: no markup, no mention of a person."""
    return plain(text).translate(_ESCAPED)
