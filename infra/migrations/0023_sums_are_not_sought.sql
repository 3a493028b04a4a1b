-- Queries read sums and never search by them. Analyzing these columns took a quarter of
-- the time in which a rebuild of a million observations is compared.
DO $$
DECLARE
    sums record;
BEGIN
    FOR sums IN
        SELECT attrelid::regclass AS name, attname FROM pg_attribute
        WHERE attrelid IN
            ('analytics_video_sums'::regclass, 'analytics_profile_sums'::regclass)
          AND attnum > 0 AND NOT attisdropped
          AND attname NOT IN ('organization_id', 'id', 'slot')
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET STATISTICS 0',
                       sums.name, sums.attname);
    END LOOP;
END $$;
