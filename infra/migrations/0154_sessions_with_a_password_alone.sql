-- A session that began with a password and nothing else ends where a second factor is
-- required. Nobody knows how the sessions of before began.
ALTER TABLE person_sessions
    ADD COLUMN password_alone boolean NOT NULL DEFAULT true;
