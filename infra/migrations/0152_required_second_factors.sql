-- Members of the organization sign in with a second factor, or set one up first.
ALTER TABLE organizations
    ADD COLUMN requires_second_factor boolean NOT NULL DEFAULT false;
