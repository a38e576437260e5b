-- Cohorts and saved reports by name. A row is a version: only ever added, the greatest one counts, and a deletion is a version as
-- well. Of two that were saved at once under one number, the first stands: they share the token of their insert; should the
-- engine have forgotten it, the one with the smaller (saved_at, save_id) does. See docs/decisions/0017-definitions-as-versions.md.
CREATE TABLE IF NOT EXISTS {{table definitions}} {{on_cluster}}
(
    project LowCardinality(String),
    kind Enum8('cohort' = 1, 'report' = 2),
    name String,
    version UInt32,
    saved_at DateTime64(3, 'UTC'),
    -- The public name of the credential that saved it.
    key_id LowCardinality(String),
    save_id UUID,
    deleted Bool,
    -- JSON; of a deletion: empty.
    content String CODEC(ZSTD(3)),
    -- All versions of a name lie on one shard, where tokens of inserts are compared.
    shard UInt64 DEFAULT sipHash64(project, toInt8(kind), name)
)
ENGINE = {{engine MergeTree}}
ORDER BY (project, kind, name, version)
SETTINGS {{durable}};

{{distributed definitions by shard}}
