"""The field of a webhook channel: an address that takes signed JSON."""

from application.channels.forms import ChannelForm, checked_url, short_url

FORM = ChannelForm(
    label="Webhook",
    field="url",
    field_label="Address",
    placeholder="https://example.com/alerts",
    guide="It takes POST requests with JSON, signed as Standard Webhooks define.",
    check=checked_url,
    shown=short_url,
)
