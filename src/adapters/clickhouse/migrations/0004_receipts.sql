-- What gateways answered, by minute of receipt. A gateway reports every few seconds what it counted since its last report,
-- all rows of a report in one insert: one row with the outcome `report`, which says what time it speaks for, and one for
-- each project, key, minute, outcome and code. So a report is there whole or not at all, and what time no report speaks
-- for can be told from this table alone.
CREATE TABLE IF NOT EXISTS {{table receipts}} {{on_cluster}}
(
    -- One run of a gateway; a random number.
    life UInt64,
    -- Its reports, from 0. The first one only says that there is such a life.
    number UInt32,
    outcome Enum8('report' = 0, 'accepted' = 1, 'dead_lettered' = 2, 'rejected' = 3, 'retry' = 4),
    -- Of a report: empty.
    project LowCardinality(String),
    key_id LowCardinality(String),
    -- Of a report: the minute of covers_to.
    minute DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
    code LowCardinality(String),
    events UInt64,
    -- Of a report: everything received from .. to (exclusive) is counted in it or in an earlier one, but what was lost.
    covers_from DateTime64(3, 'UTC'),
    covers_to DateTime64(3, 'UTC'),
    -- Of a report: counts of from .. to were thrown away since too many waited; both 0 when none were.
    lost_from DateTime64(3, 'UTC'),
    lost_to DateTime64(3, 'UTC'),
    -- Of a report: the last one of an orderly end.
    ended Bool
)
ENGINE = {{engine MergeTree}}
ORDER BY (project, minute, key_id)
TTL minute + INTERVAL 400 DAY
SETTINGS {{durable}};

{{distributed receipts by life}}

-- What was received, or completed, in a range of time: rows arrive in this order, so that a few granules are read.
ALTER TABLE {{table events}} {{on_cluster}} ADD INDEX IF NOT EXISTS by_receipt received_at TYPE minmax GRANULARITY 1;

ALTER TABLE {{table ledger}} {{on_cluster}} ADD INDEX IF NOT EXISTS by_writing written_at TYPE minmax GRANULARITY 1;
