-- The grams of a text are the same as before, in time that grows with its length. A
-- name of 10,000 characters took seconds: each step copied the grams so far, and
-- counted the characters of the text from its first one. The index stays as it is.
CREATE OR REPLACE FUNCTION goatherd_grams(organization_id uuid, handle text)
RETURNS text[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 1000
AS $$
DECLARE
    mark   text := right(organization_id::text, 6);
    found  text[] := '{}';
    former text := '';
    before text := '';
    letter text;
BEGIN
    FOREACH letter IN ARRAY string_to_array(handle, NULL) LOOP
        -- Each run ends with this letter. Elements are appended one by one, since that
        -- copies nothing.
        found := array_append(found, mark || letter);
        found := array_append(found, mark || former || letter);
        found := array_append(found, mark || before || former || letter);
        before := former;
        former := letter;
    END LOOP;
    RETURN found;
END $$;
