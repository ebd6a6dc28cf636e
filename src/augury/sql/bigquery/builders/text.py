"""Text and hashes: BigQuery docs, 'String functions', 'Hash functions', 'Formatting functions'."""

from __future__ import annotations

import re

from augury.sql.bigquery.calling import Arguments, Builder, Sql, string_literal, template, variants
from augury.sql.bigquery.formats import printed


def concat(a: Arguments) -> Sql:
    """NULL where any argument is; DuckDB's concat leaves NULLs out, its operator does not."""
    a.count(1, 999)
    return Sql("(" + " || ".join(_text(a, at) for at in range(len(a))) + ")", "STRING")


def _text(a: Arguments, at: int) -> str:
    return a.sql(at) if a.kind(at) in ("STRING", "BYTES") else f"CAST({a.sql(at)} AS VARCHAR)"


def substring(a: Arguments) -> Sql:
    """Positions before the text begin at its first character, and so does 0; negative ones count from its end."""
    a.count(2, 3)
    rest = ", {2}" if len(a) == 3 else ""
    at = a.number(1)
    if at is not None and at >= 0:
        text = f"substring({a.sql(0)}, {max(at, 1)}{', ' + a.sql(2) if rest else ''})"
        return Sql(text, "STRING")
    pattern = (
        f"CASE WHEN {{1}} = 0 OR {{1}} < -length({{0}}) THEN substring({{0}}, 1{rest}) "
        f"ELSE substring({{0}}, {{1}}{rest}) END"
    )
    return Sql(a.fill(pattern, *a.all()), "STRING")


def split(a: Arguments) -> Sql:
    """Empty text gives one empty element on both engines."""
    a.count(1, 2)
    return Sql(f"string_split({a.sql(0)}, {a.sql(1) if len(a) == 2 else string_literal(',')})", "ARRAY", 1)


def _pattern(a: Arguments, at: int) -> str:
    """BigQuery and DuckDB both use RE2."""
    return a.sql(at)


def _groups(a: Arguments) -> int:
    written = a.literal(1)
    if written is None:
        return 0
    try:
        groups = re.compile(re.sub(r"\(\?P?<(\w+)>", "(", written)).groups
    except re.error:
        # RE2 has classes that Python has not; what matters here is only the number of groups.
        groups = len(re.findall(r"(?<!\\)\((?!\?)", written))
    if groups > 1:
        a.refuse(f"{a.call.name}(): BigQuery takes a pattern with one group at most, this one has {groups}")
    return groups


def extract(a: Arguments) -> Sql:
    """The group, or the whole match; NULL where nothing matches, of which DuckDB makes empty text."""
    a.count(2, 4)
    text, occurrence = a.sql(0), "1"
    if len(a) > 2:
        if a.number(2) != 1:
            a.lacks(f"{a.call.name}() from another position than 1: take SUBSTR(x, position) first")
        if len(a) == 4:
            occurrence = a.sql(3)
    if a.literal(1) is None:
        a.lacks(f"{a.call.name}(): the pattern must be a literal, so that its groups can be counted")
    return Sql(f"regexp_extract_all({text}, {_pattern(a, 1)}, {_groups(a)})[{occurrence}]", "STRING")


def extract_all(a: Arguments) -> Sql:
    a.count(2)
    if a.literal(1) is None:
        a.lacks(f"{a.call.name}(): the pattern must be a literal, so that its groups can be counted")
    return Sql(f"regexp_extract_all({a.sql(0)}, {_pattern(a, 1)}, {_groups(a)})", "ARRAY")


def padded(name: str) -> Builder:
    def build(a: Arguments) -> Sql:
        a.count(2, 3)
        return Sql(f"{name}({a.sql(0)}, {a.integer(1)}, {a.sql(2) if len(a) == 3 else string_literal(' ')})", "STRING")

    return build


def instr(a: Arguments) -> Sql:
    if len(a) > 2:
        a.lacks(
            "INSTR() with a position or an occurrence: take SUBSTR(x, position) first, or REGEXP_INSTR on BigQuery only"
        )
    a.count(2)
    return Sql(f"strpos({a.sql(0)}, {a.sql(1)})", "INT64")


def format_(a: Arguments) -> Sql:
    a.count(1, 99)
    pattern = a.literal(0)
    if pattern is None:
        a.lacks("FORMAT(): the format must be a string literal")
    return Sql("(" + " || ".join(printed(a, pattern)) + ")", "STRING")


def to_hex(a: Arguments) -> Sql:
    a.count(1)
    return Sql(f"lower(hex({a.sql(0)}))", "STRING")


def length(a: Arguments) -> Sql:
    """Characters of text; bytes of BYTES."""
    a.count(1)
    return Sql(f"{'octet_length' if a.kind(0) == 'BYTES' else 'length'}({a.sql(0)})", "INT64")


def byte_length(a: Arguments) -> Sql:
    a.count(1)
    return Sql(f"{'octet_length' if a.kind(0) == 'BYTES' else 'strlen'}({a.sql(0)})", "INT64")


_DELIMITERS = r"""\s\[\](){}/|!?@"^#$&~_,.:;*%+-"""
"""Between the words of INITCAP (docs: 'String functions'), as a class of RE2."""

TEXT: dict[str, Builder] = {
    "CONCAT": concat,
    "SUBSTR": substring,
    "SUBSTRING": substring,
    "LEFT": template("left({0}, {1})", "STRING"),
    "RIGHT": template("right({0}, {1})", "STRING"),
    "LENGTH": length,
    "CHAR_LENGTH": template("length({0})", "INT64"),
    "CHARACTER_LENGTH": template("length({0})", "INT64"),
    "BYTE_LENGTH": byte_length,
    "OCTET_LENGTH": byte_length,
    "LOWER": template("lower({0})", "STRING"),
    "UPPER": template("upper({0})", "STRING"),
    "INITCAP": template(
        f"array_to_string(list_transform(regexp_extract_all(lower({{0}}), '[^{_DELIMITERS}]+|[{_DELIMITERS}]+'), "
        "lambda _w: upper(_w[1]) || _w[2:]), '')",
        "STRING",
    ),
    "NORMALIZE": template("nfc_normalize({0})", "STRING"),
    "TRIM": variants("trim({0})", "trim({0}, {1})", kind="STRING"),
    "LTRIM": variants("ltrim({0})", "ltrim({0}, {1})", kind="STRING"),
    "RTRIM": variants("rtrim({0})", "rtrim({0}, {1})", kind="STRING"),
    "LPAD": padded("lpad"),
    "RPAD": padded("rpad"),
    "REPEAT": template("repeat({0}, {1})", "STRING"),
    "REVERSE": template("reverse({0})", "STRING"),
    "REPLACE": template("CASE WHEN {1} = '' THEN {0} ELSE replace({0}, {1}, {2}) END", "STRING"),
    "TRANSLATE": template("translate({0}, {1}, {2})", "STRING"),
    "STARTS_WITH": template("starts_with({0}, {1})", "BOOL"),
    "ENDS_WITH": template("ends_with({0}, {1})", "BOOL"),
    "CONTAINS_SUBSTR": template("contains(nfc_normalize(lower({0})), nfc_normalize(lower({1})))", "BOOL"),
    "STRPOS": template("strpos({0}, {1})", "INT64"),
    "INSTR": instr,
    "SPLIT": split,
    "ASCII": template("ascii({0})", "INT64"),
    "CHR": template("chr(CAST({0} AS INTEGER))", "STRING"),
    "EDIT_DISTANCE": template("levenshtein({0}, {1})", "INT64"),
    "FORMAT": format_,
    "REGEXP_CONTAINS": template("regexp_matches({0}, {1})", "BOOL"),
    "REGEXP_EXTRACT": extract,
    "REGEXP_SUBSTR": extract,
    "REGEXP_EXTRACT_ALL": extract_all,
    "REGEXP_REPLACE": template("regexp_replace({0}, {1}, {2}, 'g')", "STRING"),
    "MD5": template("unhex(md5({0}))", "BYTES"),
    "SHA1": template("unhex(sha1({0}))", "BYTES"),
    "SHA256": template("unhex(sha256({0}))", "BYTES"),
    "TO_HEX": to_hex,
    "FROM_HEX": template("unhex({0})", "BYTES"),
    "TO_BASE64": template("to_base64({0})", "STRING"),
    "FROM_BASE64": template("from_base64({0})", "BYTES"),
    "SAFE_CONVERT_BYTES_TO_STRING": template("TRY(decode({0}))", "STRING"),
    "FARM_FINGERPRINT": template("augury_farm_fingerprint({0})", "INT64"),
}
