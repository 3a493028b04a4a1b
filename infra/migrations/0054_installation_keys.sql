-- Secrets of the installation by name, each encrypted ("wrapped") with the master key,
-- which is not in the database.

CREATE TABLE installation_keys (
    name       text        PRIMARY KEY,
    wrapped    bytea       NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
