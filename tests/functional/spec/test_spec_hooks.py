"""hooks.py is read, never run: which functions are steps, and what each asks for."""

from __future__ import annotations

import pytest

import augury.hooks as declared
from augury.spec.files import HookParameter
from augury.spec.hooks_reader import _SHAPES
from augury.sql.relations import History, Source
from tests.functional.spec.folder import PROJECT, SQL, Shop

FILE = "pipelines/ltv/hooks.py"


@pytest.fixture
def shop(shop: Shop) -> Shop:
    shop.write("augury.yml", PROJECT + "vars: {margin: 0.3}\n")
    return shop.write("reference/prices.csv", "a\n").write("pipelines/ltv/filter.sql", SQL)


def test_e1_a_hook_says_what_it_needs_in_its_parameters(shop: Shop) -> None:
    shop.write(
        FILE,
        """\
        import pyarrow as pa
        from augury.hooks import history, reference, source, var, window
        from augury import hooks

        raise SystemExit("hooks.py must not be run to be read")

        def prepare(
            context,
            rows: pa.Table,
            orders,
            new=window("orders"),
            past=history("prepare", days=28),
            prices=hooks.reference("prices"),
            *,
            margin=var(name="margin"),
        ):
            return rows

        def post_process(predict, filter): ...
        """,
    )
    steps = shop.pipeline().steps

    prepare = steps["prepare"]
    assert prepare.sql is not None  # the hook follows the SQL
    assert prepare.hook is not None
    assert (prepare.hook.path, prepare.hook.line) == (FILE, 7)
    assert prepare.hook.parameters == (
        HookParameter("context", "context"),
        HookParameter("rows", "rows"),
        HookParameter("orders", "source", ("orders",)),
        HookParameter("new", "window", ("orders",)),
        HookParameter("past", "history", ("prepare", 28)),
        HookParameter("prices", "reference", ("prices",)),
        HookParameter("margin", "var", ("margin",)),
    )
    post_process = steps["post_process"]
    assert post_process.sql is None  # the hook is the step
    assert post_process.hook is not None
    assert [parameter.arguments for parameter in post_process.hook.parameters] == [("predict",), ("filter",)]


def test_a_function_that_takes_the_context_is_a_step_and_any_other_is_a_helper(shop: Shop) -> None:
    shop.write(
        FILE,
        """\
        def baskets(context, orders): ...
        def prepare(rows, baskets): return _clean(rows)
        def rounded(value, digits=2): ...
        def _clean(context): ...
        class Helper: ...
        """,
    )
    assert list(shop.pipeline().steps) == ["baskets", "filter", "label", "prepare"]


def test_j6_hooks_of_events_are_kept_apart(shop: Shop) -> None:
    shop.write(FILE, "def on_completed(context): ...\ndef on_trained(context): ...\n")
    pipeline = shop.pipeline()
    assert sorted(pipeline.event_hooks) == ["on_completed", "on_trained"]
    assert "on_completed" not in pipeline.steps
    assert pipeline.hooks_text.startswith("def on_completed")


def test_a_version_has_its_own_hooks_or_those_above(shop: Shop) -> None:
    shop.write(FILE, "def extract(context): ...\n")
    shop.write("pipelines/ltv/v2/filter.sql", SQL)
    shop.write("pipelines/ltv/v3/hooks.py", "def training(context): ...\n")
    versions = shop.read().pipelines["ltv"]
    assert ["extract" in versions[name].steps for name in ("v1", "v2", "v3")] == [True, True, False]


def test_a_validation_hook_sees_the_candidate(shop: Shop) -> None:
    shop.write(FILE, "from augury.hooks import published\ndef validation(staging, before=published()): ...\n")
    hook = shop.pipeline().steps["validation"].hook
    assert hook is not None
    assert [parameter.relation for parameter in hook.parameters] == ["staging", "published"]


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        (
            "def prepare(ordrs): ...",
            "prepare(ordrs): is not context, rows, a step or a source   did you mean 'orders'?",
        ),
        (
            "def prepare(o=source('ordrs')): ...",
            "prepare(o): there is no source called 'ordrs'   did you mean 'orders'?",
        ),
        (
            "def prepare(o=ref('filtr')): ...",
            "prepare(o): there is no step called 'filtr'   did you mean 'filter'?",
        ),
        (
            "def prepare(o=reference('price')): ...",
            "prepare(o): there is no file in reference/ called 'price'   did you mean 'prices'?",
        ),
        (
            "def prepare(o=var('margn')): ...",
            "prepare(o): there is no variable called 'margn'   did you mean 'margin'?",
        ),
        (
            "def prepare(o=sourc('orders')): ...",
            "prepare(o): its default must be a call of source, window, ref, history, outcome, reference, var,"
            " staging, published from augury.hooks   did you mean 'source'?",
        ),
        (
            "def prepare(limit=5): ...",
            "prepare(limit): its default must be a call of source, window, ref, history, outcome, reference,"
            " var, staging, published from augury.hooks",
        ),
        ("def prepare(o=source(name)): ...", "prepare(o): write source(name) with literal values"),
        (
            "def prepare(o=history('prepare')): ...",
            "prepare(o): write history(step, days) with literal values",
        ),
        ("def prepare(o=history('prepare', 0)): ...", "prepare(o): days must be at least 1"),
        ("def prepare(o=outcome('orders')): ...", "prepare(o): outcome can be read in label only"),
        ("def prepare(o=staging()): ...", "prepare(o): staging can be read in validation only"),
        (
            "def prepare(prepare): ...",
            "prepare(prepare): a step cannot read its own result of this date: write history(...)",
        ),
        (
            "def post_process(rows): ...",
            "post_process(rows): there is no post_process.sql whose result it could be: ask for `predict`",
        ),
        ("def prepare(*tables): ...", "prepare(tables): * and ** cannot be filled: name each parameter"),
        ("def prepare(orders, /): ...", "prepare(orders): parameters are passed by name: remove the /"),
        ("async def prepare(): ...", "prepare: a hook must be a plain function that is defined in this file"),
        ("from lib import prepare", "prepare: a hook must be a plain function that is defined in this file"),
        (
            "def on_held(context, rows): ...",
            "on_held(rows): the hook of an event is given `context` alone (see context.event)",
        ),
        ("def predict(rows): ...", "predict: augury performs predict itself: call a helper _predict"),
        (
            "def on_complete(context): ...",
            "on_complete: there is no such event (there are on_completed, on_held, on_failed, on_trained);"
            " the name of a helper begins with _   did you mean 'on_completed'?",
        ),
        (
            "def Baskets(context): ...",
            "Baskets: is not a step's name: lower-case letters, digits and _, beginning with a letter"
            "   did you mean 'baskets'?",
        ),
    ],
)
def test_e1_a_hook_that_cannot_be_called_is_explained(shop: Shop, code: str, shown: str) -> None:
    shop.write(FILE, f"# hooks\n{code}\n")
    assert shop.problems() == [f"{FILE}:2  {shown}"]


def test_a_name_that_is_a_step_and_a_source_must_be_told_apart(shop: Shop) -> None:
    shop.write("pipelines/ltv/orders.sql", SQL).write(FILE, "def prepare(orders): ...\n")
    assert shop.problems() == [
        f"{FILE}:1  prepare(orders): is a step and a source: write orders=ref('orders') or orders=source('orders')"
    ]
    shop.write(FILE, "from augury.hooks import ref\ndef prepare(orders=ref('orders')): ...\n")
    assert shop.problems() == []


def test_a_function_defined_twice_is_a_problem(shop: Shop) -> None:
    shop.write(FILE, "def prepare(): ...\n\ndef prepare(): ...\n")
    assert shop.problems() == [f"{FILE}:3  prepare: is defined twice: also on line 1"]


def test_every_declaration_that_users_import_can_be_read() -> None:
    assert {name for name in declared.__all__ if name[0].islower()} == set(_SHAPES)
    assert declared.source("orders") == Source("orders")
    assert declared.history("prepare", days=28) == History("prepare", 28)
