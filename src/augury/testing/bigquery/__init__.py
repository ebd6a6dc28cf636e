"""A server that answers Google's own BigQuery clients on a laptop: for the tests of augury and of its users.

    from augury.testing.bigquery import BigQueryServer, Drop, Slow

    with BigQueryServer() as server:                      # in memory; BigQueryServer("folder") keeps it
        client = server.client("my-project")              # google.cloud.bigquery.Client, unmodified
        client.create_dataset("shop")
        client.query("CREATE TABLE shop.t AS SELECT 1 AS a").result()
        rows = client.query("SELECT * FROM shop.t").result().to_arrow(bqstorage_client=server.storage_client())
        server.faults.add(Drop("after"), path="/jobs", job="load_.*")

A client made elsewhere needs `client_options={"api_endpoint": server.endpoint}` and `AnonymousCredentials()`, and for
the Storage Read API a plain gRPC channel to `server.storage_endpoint`. SQL runs on DuckDB, translated by
`augury.sql.bigquery`; BigQuery ML runs by `augury.bigquery_ml`. Needs the extra `bigquery-server`.

Imitated, after Google's documentation (its pages are named beside the code):

    datasets, tables, views, models   insert, get, list, patch, update, delete; etags; labels, descriptions; locations
    jobs                              query, load (Parquet, CSV, JSON; one request or resumable), copy; ids taken once,
                                      states, errors with reasons, statistics, dry runs, maximum bytes billed, cancel
    partitions                        HOUR, DAY, MONTH, YEAR by column or ingestion; table$20260115; required filters;
                                      bytes of the partitions and columns that a query names; prefix_* tables
    statements                        SELECT, INSERT, UPDATE, DELETE, MERGE, TRUNCATE; CREATE, ALTER, DROP of tables,
                                      views, datasets and models; scripts of these; transactions; ML functions
    rows                              pages over REST, Arrow over Storage Read (streams, splits, filters), insertAll
    one instant                       a query, a page and a session see all of a change or nothing of it

Not imitated; what a request asks of these is answered with 501 and its name, except where a line says otherwise:

    who may do what                   no credentials, IAM, row or column policies: everybody may do everything
    prices, slots, quotas             nothing is ever refused for a quota unless `server.faults` says so
    bytes                             STRUCT fields are not told apart; in ML queries, DML and behind views a name
                                      counts in every table that has it; ML queries are not pruned by
                                      partition: an estimate is the service's or higher
    time                              jobs begin at once; table and partition expirations are kept and shown, and
                                      nothing expires; no time travel, snapshots or clones
    results of queries                the 500 newest are kept; in the service, all for about a day
    SQL                               what `augury.sql.bigquery` refuses; scripting (DECLARE, IF, LOOP, ...), functions
                                      and procedures, temporary tables, materialized and external tables, GRANT,
                                      partitions by integer range, sessions, views with ML functions
    types                             GEOGRAPHY, INTERVAL, RANGE; NUMERIC and BIGNUMERIC have DuckDB's 38 digits
    other APIs                        routines, row access policies, Storage Write, Avro, jobs from or to Cloud Storage
    legacy SQL                        refused
    changes at the same time          come one after the other, also those of different tables; a transaction in a
                                      script holds back all others, and takes no statements about models
"""

from __future__ import annotations

from augury.testing.bigquery.faults import Drop, FailJob, Faults, Refuse, Slow
from augury.testing.bigquery.serve import serve
from augury.testing.bigquery.server import BigQueryServer

__all__ = ["BigQueryServer", "Drop", "FailJob", "Faults", "Refuse", "Slow", "serve"]
