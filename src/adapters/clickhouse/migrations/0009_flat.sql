-- `flat` is `data` again where a list in it holds lists or objects, with these as their texts; otherwise it is empty. Of `data` the engine
-- would make columns of every name in every such object, more files than a process may have open. See docs/decisions/0025-flat-lists.md.
ALTER TABLE {{table events}} {{on_cluster}}
    ADD COLUMN IF NOT EXISTS flat String CODEC(ZSTD(3)) AFTER data,
    MODIFY COLUMN doc JSON MATERIALIZED CAST(if(flat = '', data, flat), 'JSON');

-- In a cluster, this is the table in front; without one it is done already.
ALTER TABLE events {{on_cluster}}
    ADD COLUMN IF NOT EXISTS flat String AFTER data,
    MODIFY COLUMN doc JSON MATERIALIZED CAST(if(flat = '', data, flat), 'JSON');
