-- Names of properties come from browsers. Each of these many has columns of its own in a part, and all others share one that is
-- read nearly as fast; by default a thousand have, and one merge opens tens of thousands of files. See docs/decisions/0024-few-columns-a-part.md.
ALTER TABLE {{table events}} {{on_cluster}} MODIFY SETTING
    merge_max_dynamic_subcolumns_in_wide_part = 128,
    merge_max_dynamic_subcolumns_in_compact_part = 128;
