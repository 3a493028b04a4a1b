-- Tables and columns of rebuilds get names that say their purpose.
ALTER TABLE projection_kept RENAME TO projection_previous;
ALTER INDEX projection_kept_pkey RENAME TO projection_previous_pkey;
ALTER TABLE projection_previous RENAME COLUMN kept_at TO swapped_out_at;
ALTER TABLE projection_rebuild RENAME COLUMN is_cancel_asked TO is_cancel_requested;
ALTER TABLE projection_slice RENAME COLUMN shares TO partitions;
ALTER TABLE projection_slice RENAME COLUMN settled TO merged;
UPDATE projection_rebuild SET comparison = replace(replace(replace(
    comparison::text, '"is_binding":', '"is_strict":'),
    '"rows_beside":', '"shadow_rows":'), '"position_beside":', '"shadow_position":')::json
WHERE comparison IS NOT NULL;
