"""Commands: everything that can be requested of the domain, by aggregate."""

from domain.creator.commands import *
from domain.organization.commands import *
from domain.scrape.commands import *
from domain.video.commands import *
