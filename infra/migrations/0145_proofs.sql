-- The time at which the person of a session last proved who they are, at the latest at
-- the sign-in.
ALTER TABLE person_sessions ADD COLUMN proved_at timestamptz;
UPDATE person_sessions SET proved_at = created_at;
ALTER TABLE person_sessions
    ALTER COLUMN proved_at SET NOT NULL,
    ALTER COLUMN proved_at SET DEFAULT now();
