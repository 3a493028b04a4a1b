-- The tables of analytics in the field's words: snapshots, owner states, rollups, and
-- attribution. Only names change: rows, versions, checkpoints, policies and grants
-- stay, so nothing is rebuilt.
DO $$
DECLARE
    place       text;
    tables      text[][] := ARRAY[
        ['analytics_looks',        'analytics_snapshots'],
        ['analytics_herds',        'analytics_owner_states'],
        ['analytics_unowned',      'analytics_unattributed'],
        ['analytics_lists',        'analytics_video_lists'],
        ['analytics_video_sums',   'analytics_video_rollups'],
        ['analytics_profile_sums', 'analytics_profile_rollups']
    ];
    columns     text[][] := ARRAY[
        ['analytics_snapshots',    'family',    'metric_group'],
        ['analytics_snapshots',    'seen',      'counts'],
        ['analytics_owner_states', 'family',    'metric_group'],
        ['analytics_owner_states', 'herd',      'state'],
        ['analytics_unattributed', 'owner',     'provisional_owner'],
        ['analytics_video_lists',  'owner',     'provisional_owner'],
        ['analytics_video_lists',  'things',    'video_numbers'],
        ['analytics_gathered',     'family',    'metric_group'],
        ['analytics_gathered',     'is_routed', 'is_attributed']
    ];
    pair        text[];
    named       record;
BEGIN
    -- Shadow tables and previous tables get the same names.
    FOR place IN
        SELECT current_schema() UNION ALL
        SELECT nspname FROM pg_namespace
        WHERE nspname IN ('goatherd_old_analytics', 'goatherd_next_analytics')
    LOOP
        FOREACH pair SLICE 1 IN ARRAY tables LOOP
            EXECUTE format('ALTER TABLE IF EXISTS %I.%I RENAME TO %I',
                           place, pair[1], pair[2]);
            FOR named IN
                SELECT conname FROM pg_constraint
                WHERE conrelid = to_regclass(format('%I.%I', place, pair[2]))
                  AND starts_with(conname, pair[1] || '_')
            LOOP
                EXECUTE format('ALTER TABLE %I.%I RENAME CONSTRAINT %I TO %I',
                               place, pair[2], named.conname,
                               replace(named.conname, pair[1], pair[2]));
            END LOOP;
            FOR named IN
                SELECT relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
                WHERE indrelid = to_regclass(format('%I.%I', place, pair[2]))
                  AND starts_with(relname, pair[1] || '_')
            LOOP
                EXECUTE format('ALTER INDEX %I.%I RENAME TO %I', place, named.relname,
                               replace(named.relname, pair[1], pair[2]));
            END LOOP;
        END LOOP;
        FOREACH pair SLICE 1 IN ARRAY columns LOOP
            IF EXISTS (
                SELECT FROM pg_attribute
                WHERE attrelid = to_regclass(format('%I.%I', place, pair[1]))
                  AND attname = pair[2] AND NOT attisdropped
            ) THEN
                EXECUTE format('ALTER TABLE %I.%I RENAME COLUMN %I TO %I',
                               place, pair[1], pair[2], pair[3]);
            END IF;
        END LOOP;
    END LOOP;

    -- The page shows the result of the last comparison by the names of the tables.
    FOREACH pair SLICE 1 IN ARRAY tables LOOP
        UPDATE projection_rebuild
        SET comparison = replace(comparison::text, pair[1], pair[2])::json
        WHERE name = 'analytics' AND comparison::text LIKE '%' || pair[1] || '%';
    END LOOP;
END $$;

UPDATE projection_slice
SET stage = CASE stage WHEN 'owners' THEN 'attribution' ELSE 'owner_states' END
WHERE name = 'analytics' AND stage IN ('owners', 'herds');
