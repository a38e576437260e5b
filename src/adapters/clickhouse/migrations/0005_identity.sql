-- Ids that were said to be one person: child is from then on who parent is. Only ever added, and each with its position, so
-- that who is who can be told as of any snapshot: see docs/decisions/0014-first-edge-wins.md. A row that is there twice
-- changes nothing. Hashes are those of events.person. The previousId of an alias may be a known or an anonymous id, which
-- nobody can tell from it: both get an edge.
CREATE TABLE IF NOT EXISTS {{table identity_edges}} {{on_cluster}}
(
    project LowCardinality(String),
    child UInt64 CODEC(ZSTD(1)),
    parent UInt64 CODEC(ZSTD(1)),
    received_at DateTime64(3, 'UTC') CODEC(ZSTD(1)),
    message_id String CODEC(ZSTD(1)),
    log_stream UInt32 CODEC(ZSTD(1)),
    log_offset UInt64 CODEC(ZSTD(1)),
    INDEX by_position (log_stream, log_offset) TYPE minmax GRANULARITY 1
)
ENGINE = {{engine MergeTree}}
ORDER BY (project, child, received_at, message_id)
SETTINGS {{durable}};

{{distributed identity_edges by log_stream}}

CREATE MATERIALIZED VIEW IF NOT EXISTS {{table identity_edges_feed}} {{on_cluster}} TO {{table identity_edges}} AS
SELECT
    project,
    child,
    sipHash64(concat('u', user_id)) AS parent,
    received_at,
    message_id,
    log_stream,
    log_offset
FROM {{table events}}
ARRAY JOIN if(kind = 'identify', [sipHash64(concat('a', anonymous_id))], [sipHash64(concat('u', previous_id)), sipHash64(concat('a', previous_id))]) AS child
WHERE user_id != '' AND ((kind = 'identify' AND anonymous_id != '') OR (kind = 'alias' AND previous_id != '')) AND child != sipHash64(concat('u', user_id));

-- What was stored before there was this table.
INSERT INTO identity_edges (project, child, parent, received_at, message_id, log_stream, log_offset)
SELECT
    project,
    child,
    sipHash64(concat('u', user_id)) AS parent,
    received_at,
    message_id,
    log_stream,
    log_offset
FROM events
ARRAY JOIN if(kind = 'identify', [sipHash64(concat('a', anonymous_id))], [sipHash64(concat('u', previous_id)), sipHash64(concat('a', previous_id))]) AS child
WHERE user_id != '' AND ((kind = 'identify' AND anonymous_id != '') OR (kind = 'alias' AND previous_id != '')) AND child != sipHash64(concat('u', user_id))
SETTINGS distributed_foreground_insert = 1;
