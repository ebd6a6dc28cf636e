"""Numbers: BigQuery docs, 'Mathematical functions', 'Conversion functions', 'Conditional expressions'."""

from __future__ import annotations

from augury.sql.bigquery.calling import Arguments, Builder, Built, Sql, template, variants


def _nonzero(a: Arguments, at: int, what: str) -> str:
    """BigQuery refuses a division by zero; DuckDB makes infinity or NULL of it."""
    if a.number(at):
        return a.sql(at)
    return a.fill(f"CASE {{0}} WHEN 0 THEN {a.error('division by zero in ' + what)} ELSE {{0}} END", a.sql(at))


def div(a: Arguments) -> Sql:
    a.count(2)
    return Sql(f"({a.sql(0)} // {_nonzero(a, 1, 'DIV()')})", a.kind(0))


def mod(a: Arguments) -> Sql:
    """The sign is that of the dividend, on both engines."""
    a.count(2)
    return Sql(f"({a.sql(0)} % {_nonzero(a, 1, 'MOD()')})", a.kind(0))


def safe_divide(a: Arguments) -> Sql:
    a.count(2)
    return Sql(f"({a.sql(0)} / nullif({a.sql(1)}, 0))", "FLOAT64")


def rounded(name: str) -> Builder:
    """Halves go away from zero on both engines; digits are INTEGER on DuckDB."""

    def build(a: Arguments) -> Sql:
        a.count(1, 2)
        kind = a.kind(0)
        result = "FLOAT64" if kind in ("INT64", "FLOAT64") else kind
        number = f"CAST({a.sql(0)} AS DOUBLE)" if kind == "INT64" else a.sql(0)
        if len(a) == 1:
            return Sql(f"{name}({number})", result)
        return Sql(f"{name}({number}, {a.integer(1)})", result)

    return build


def extreme(name: str) -> Builder:
    """GREATEST and LEAST are NULL where any argument is; DuckDB leaves NULLs out."""

    def build(a: Arguments) -> Sql:
        a.count(1, 9)
        holes = range(len(a))
        given = [f"{{{at}}} IS NULL" for at in holes if a.number(at) is None and a.literal(at) is None]
        call = f"{name}({', '.join(f'{{{at}}}' for at in holes)})"
        pattern = f"CASE WHEN {' OR '.join(given)} THEN NULL ELSE {call} END" if given else call
        kinds = {a.kind(at) for at in holes}
        return Sql(a.fill(pattern, *(a.value(at) for at in holes)), kinds.pop() if len(kinds) == 1 else None)

    return build


def coalesce(a: Arguments) -> Sql:
    a.count(1, 999)
    kinds = {a.kind(at) for at in range(len(a))}
    texts = ", ".join(a.value(at) for at in range(len(a)))
    return Sql(f"coalesce({texts})", kinds.pop() if len(kinds) == 1 else None)


def if_(a: Arguments) -> Sql:
    a.count(3)
    kinds = {a.kind(1), a.kind(2)}
    text = f"CASE WHEN {a.sql(0)} THEN {a.value(1)} ELSE {a.value(2)} END"
    return Sql(text, kinds.pop() if len(kinds) == 1 else None)


def within(call: str, domain: str, name: str) -> Builder:
    """Outside of its domain a function of BigQuery fails; DuckDB makes NaN or infinity of it."""

    def build(a: Arguments) -> Sql:
        a.count(2 if "{1}" in call else 1)
        outside = a.error(f"{name}() of a number outside its domain")
        return Sql(a.fill(f"CASE WHEN NOT ({domain}) THEN {outside} ELSE {call} END", *a.all()), "FLOAT64")

    return build


_LN = within("ln({0})", "{0} > 0", "LN")
_LOG = within("(ln({0}) / ln({1}))", "{0} > 0 AND {1} > 0 AND {1} <> 1", "LOG")


def logarithm(a: Arguments) -> Built:
    """LOG(x) is the natural one; LOG(x, base) names its base after the number, DuckDB before it."""
    return _LN(a) if len(a) == 1 else _LOG(a)


def safe(operator: str) -> Builder:
    return template(f"TRY(({{0}} {operator} {{1}}))")


NUMBERS: dict[str, Builder] = {
    "ABS": template("abs({0})"),
    "SIGN": template("sign({0})"),
    "ROUND": rounded("round"),
    "TRUNC": rounded("trunc"),
    "CEIL": template("ceil({0})"),
    "CEILING": template("ceil({0})"),
    "FLOOR": template("floor({0})"),
    "DIV": div,
    "MOD": mod,
    "SAFE_DIVIDE": safe_divide,
    "SAFE_ADD": safe("+"),
    "SAFE_SUBTRACT": safe("-"),
    "SAFE_MULTIPLY": safe("*"),
    "SAFE_NEGATE": template("TRY((-{0}))"),
    "GREATEST": extreme("greatest"),
    "LEAST": extreme("least"),
    "COALESCE": coalesce,
    "IFNULL": coalesce,
    "NULLIF": template("nullif({0}, {1})"),
    "IF": if_,
    "SQRT": within("sqrt({0})", "{0} >= 0", "SQRT"),
    "POW": template("pow({0}, {1})", "FLOAT64"),
    "POWER": template("pow({0}, {1})", "FLOAT64"),
    "EXP": template("exp({0})", "FLOAT64"),
    "LN": _LN,
    "LOG": logarithm,
    "LOG10": within("log10({0})", "{0} > 0", "LOG10"),
    "SIN": template("sin({0})", "FLOAT64"),
    "COS": template("cos({0})", "FLOAT64"),
    "TAN": template("tan({0})", "FLOAT64"),
    "ASIN": template("asin({0})", "FLOAT64"),
    "ACOS": template("acos({0})", "FLOAT64"),
    "ATAN": template("atan({0})", "FLOAT64"),
    "ATAN2": template("atan2({0}, {1})", "FLOAT64"),
    "IS_NAN": template("isnan(CAST({0} AS DOUBLE))", "BOOL"),
    "IS_INF": template("isinf(CAST({0} AS DOUBLE))", "BOOL"),
    "IEEE_DIVIDE": template("(CAST({0} AS DOUBLE) / CAST({1} AS DOUBLE))", "FLOAT64"),
    "RAND": variants("random()", kind="FLOAT64"),
    "GENERATE_UUID": variants("CAST(gen_random_uuid() AS VARCHAR)", kind="STRING"),
    "BIT_COUNT": template("CAST(bit_count({0}) AS BIGINT)", "INT64"),
    "ERROR": template("error({0})"),
}
