-- Clients put names into their Idempotency-Keys. The table has a hash under the
-- installation's secret, in hexadecimal digits. The database does not know the secret,
-- so older keys become plain hashes, which are recognized for the day that they are
-- kept.
UPDATE idempotency SET idempotency_key =
    'sha256:' || encode(sha256(convert_to(idempotency_key, 'UTF8')), 'hex');
