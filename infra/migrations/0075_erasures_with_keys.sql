-- The decisions of an erasure are stored with the keys that it destroyed, so that a
-- restore of older data with these keys can repeat it: the erased creator (for a single
-- video the creator that it was erased with), its number, and the treatment of its
-- figures. All three are null if an earlier release destroyed the key and the log does
-- not have the erasure.
ALTER TABLE subject_keys
    ADD COLUMN erased_creator uuid,
    ADD COLUMN erased_number  bigint,
    ADD COLUMN figures        text;

UPDATE subject_keys AS k
SET erased_creator = e.creator, erased_number = e.number, figures = e.figures
FROM (
    SELECT originator_id AS creator, (body ->> 'number')::bigint AS number,
           body ->> 'figures' AS figures,
           ARRAY(SELECT jsonb_array_elements_text(body -> 'video_ids')::uuid) AS videos
    FROM (SELECT originator_id, convert_from(state, 'UTF8')::jsonb AS body
          FROM goatherd_events WHERE topic = 'subject_erased') AS erasures
) AS e
WHERE k.wrapped IS NULL AND (k.subject = e.creator OR k.subject = ANY(e.videos));
