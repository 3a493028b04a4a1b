-- `goatherd up` asks for the name and time zone of an organization that it makes without
-- them. A row is an open question; it goes with the answer, so that nobody is asked twice.

CREATE TABLE first_start_questions (
    organization_id uuid NOT NULL PRIMARY KEY
);
