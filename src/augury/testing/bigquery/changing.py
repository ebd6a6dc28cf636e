"""Statements that change something, and scripts of several statements.

BigQuery docs: "Multi-statement queries" and "Multi-statement transactions": without BEGIN TRANSACTION each statement is
kept when it is done; with it, all of them at COMMIT TRANSACTION or none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from augury.testing.bigquery import ddl, dml, estimate, merging, ml, queries, selects
from augury.testing.bigquery.catalog import Table
from augury.testing.bigquery.gathering import gathered
from augury.testing.bigquery.jobs import Job
from augury.testing.bigquery.parameters import Parameters, parameters_of
from augury.testing.bigquery.refusals import Refusal, invalid
from augury.testing.bigquery.resolving import Scope
from augury.testing.bigquery.schema import shown as schema_shown
from augury.testing.bigquery.statements import DML, Statement, invalid_query
from augury.testing.bigquery.store import Change, milliseconds

if TYPE_CHECKING:
    from augury.testing.bigquery.service import Service

EDITS: dict[str, Callable[[dml.Edit, Statement], dml.Counts]] = {
    "INSERT": dml.insert,
    "UPDATE": dml.update,
    "DELETE": dml.delete,
    "MERGE": merging.merge,
    "TRUNCATE_TABLE": dml.truncate,
}


class DryRun(Exception):
    """Leaves a change that is not to be kept."""


def perform(service: Service, job: Job, statements: Sequence[Statement]) -> None:
    if job.config.get("destinationTable"):
        raise invalid("Cannot set a destination table in jobs with DDL, DML or several statements.")
    parameters = parameters_of(job.config)
    if len(statements) == 1:
        _single(service, job, statements[0], parameters)
        return
    if job.dry:
        raise invalid("A dry run of several statements says nothing: run them one by one.")
    _script(service, job, statements, parameters)


def _single(service: Service, job: Job, statement: Statement, parameters: Parameters) -> None:
    if statement.kind.endswith("_MODEL"):
        ml.perform(service, job, statement, parameters)
        return
    if statement.kind.endswith("_TRANSACTION"):
        raise invalid_query("Transaction control statements are supported only in scripts or sessions.")
    try:
        with service.store.change() as change:
            _one(service, job, change, statement, parameters)
            if job.dry:
                raise DryRun
    except DryRun:
        return


def _script(service: Service, job: Job, statements: Sequence[Statement], parameters: Parameters) -> None:
    read = cost = 0
    with ExitStack() as stack:
        held: Change | None = None
        inner: ExitStack | None = None
        for one in statements:
            if one.kind == "BEGIN_TRANSACTION":
                if held is not None:
                    raise invalid_query("Nested transactions are not supported.", one.line)
                inner = stack.enter_context(ExitStack())
                held = inner.enter_context(service.store.change())
            elif one.kind == "COMMIT_TRANSACTION":
                _inside(inner, one).close()
                held = inner = None
            elif one.kind == "ROLLBACK_TRANSACTION":
                _rolled_back(_inside(inner, one))
                held = inner = None
            elif held is not None and not one.kind.endswith("_MODEL"):
                _one(service, job, held, one, parameters)
            else:
                _single(service, job, one, parameters)
            read += int(job.statistics.get("totalBytesProcessed") or 0)
            cost += int(job.statistics.get("query", {}).get("totalBytesBilled") or 0)
        if held is not None:
            # BigQuery docs: a transaction that is still open at the end of the script is rolled back.
            _rolled_back(_inside(inner, statements[-1]))
    job.statistics["numChildJobs"] = str(len(statements))
    job.statistics["totalBytesProcessed"] = str(read)
    job.statistics["query"] = {
        **job.statistics.get("query", {}),
        "statementType": "SCRIPT",
        "totalBytesProcessed": str(read),
        "totalBytesBilled": str(cost),
    }


def _inside(stack: ExitStack | None, statement: Statement) -> ExitStack:
    if stack is None:
        raise invalid_query("There is no active transaction.", statement.line)
    return stack


def _rolled_back(stack: ExitStack) -> None:
    trouble = DryRun()
    try:
        stack.__exit__(DryRun, trouble, None)
    except DryRun:
        return


def _one(service: Service, job: Job, change: Change, statement: Statement, parameters: Parameters) -> None:
    job.working_with(change.cursor)
    scope = queries.scope_of(service, job, change)
    if statement.kind == "SELECT":
        _select(job, scope, statement, parameters)
    elif statement.kind in DML:
        try:
            counts = EDITS[statement.kind](dml.Edit(change, scope, parameters), statement)
        except Refusal as error:
            raise _placed(error, statement) from error
        queries.account(job, statement.kind, _weights(scope, statement, parameters))
        about = job.statistics["query"]
        about["numDmlAffectedRows"] = str(counts.total)
        about["dmlStats"] = {
            "insertedRowCount": str(counts.inserted),
            "updatedRowCount": str(counts.updated),
            "deletedRowCount": str(counts.deleted),
        }
        job.affected, job.result = counts.total, None
    else:
        done = ddl.perform(service, change, scope, statement, parameters)
        queries.account(job, done.kind, estimate.weights(scope, statement.text, parameters))
        about = job.statistics["query"]
        about["ddlOperationPerformed"] = done.operation
        if done.target is not None:
            about["ddlTargetTable"] = done.target.shown()
        job.affected, job.result = 0, None


def _placed(error: Refusal, statement: Statement) -> Refusal:
    """The error of a statement that was rewritten, at its place in the text that the client sent."""
    what, at, _ = error.message.rpartition(" at [")
    if not at or error.reason != "invalidQuery" or statement.kind == "INSERT":
        return error
    name = re.search(r"(?:Unrecognized name: |Column )(\w+)", what)
    found = re.search(rf"\b{name[1]}\b", statement.text, re.IGNORECASE) if name else None
    place = found.start() if found else 0
    line = statement.text.count("\n", 0, place)
    column = place - (statement.text.rfind("\n", 0, place) + 1)
    return invalid_query(what, statement.line + line, column + 1)


def _weights(scope: Scope, statement: Statement, parameters: Parameters) -> list[int]:
    """What a statement of DML has read, of the tables as they were before it. Tables that its own transaction has made
    or changed are counted as they are now."""
    rewritten = next(iter(scope.instead), None)
    with scope.service.store.snapshot() as before:
        if all(before.state.tables.get(one) is table for one, table in scope.read.items()):
            scope = replace(scope, snapshot=before, instead={})
        return estimate.weights(scope, statement.text, parameters, rewritten=rewritten)


def _select(job: Job, scope: Scope, statement: Statement, parameters: Parameters) -> None:
    """A SELECT among other statements; the rows of the last one are those of the job."""
    sql = "\n" * (statement.line - 1) + statement.text
    physical, job.fields = gathered(scope, sql, parameters)
    queries.account(job, "SELECT", estimate.weights(scope, sql, parameters))
    job.result = selects.result_id(job.project, job.location, physical)
    job.affected = None
    job.statistics["query"]["schema"] = schema_shown(job.fields, results=True)
    stamp = milliseconds()
    scope.service.store.keep_result(Table(job.result, physical, job.fields, stamp, stamp, 0))
