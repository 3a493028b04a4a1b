-- A person's address is confirmed once a mail to it reached them. No earlier event says
-- so, so nothing has to be folded anew.
DO $$
DECLARE
    place text;
BEGIN
    -- Shadow tables and previous tables change in the same way.
    FOR place IN
        SELECT current_schema() UNION ALL
        SELECT nspname FROM pg_namespace
        WHERE nspname IN ('goatherd_old_people', 'goatherd_next_people')
    LOOP
        EXECUTE format('ALTER TABLE %I.people ADD COLUMN email_confirmed '
                       'boolean NOT NULL DEFAULT false', place);
    END LOOP;
END $$;

-- The digest of a link with which a person confirms an address: the keyed hash is that
-- of the address. A used one has no row. Mails are counted for a day.
CREATE TABLE email_links (
    digest       bytea       NOT NULL PRIMARY KEY,
    person_id    uuid        NOT NULL UNIQUE,
    email_digest bytea       NOT NULL,
    expires_at   timestamptz NOT NULL,
    counted_from timestamptz NOT NULL DEFAULT now(),
    mails        integer     NOT NULL DEFAULT 1
);

-- A link that went by mail confirms the address; one that was handed over does not.
ALTER TABLE password_links ADD COLUMN by_mail boolean NOT NULL DEFAULT false;
