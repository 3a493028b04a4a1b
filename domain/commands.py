"""All commands, by aggregate."""

from domain.alert.commands import *
from domain.annotation.commands import *
from domain.campaign.commands import *
from domain.channel.commands import *
from domain.creator.commands import *
from domain.organization.commands import *
from domain.person.commands import *
from domain.report.commands import *
from domain.scrape.commands import *
from domain.share.commands import *
from domain.video.commands import *
from domain.view.commands import *
from domain.webhook.commands import *
