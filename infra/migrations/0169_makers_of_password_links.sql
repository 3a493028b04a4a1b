-- A link that an admin or a key made is worth no more than its maker's rights: the
-- organization in which it was made, and the person or key. An operator's has none.
ALTER TABLE password_links
    ADD COLUMN organization_id uuid,
    ADD COLUMN maker_id uuid,
    ADD COLUMN key_id uuid;

-- Nobody knows who made these. Links of an admin are valid for an hour.
DELETE FROM password_links
WHERE NOT by_mail AND expires_at <= now() + interval '1 hour';
