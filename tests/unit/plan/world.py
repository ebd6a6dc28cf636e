"""A world in which plans come true at once: no engine, only what the ledger would say afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

from augury.ledger.records import DateRecord, Decision, ModelRecord, PartitionRecord, Status
from augury.plan.champion import Candidates, Champion
from augury.plan.definitions import Definitions
from augury.plan.facts import Facts, SourceFact
from augury.plan.fingerprints import with_model
from augury.plan.graph import StepGraph, build_graph
from augury.plan.planner import make_plan
from augury.plan.reasons import definition_text
from augury.plan.steps import Plan, PlannedStep, Request
from augury.plan.ticks import Ticks
from augury.spec.files import PipelineSpec
from augury.sql.compiler import Compiler
from augury.sql.fingerprint import combine
from tests.drafts import Draft
from tests.projects import days

AT = datetime(2026, 11, 1, 12, tzinfo=UTC)


def model(number: int, tick: date, *, passed: bool = True, fingerprint: str = "", sha: str = "") -> ModelRecord:
    return ModelRecord(
        pipeline="ltv",
        version="v1",
        number=number,
        tick=tick,
        cutoff=AT,
        trained_at=AT,
        run_id="r",
        type="linear_reg",
        label="revenue",
        passed=passed,
        verdict="ok" if passed else "too large",
        fingerprint=fingerprint,
        folder="",
        sha256=sha or f"sha-{number}",
        seed=0,
        rows=1,
        dates=1,
        snapshot="",
    )


def decision(action: str, number: int, effective: date | None) -> Decision:
    return Decision(AT, "ann", "host", action, "ltv", "v1", str(number), effective)


@dataclass
class World:
    """One pipeline called `ltv`, and everything that was ever done for it."""

    shop: Draft
    facts: Facts = field(
        default_factory=lambda: Facts(AT, "duckdb-2", "v1", sources={"orders": SourceFact(True, "s1")})
    )
    gate: Callable[[date], bool] = lambda _: True
    """Whether the model of a tick passes."""
    _read: tuple[dict[str, str], Definitions] | None = None

    @property
    def pipeline(self) -> PipelineSpec:
        return self._definitions().pipeline

    def _definitions(self) -> Definitions:
        """Of the files as they are, read again only where one of them changed."""
        if self._read is None or self._read[0] != self.shop.texts:
            spec = self.shop.read()
            self._read = (
                dict(self.shop.texts),
                Definitions(spec, spec.pipelines["ltv"]["v1"], Compiler(spec.macros, "duckdb")),
            )
        return self._read[1]

    def know(self, **facts: Any) -> World:
        self.facts = replace(self.facts, **facts)
        return self

    def plan(self, start: str, end: str | None = None, **request: Any) -> Plan:
        asked = days(start, end) if end else (date.fromisoformat(start),)
        return self.ask(asked, **request)

    def ask(self, asked: tuple[date, ...], **request: Any) -> Plan:
        definitions = self._definitions()
        grid = definitions.pipeline.grid
        return make_plan(
            definitions, Request("ltv", "v1", tuple(day for day in asked if day in grid), **request), self.facts
        )

    def perform(self, plan: Plan) -> World:
        """Everything that was planned succeeds, in the order of the plan."""
        definitions = self._definitions()
        graph = build_graph(definitions.pipeline, definitions, definitions.pipeline.settings.start)
        for task in plan.tasks:
            if task.kind == "train":
                passed = self.gate(task.day)
                made = model(len(self.facts.models) + 1, task.day, passed=passed, fingerprint=task.fingerprint)
                self.know(models=(*self.facts.models, made))
        for task in plan.tasks:
            if task.skip:
                self._skip(definitions, graph, task.day, task.skip)
            for step in task.steps:
                self._built(definitions, graph, step)
        return self

    def do(self, start: str, end: str | None = None, **request: Any) -> Plan:
        """Plan, perform; again where a failed gate leads to a tick that nobody had foreseen. The first plan."""
        first = plan = self.plan(start, end, **request)
        for _ in range(20):
            self.perform(plan)
            plan = self.plan(start, end, **{**request, "reprocess": None})
            if plan.is_empty:
                break
        return first

    def champion(self, day: date) -> Champion | None:
        """Who scores a date now."""
        choice = Candidates.of(self._ticks(), self.facts.models, self.facts.decisions).choose(day)
        return choice if isinstance(choice, Champion) else None

    def scored_by(self) -> dict[str, str]:
        """Published dates and the tick of the model that scored each."""
        ticks = {each.number: str(each.tick) for each in self.facts.models}
        return {
            str(at): ticks[record.model_version]
            for (table, at), record in sorted(self.facts.partitions.items())
            if table == "ltv_v1_predictions" and record.model_version is not None
        }

    def _ticks(self) -> Ticks:
        return Ticks(self.pipeline, frozenset(each.tick for each in self.facts.models))

    def _built(self, definitions: Definitions, graph: StepGraph, step: PlannedStep) -> None:
        bound = self.champion(step.day) if step.step in graph.modelled and graph.reads.get("predict") else None
        if step.modelled and bound is None:
            return
        if step.table:
            record = PartitionRecord(
                table=step.table,
                run_date=step.day,
                pipeline="ltv",
                version="v1",
                step=step.step,
                status=Status.SUCCEEDED,
                fingerprint=with_model(step.fingerprint, bound.model) if bound else step.fingerprint,
                definition=step.definition,
                run_id="r",
                rows=3,
                built_at=AT,
                probe=self.facts.probe,
                generation=step.generation,
                model_version=bound.model.number if bound else None,
            )
            text = definition_text(definitions, step.step)[1]
            self.know(
                partitions={**self.facts.partitions, (step.table, step.day): record},
                definitions={**self.facts.definitions, step.definition: text},
            )
        if step.step == "publish":
            self._end(step.day, Status.SUCCEEDED)

    def _skip(self, definitions: Definitions, graph: StepGraph, day: date, missing: str) -> None:
        """What a run records of a date whose source is not there."""
        for step in graph.closure(graph.scored):
            table = definitions.pipeline.tables.step(step)
            record = PartitionRecord(
                table=table,
                run_date=day,
                pipeline="ltv",
                version="v1",
                step=step,
                status=Status.SKIPPED_MISSING,
                fingerprint=combine("missing", missing),
                definition="",
                run_id="r",
                rows=0,
                built_at=AT,
                probe=self.facts.probe,
            )
            self.know(partitions={**self.facts.partitions, (table, day): record})
        self._end(day, Status.SKIPPED_MISSING)

    def _end(self, day: date, status: Status) -> None:
        record = DateRecord("ltv", "v1", day, status, "r", AT)
        self.know(dates={**self.facts.dates, day: record})
