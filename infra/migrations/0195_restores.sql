-- restores: when `goatherd restore` brought back an older state of this installation.
CREATE TABLE restores (
    at timestamptz NOT NULL
);
