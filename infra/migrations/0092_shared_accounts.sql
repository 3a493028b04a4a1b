-- Accounts that several creators of an organization have, so that totals count them
-- once.

-- The column is true once another creator had the same account, and stays true after
-- that one has forgotten it.
ALTER TABLE creator_identity ADD COLUMN is_shared boolean NOT NULL DEFAULT false;
CREATE INDEX creator_identity_accounts ON creator_identity (organization_id, user_id)
    WHERE user_id IS NOT NULL;
CREATE INDEX creator_identity_shared ON creator_identity (organization_id)
    WHERE is_shared;
UPDATE creator_identity SET is_shared = true WHERE (organization_id, user_id) IN (
    SELECT organization_id, user_id FROM creator_identity
    WHERE user_id IS NOT NULL GROUP BY 1, 2 HAVING count(*) > 1
);

-- The reader's own creators whose account another of its creators has or had, with a
-- number for each account. The reader can't read the ids of accounts.
CREATE FUNCTION goatherd_shared_accounts()
RETURNS TABLE (creator_id uuid, account bigint)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 100 SET search_path FROM CURRENT AS $$
    SELECT identity.creator_id, dense_rank() OVER (ORDER BY identity.user_id)
    FROM creator_identity identity
    WHERE identity.organization_id = (SELECT goatherd_tenant())
    AND identity.user_id IN (
        SELECT shared.user_id FROM creator_identity shared
        WHERE shared.organization_id = (SELECT goatherd_tenant()) AND shared.is_shared
    )
$$;
REVOKE ALL ON FUNCTION goatherd_shared_accounts FROM PUBLIC;
GRANT EXECUTE ON FUNCTION goatherd_shared_accounts TO goatherd_reader;
