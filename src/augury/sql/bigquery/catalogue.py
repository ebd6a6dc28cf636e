"""Which functions of BigQuery are known here, and why are the others refused?"""

from __future__ import annotations

from augury.sql.bigquery.builders import BUILDERS

_ADVICE = {
    "no engine of ours has this data": """
        ST_GEOGPOINT ST_DISTANCE ST_DWITHIN ST_CONTAINS ST_WITHIN ST_AREA ST_X ST_Y ST_ASTEXT ST_GEOGFROMTEXT
        ST_INTERSECTS ST_UNION ST_BUFFER ST_CENTROID ST_LENGTH ST_MAKELINE ST_GEOHASH S2_CELLIDFROMPOINT
    """,
    "sketches of BigQuery cannot be reproduced; count exactly with COUNT(DISTINCT x)": """
        HLL_COUNT.INIT HLL_COUNT.MERGE HLL_COUNT.MERGE_PARTIAL HLL_COUNT.EXTRACT KLL_QUANTILES.INIT_INT64
        KLL_QUANTILES.INIT_FLOAT64 KLL_QUANTILES.MERGE_INT64 KLL_QUANTILES.EXTRACT_INT64
    """,
    "encryption is left to BigQuery": """
        KEYS.NEW_KEYSET AEAD.ENCRYPT AEAD.DECRYPT_STRING AEAD.DECRYPT_BYTES DETERMINISTIC_ENCRYPT
        DETERMINISTIC_DECRYPT_STRING
    """,
    "it depends on who runs the query": "SESSION_USER EXTERNAL_QUERY EXTERNAL_OBJECT_TRANSFORM",
    "it calls a model of Google": """
        AI.GENERATE AI.GENERATE_TABLE AI.IF AI.SCORE AI.CLASSIFY AI.EMBED AI.FORECAST VECTOR_SEARCH SEARCH
        ML.GENERATE_TEXT ML.GENERATE_EMBEDDING
    """,
    "write the steps with UNNEST(GENERATE_DATE_ARRAY(...)) and a LEFT JOIN": "GAP_FILL",
    "use APPROX_TOP_COUNT, or GROUP BY with ORDER BY SUM(...) DESC LIMIT n": "APPROX_TOP_SUM",
    "use plain dates and two columns": "RANGE GENERATE_RANGE_ARRAY RANGE_CONTAINS RANGE_OVERLAPS",
    "compute it before, or in hooks.py": """
        SOUNDEX CODE_POINTS_TO_STRING CODE_POINTS_TO_BYTES TO_CODE_POINTS NET.HOST NET.REG_DOMAIN NET.PUBLIC_SUFFIX
        NET.IP_FROM_STRING NET.SAFE_IP_FROM_STRING NET.IP_TO_STRING NET.IP_TRUNC REGEXP_INSTR NORMALIZE_AND_CASEFOLD
        JSON_OBJECT JSON_ARRAY JSON_TYPE JSON_SET JSON_REMOVE JSON_KEYS LAX_INT64 LAX_FLOAT64 LAX_STRING LAX_BOOL
        FORMAT_TIME TIME_DIFF TIME_TRUNC MAKE_INTERVAL JUSTIFY_DAYS JUSTIFY_HOURS SESSIONS DATE_BUCKET
        TIMESTAMP_BUCKET DATETIME_BUCKET COSINE_DISTANCE EUCLIDEAN_DISTANCE PARSE_NUMERIC PARSE_BIGNUMERIC
    """,
}
REFUSED = {name: advice for advice, names in _ADVICE.items() for name in names.split()}
"""Functions of BigQuery with what to do instead."""

SYNTAX = frozenset(
    [
        "ALL",
        "AND",
        "ANY",
        "ARRAY",
        "AS",
        "ASSERT_ROWS_MODIFIED",
        "BETWEEN",
        "BY",
        "CASE",
        "CAST",
        "CROSS",
        "CUBE",
        "DISTINCT",
        "ELSE",
        "EXCEPT",
        "EXISTS",
        "EXTRACT",
        "FOR",
        "FROM",
        "HAVING",
        "IN",
        "INNER",
        "INTERSECT",
        "INTERVAL",
        "IS",
        "JOIN",
        "LIKE",
        "LIMIT",
        "NOT",
        "NULLS",
        "OFFSET",
        "ON",
        "OR",
        "ORDINAL",
        "OVER",
        "PERCENT",
        "PIVOT",
        "QUALIFY",
        "REPEATABLE",
        "ROLLUP",
        "SAFE_CAST",
        "SAFE_OFFSET",
        "SAFE_ORDINAL",
        "SELECT",
        "SETS",
        "SOME",
        "STRUCT",
        "SYSTEM",
        "TABLESAMPLE",
        "THEN",
        "UNION",
        "UNNEST",
        "UNPIVOT",
        "USING",
        "VALUES",
        "WHEN",
        "WHERE",
        "WITH",
    ]
) | {"GROUPING SETS"}
"""Words before a parenthesis that are no functions."""


def known() -> list[str]:
    """Names that may be called, for the nearest spelling."""
    return [*BUILDERS, *REFUSED]
