-- What is left of a record that was deleted with its person: that there was one at this position, and its messageId, by which
-- a late second try of it is known. Nothing of its content, and nobody's id. See docs/privacy.md.
CREATE TABLE IF NOT EXISTS {{table tombstones}} {{on_cluster}}
(
    project LowCardinality(String),
    key_id LowCardinality(String),
    message_id String CODEC(ZSTD(1)),
    fingerprint UInt32,
    received_at DateTime64(3, 'UTC') CODEC(ZSTD(1)),
    -- NULL of a dead letter.
    time Nullable(DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
    -- The table that had it.
    was Enum8('event' = 1, 'dead_letter' = 2),
    -- An id of `deletions`.
    deletion LowCardinality(String),
    log_stream UInt32 CODEC(ZSTD(1)),
    log_offset UInt64 CODEC(ZSTD(1)),
    INDEX by_position (log_stream, log_offset) TYPE minmax GRANULARITY 1
)
ENGINE = {{engine MergeTree}}
ORDER BY (project, message_id)
SETTINGS {{durable}};

{{distributed tombstones by log_stream}}

-- Deletions of persons: one row for each state that one has reached. `asked` are hashes of the id that was named, as a known
-- and as an anonymous one; `ids` those of all ids that were the person as of the positions, as events.person hashes them.
CREATE TABLE IF NOT EXISTS {{table deletions}} {{on_cluster}}
(
    id String,
    state Enum8('requested' = 1, 'running' = 2, 'done' = 3),
    project LowCardinality(String),
    key_id LowCardinality(String),
    requested_at DateTime64(3, 'UTC'),
    -- The last position of each stream that was acknowledged before the request: it is about these and older ones.
    streams Array(UInt32),
    offsets Array(Int64),
    asked Array(UInt64),
    ids Array(UInt64) CODEC(ZSTD(1)),
    events UInt64,
    dead_letters UInt64,
    -- They are few, and on one shard.
    shard UInt8 DEFAULT 0,
    written_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = {{engine MergeTree}}
ORDER BY (project, id, state)
SETTINGS {{durable}};

{{distributed deletions by shard}}

ALTER TABLE {{table ledger}} {{on_cluster}} ADD COLUMN IF NOT EXISTS deleted Int64 DEFAULT 0 AFTER dropped;

ALTER TABLE ledger {{on_cluster}} ADD COLUMN IF NOT EXISTS deleted Int64 DEFAULT 0 AFTER dropped;
