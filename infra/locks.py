"""Advisory locks of PostgreSQL: a number for each task that runs once at a time."""

from enum import IntEnum, unique


@unique
class AdvisoryLock(IntEnum):
    """The numbers of the locks; ``APPEND`` occurs in SQL, too."""

    MIGRATE = 7203914820
    APPEND = 7203914821
    OPEN_KEYS = 7203914823
    MAKE_ROOT = 7203914824
    MAKE_PROOF = 7203914825
    CHECK_LOG = 7203914826
    READ_PERSONAL_DATA = 7203914827
    REFRESH_TOKEN = 7203914828
    TAKE_CONSENT = 7203914829
    ERASE = 7203914830
    IMPORT = 7203914831
