-- An event that a projection failed at is a dead letter; it is not "parked".
ALTER TABLE dead_letter RENAME COLUMN parked_at TO failed_at;
