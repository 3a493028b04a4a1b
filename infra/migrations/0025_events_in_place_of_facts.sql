-- Recorded events are called events in all tables.
ALTER TABLE projection_rebuild RENAME COLUMN facts TO events;
ALTER TABLE projection_rebuild RENAME COLUMN error_fact TO error_event;
ALTER TABLE projection_slice RENAME COLUMN facts TO events;
ALTER FUNCTION goatherd_creator_facts RENAME TO goatherd_creator_events;
