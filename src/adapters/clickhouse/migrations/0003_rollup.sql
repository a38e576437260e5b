-- Events by name and hour. One row for each name and hour of an insert, which is never merged with those of another insert:
-- so it has a place in the log, as events have. What a snapshot includes can be told, and what a batch should have left
-- here can be compared with the table, and mended.
CREATE TABLE IF NOT EXISTS {{table rollup_hourly}} {{on_cluster}}
(
    project LowCardinality(String),
    event LowCardinality(String),
    -- Hours since 1970.
    hour Int32 CODEC(Delta, ZSTD(1)),
    log_stream UInt32 CODEC(ZSTD(1)),
    first_offset UInt64 CODEC(Delta, ZSTD(1)),
    last_offset UInt64 CODEC(Delta, ZSTD(1)),
    -- Negative where events were taken out afterwards.
    events Int64 CODEC(T64, ZSTD(1)),
    oldest_time DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    newest_time DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    INDEX by_position (log_stream, last_offset) TYPE minmax GRANULARITY 1
)
ENGINE = {{engine MergeTree}}
ORDER BY (project, event, hour)
SETTINGS {{durable}};

{{distributed rollup_hourly by log_stream}}

CREATE MATERIALIZED VIEW IF NOT EXISTS {{table rollup_hourly_feed}} {{on_cluster}} TO {{table rollup_hourly}} AS
SELECT
    project,
    event,
    toInt32(floor(toUnixTimestamp64Milli(time) / 3600000)) AS hour,
    log_stream,
    min(log_offset) AS first_offset,
    max(log_offset) AS last_offset,
    toInt64(count()) AS events,
    min(time) AS oldest_time,
    max(time) AS newest_time
FROM {{table events}}
GROUP BY project, event, hour, log_stream;
