-- The time at which a provider last signed the person in: personal keys of people whom
-- only a provider signs in work for a while from then on.
ALTER TABLE person_identities
    ADD COLUMN confirmed_at timestamptz NOT NULL DEFAULT now();
