-- What a range of the log became, by project and write key: announced before the insert, completed after it. `corrected`
-- rows say what was moved afterwards, as differences. See docs/architecture.md.
CREATE TABLE IF NOT EXISTS {{table ledger}} {{on_cluster}}
(
    phase Enum8('announced' = 1, 'completed' = 2, 'corrected' = 3),
    log_stream UInt32,
    first_offset UInt64,
    last_offset UInt64,
    project LowCardinality(String),
    key_id LowCardinality(String),
    stored Int64,
    deduplicated Int64,
    dead_lettered Int64,
    dropped Int64,
    -- Hours (or, far from now, months) of the events stored: see src/events/touch.ts.
    touches Array(Int32),
    newest_received_at DateTime64(3, 'UTC'),
    newest_time DateTime64(3, 'UTC'),
    token String,
    -- Hours within which a messageId of the live lane was known to count once; less than asked for when memory is short.
    window_hours UInt32,
    written_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = {{engine MergeTree}}
ORDER BY (phase, log_stream, last_offset, project, key_id)
SETTINGS {{durable}};

{{distributed ledger by log_stream}}

-- Records that could not be stored, and why.
CREATE TABLE IF NOT EXISTS {{table dead_letters}} {{on_cluster}}
(
    project LowCardinality(String),
    key_id LowCardinality(String),
    message_id String,
    fingerprint UInt32,
    code LowCardinality(String),
    message String,
    received_at DateTime64(3, 'UTC'),
    record String CODEC(ZSTD(3)),
    log_stream UInt32,
    log_offset UInt64,
    INDEX by_position (log_stream, log_offset) TYPE minmax GRANULARITY 1,
    INDEX by_message message_id TYPE bloom_filter(0.001) GRANULARITY 4
)
ENGINE = {{engine MergeTree}}
ORDER BY (project, received_at)
SETTINGS {{durable}};

{{distributed dead_letters by log_stream}}

-- Records whose messageId had come before; `conflict`: with something else in them. The first one stands.
CREATE TABLE IF NOT EXISTS {{table repeats}} {{on_cluster}}
(
    project LowCardinality(String),
    key_id LowCardinality(String),
    message_id String,
    fingerprint UInt32,
    conflict Bool,
    received_at DateTime64(3, 'UTC'),
    log_stream UInt32,
    log_offset UInt64,
    INDEX by_position (log_stream, log_offset) TYPE minmax GRANULARITY 1
)
ENGINE = {{engine MergeTree}}
ORDER BY (project, message_id)
SETTINGS {{durable}};

{{distributed repeats by log_stream}}

-- The number of the log that offsets count in: raised when a log is replaced by one whose offsets begin anew.
CREATE TABLE IF NOT EXISTS {{table log_epochs}} {{on_cluster}}
(
    epoch UInt16,
    reason String,
    raised_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = {{engine MergeTree}}
ORDER BY epoch
SETTINGS {{durable}};

{{distributed log_epochs by epoch}}
