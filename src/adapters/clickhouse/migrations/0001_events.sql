-- {{...}} is filled in by migrate.ts: {{table events}} is the table's name (events_local in a cluster), {{on_cluster}} and
-- {{engine ...}} its variant there, {{distributed events by log_stream}} the table in front of all shards (nothing without a cluster).

-- One row for each event that counts. `data` is what came in, to the byte; `doc` is the same as columns that can be asked
-- for one by one. `person` is who did it as it was written; merges of persons are edges beside the table, so that neither
-- a merge nor a deletion needs another layout.
CREATE TABLE IF NOT EXISTS {{table events}} {{on_cluster}}
(
    project LowCardinality(String),
    kind Enum8('track' = 1, 'page' = 2, 'screen' = 3, 'identify' = 4, 'group' = 5, 'alias' = 6),
    event LowCardinality(String),
    time DateTime64(3, 'UTC') CODEC(T64, ZSTD(1)),
    received_at DateTime64(3, 'UTC') CODEC(T64, ZSTD(1)),
    original_timestamp Nullable(DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
    sent_at Nullable(DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
    message_id String CODEC(ZSTD(1)),
    key_id LowCardinality(String),
    -- CRC-32 of what the client said, without when: tells a second try from another event under the same message_id.
    fingerprint UInt32 CODEC(ZSTD(1)),
    user_id String CODEC(ZSTD(1)),
    anonymous_id String CODEC(ZSTD(1)),
    group_id String CODEC(ZSTD(1)),
    previous_id String CODEC(ZSTD(1)),
    person UInt64 MATERIALIZED sipHash64(if(user_id != '', concat('u', user_id), concat('a', anonymous_id))),
    -- Every report reads these two of every row: see docs/decisions/0019-what-reports-read.md.
    log_stream UInt32 CODEC(T64, ZSTD(1)),
    log_offset UInt64 CODEC(T64, ZSTD(1)),
    data String CODEC(ZSTD(3)),
    doc JSON MATERIALIZED CAST(data, 'JSON'),
    INDEX by_position (log_stream, log_offset) TYPE minmax GRANULARITY 1,
    INDEX by_message message_id TYPE bloom_filter(0.001) GRANULARITY 4
)
ENGINE = {{engine MergeTree}}
-- Events far from the time of their receipt share one partition: whatever dates arrive, an insert touches few partitions.
PARTITION BY if(abs(dateDiff('day', received_at, time)) <= 400, toYYYYMM(time), 0)
ORDER BY (project, event, time)
SETTINGS {{durable}};

{{distributed events by log_stream}}
