-- A link that somebody asked for by mail leaves that of an operator valid.
ALTER TABLE password_links
    DROP CONSTRAINT password_links_person_id_key,
    ADD UNIQUE (person_id, by_mail);
