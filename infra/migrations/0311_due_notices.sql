-- Work that falls due is noticed at once: loops wait for these notifications or for the
-- time of their next work, and not for a tick. The argument of a trigger is its channel.
CREATE FUNCTION goatherd_notify() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify(TG_ARGV[0], '');
    RETURN NULL;
END
$$;

CREATE TRIGGER due_work_planned AFTER INSERT ON due_work
    FOR EACH STATEMENT EXECUTE FUNCTION goatherd_notify('goatherd_due');
CREATE TRIGGER due_work_moved AFTER UPDATE OF due_at ON due_work
    FOR EACH ROW WHEN (NEW.due_at <> OLD.due_at)
    EXECUTE FUNCTION goatherd_notify('goatherd_due');

CREATE TRIGGER mails_added AFTER INSERT ON mails
    FOR EACH STATEMENT EXECUTE FUNCTION goatherd_notify('goatherd_mails');

CREATE TRIGGER consents_ended AFTER INSERT OR UPDATE OF revoke_at ON creator_connections
    FOR EACH ROW WHEN (NEW.revoke_at IS NOT NULL)
    EXECUTE FUNCTION goatherd_notify('goatherd_consents');

CREATE TRIGGER checks_requested AFTER INSERT OR UPDATE OF requested_at ON log_check
    FOR EACH STATEMENT EXECUTE FUNCTION goatherd_notify('goatherd_checks');

-- Retries by hand, and events whose predecessor is done with.
CREATE TRIGGER webhook_waiting_due AFTER UPDATE OF next_try_at ON webhook_waiting
    FOR EACH ROW WHEN (NEW.next_try_at <= now())
    EXECUTE FUNCTION goatherd_notify('goatherd_webhooks');
