"""The field of a Slack channel: the address of an incoming webhook."""

from application.channels.forms import ChannelForm, checked_url, short_url

FORM = ChannelForm(
    label="Slack",
    field="url",
    field_label="Webhook URL",
    placeholder="https://hooks.slack.com/services/…",
    guide="In Slack: an app of yours, Incoming Webhooks, Add New Webhook to Workspace.",
    check=checked_url,
    shown=short_url,
)
