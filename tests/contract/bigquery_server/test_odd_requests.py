"""Is a request that makes no sense refused, and never a failure of the server?"""

from __future__ import annotations

import copy
import json
import random
import socket
import urllib.error
import urllib.request
from typing import Any

import pytest

from augury.testing.bigquery import BigQueryServer

TABLE = {"projectId": "p1", "datasetId": "d", "tableId": "t"}
SOUND: list[tuple[str, str, dict[str, Any]]] = [
    (
        "POST",
        "/projects/p1/datasets",
        {"datasetReference": {"datasetId": "d2"}, "labels": {"a": "b"}, "location": "EU"},
    ),
    ("PATCH", "/projects/p1/datasets/d", {"description": "x", "labels": {"a": None}}),
    (
        "POST",
        "/projects/p1/datasets/d/tables",
        {
            "tableReference": {**TABLE, "tableId": "t2"},
            "schema": {"fields": [{"name": "a", "type": "RECORD", "fields": [{"name": "b", "type": "DATE"}]}]},
            "timePartitioning": {"type": "DAY", "expirationMs": "5"},
            "clustering": {"fields": ["a"]},
        },
    ),
    (
        "POST",
        "/projects/p1/datasets/d/tables",
        {"tableReference": TABLE, "view": {"query": "SELECT 1 AS a", "useLegacySql": False}},
    ),
    ("PATCH", "/projects/p1/datasets/d/tables/t", {"schema": {"fields": [{"name": "a", "type": "INTEGER"}]}}),
    ("POST", "/projects/p1/datasets/d/tables/t/insertAll", {"rows": [{"json": {"a": 1}}]}),
    (
        "POST",
        "/projects/p1/queries",
        {
            "query": "SELECT @a AS a",
            "useLegacySql": False,
            "timeoutMs": 100,
            "maxResults": 1,
            "queryParameters": [
                {
                    "name": "a",
                    "parameterType": {"type": "ARRAY", "arrayType": {"type": "INT64"}},
                    "parameterValue": {"arrayValues": [{"value": "1"}]},
                }
            ],
        },
    ),
    (
        "POST",
        "/projects/p1/jobs",
        {
            "configuration": {
                "labels": {"a": "b"},
                "query": {
                    "query": "SELECT 1 AS a",
                    "useLegacySql": False,
                    "destinationTable": {**TABLE, "tableId": "t3"},
                    "writeDisposition": "WRITE_TRUNCATE",
                    "maximumBytesBilled": "99999999",
                    "defaultDataset": {"datasetId": "d"},
                },
            }
        },
    ),
    (
        "POST",
        "/projects/p1/jobs",
        {"configuration": {"copy": {"sourceTables": [TABLE], "destinationTable": {**TABLE, "tableId": "t4"}}}},
    ),
    ("POST", "/projects/p1/jobs", {"configuration": {"load": {"destinationTable": TABLE, "sourceFormat": "CSV"}}}),
]
ODD: list[Any] = [
    None,
    1,
    -1,
    1.5,
    True,
    "",
    "x",
    "\x00",
    [],
    [1],
    ["x"],
    {},
    {"x": 1},
    [[[]]],
    [None],
    10**30,
    "9" * 50,
]


def ask(server: BigQueryServer, method: str, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
    request = urllib.request.Request(f"{server.endpoint}/bigquery/v2{path}", data=body, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.loads(answer.read() or b"{}")
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def places(body: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value."""
    inner = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    return [path, *(place for key, value in inner for place in places(value, (*path, key)))]


def changed(body: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    body = copy.copy(body)
    body[path[0]] = changed(body[path[0]], path[1:], value)
    return body


def test_no_body_makes_the_server_fail(server: BigQueryServer) -> None:
    client = server.client("p1")
    client.create_dataset("d")
    client.query("CREATE TABLE d.t AS SELECT 1 AS a").result()
    chance = random.Random(20260115)
    for method, path, body in SOUND:
        assert ask(server, method, path, json.dumps(body).encode())[0] in (200, 400, 409), (path, body)
        trials = [(place, odd) for place in places(body) for odd in ODD]
        for place, odd in chance.sample(trials, min(len(trials), 60)):
            status, answer = ask(server, method, path, json.dumps(changed(body, place, odd)).encode())
            shown = json.dumps(answer)
            assert "test server failed" not in shown, (path, place, odd, shown)
            assert status < 500 or status == 501, (path, place, odd, shown)
    for job in client.list_jobs():
        assert "test server failed" not in str(job.error_result), job.to_api_repr()


@pytest.mark.parametrize("body", [b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 5_000])
def test_a_body_that_is_no_object_is_refused(server: BigQueryServer, body: bytes) -> None:
    status, answer = ask(server, "POST", "/projects/p1/datasets", body)
    assert (status, answer["error"]["errors"][0]["reason"]) == (400, "invalid")


@pytest.mark.parametrize(
    "path",
    [
        "/projects/P%20/datasets",
        "/projects/p1/datasets/a%3Bb",
        "/projects/p1/datasets/d/tables/%00",
        "/projects/p1/jobs/..%2F..",
        "/projects/p1/jobs?pageToken=%FF",
        "/projects/p1/jobs?maxResults=-1",
        "/projects/p1/jobs?maxResults=99999999999999999999",
    ],
)
def test_a_path_that_names_nothing_is_refused(server: BigQueryServer, path: str) -> None:
    request = urllib.request.Request(f"{server.endpoint}/bigquery/v2{path}")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    assert refused.value.code == 400
    refused.value.close()


def test_bytes_that_are_no_http_end_the_connection_only(server: BigQueryServer) -> None:
    host, _, port = server.endpoint.removeprefix("http://").rpartition(":")
    for sent in (b"\x16\x03\x01\x00\x00", b"GET\r\n\r\n", b"POST /x HTTP/1.1\r\nContent-Length: -5\r\n\r\n"):
        with socket.create_connection((host, int(port)), timeout=5) as connection:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            connection.recv(10_000)
    assert server.client("p1").create_dataset("after").dataset_id == "after"
