"""The field of a Discord channel: the address of a webhook."""

from application.channels.forms import ChannelForm, checked_url, short_url

FORM = ChannelForm(
    label="Discord",
    field="url",
    field_label="Webhook URL",
    placeholder="https://discord.com/api/webhooks/…",
    guide="In Discord: the settings of a channel, Integrations, Webhooks, New Webhook.",
    check=checked_url,
    shown=short_url,
)
