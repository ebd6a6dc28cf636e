"""How is a function of the project's hooks.py called? Arrow in, Arrow out; an exception names the hook."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from threading import Lock
from types import ModuleType
from typing import TYPE_CHECKING, Any

from augury.errors import HookFailed, Place
from augury.hooks import Context
from augury.spec.files import Hook, PipelineSpec

if TYPE_CHECKING:
    import pyarrow as pa

_LOADING = Lock()


def load_hooks(root: Path, pipeline: PipelineSpec, path: str) -> ModuleType:
    """The project's hooks.py as a module, imported once per process, place and content. Raises HookFailed."""
    content = abs(hash((root / path, pipeline.hooks_text)))
    name = f"augury_hooks_{pipeline.tables.stem}_{pipeline.version}_{content}"
    with _LOADING:
        if name in sys.modules:
            return sys.modules[name]
        found = importlib.util.spec_from_file_location(name, root / path)
        if found is None or found.loader is None:
            raise HookFailed(f"{path} cannot be loaded", where=Place(file=path))
        module = importlib.util.module_from_spec(found)
        sys.modules[name] = module
        try:
            found.loader.exec_module(module)
        except KeyboardInterrupt:
            del sys.modules[name]
            raise
        except BaseException as error:
            del sys.modules[name]
            raise _failed(f"{path} cannot be imported", path, error) from error
        return module


def call_hook(root: Path, pipeline: PipelineSpec, hook: Hook, arguments: Mapping[str, Any]) -> Any:
    """Call one hook with its parameters by name. Raises HookFailed naming it and the line that raised.

    `sys.exit()` in a hook ends the hook, not the run: other dates, and the ledger, do not depend on it.
    """
    function: Callable[..., Any] = getattr(load_hooks(root, pipeline, hook.path), hook.function)
    try:
        return function(**arguments)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise _raised(hook, error) from error


def _raised(hook: Hook, error: BaseException) -> HookFailed:
    return _failed(f"hook {hook.function} raised {type(error).__name__}", hook.path, error)


def _failed(what: str, path: str, error: BaseException) -> HookFailed:
    """Points to the deepest line of hooks.py in the traceback."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.endswith(path)]
    line = frames[-1].lineno if frames else None
    return HookFailed(what, where=Place(file=path, line=line), why=f"{type(error).__name__}: {_said(error)}")


def _said(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001  a class of the project's own, whose __str__ fails too
        return "it cannot be shown"


def as_reader(result: Any, hook: Hook) -> pa.RecordBatchReader:
    """What a step's hook returned as a stream: a table, a reader, a batch, or an iterable of batches."""
    import pyarrow as pa

    if isinstance(result, pa.RecordBatchReader):
        return result
    if isinstance(result, pa.Table):
        return result.to_reader()
    if isinstance(result, pa.RecordBatch):
        return pa.RecordBatchReader.from_batches(result.schema, [result])
    if isinstance(result, Iterable) and not isinstance(result, str | bytes | Mapping):
        batches = _guarded(result, hook)
        first = next(batches, None)
        if isinstance(first, pa.RecordBatch):
            return pa.RecordBatchReader.from_batches(first.schema, _chain(first, batches))
    raise HookFailed(
        f"hook {hook.function} returned {type(result).__name__}, not Arrow",
        where=Place(file=hook.path, line=hook.line),
        fix="Return a pyarrow Table, RecordBatchReader or RecordBatch; of a data frame: pa.Table.from_pandas(df).",
    )


def _guarded(batches: Iterable[Any], hook: Hook) -> Iterator[Any]:
    """The batches of a generator, which may raise as late as at its last one."""
    try:
        yield from batches
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:
        raise _raised(hook, error) from error


def _chain(first: Any, rest: Iterable[Any]) -> Iterable[Any]:
    yield first
    yield from rest


__all__ = ["Context", "as_reader", "call_hook", "load_hooks"]
