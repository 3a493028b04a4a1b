"""The texts of the pages of connections: the reasons why nobody was connected."""

from collections.abc import Mapping

from msgspec import Struct

from domain.connection.links import LinkState


class Notice(Struct, frozen=True, kw_only=True):
    """A headline, an explanation, and advice; ``status`` is that of the answer."""

    headline: str
    text: str
    hint: str
    status: int = 200
    may_try_again: bool = False


UNKNOWN_LINK = Notice(
    headline="This link is not one of ours",
    text="It may have been cut off when it was copied.",
    hint="Open the whole link, or ask the person who sent it for a new one.",
    status=404,
)
NOT_SET_UP = Notice(
    headline="Nothing can be connected here yet",
    text="The operators of this site have not set up its app at TikTok.",
    hint="Tell the person who sent you the link. It will work once that is done.",
    status=503,
)
SPENT: Mapping[LinkState, Notice] = {
    "used": Notice(
        headline="This link has been used",
        text="A link connects an account once.",
        hint="If that was you, there is nothing more to do. If not, tell the person "
        "who sent it to you.",
        status=410,
    ),
    "revoked": Notice(
        headline="This link was withdrawn",
        text="The person who sent it does not ask for your numbers with it any more.",
        hint="Nothing is read of your account. Ask for a new link if you expected one.",
        status=410,
    ),
    "expired": Notice(
        headline="This link has expired",
        text="A link works for seven days.",
        hint="Nothing is read of your account. Ask the person who sent it for a new "
        "one.",
        status=410,
    ),
}
# The reasons why a consent connected nobody.
REFUSED: Mapping[str, Notice] = {
    "denied": Notice(
        headline="You did not allow it",
        text="TikTok says that you declined, so nothing is connected and nothing is "
        "read.",
        hint="You need not do anything. If it was a mistake, begin again.",
        may_try_again=True,
    ),
    "unknown": Notice(
        headline="This answer does not belong to you",
        text="This browser did not ask for it, so nothing was connected.",
        hint="Open the link that you were sent, and go to TikTok from there, in one "
        "browser.",
        status=400,
    ),
    "replayed": Notice(
        headline="This was answered already",
        text="TikTok's answer counts once, and nothing changed now.",
        hint="You can close this page. An account that was connected before stays "
        "connected.",
        status=409,
    ),
    "late": Notice(
        headline="That took too long",
        text="TikTok's answer came more than an hour after the question, so nothing "
        "was connected.",
        hint="Begin again.",
        status=410,
        may_try_again=True,
    ),
    "spent": Notice(
        headline="This link does not work any more",
        text="It was used, withdrawn or has expired meanwhile. Nothing was connected, "
        "and the consent was given back.",
        hint="Ask the person who sent it for a new one.",
        status=410,
    ),
    "too_little": Notice(
        headline="You allowed too little",
        text="Without your handle nobody knows whose numbers they are, and without "
        "numbers or videos there is nothing to read. Nothing was connected, and "
        "the consent was given back.",
        hint="Begin again, and leave at least your profile and one of the others "
        "switched on.",
        status=409,
        may_try_again=True,
    ),
    "elsewhere": Notice(
        headline="This account is connected already",
        text="It is connected with another creator of the same project, and can be "
        "connected only once. Nothing was changed.",
        hint="Sign in at TikTok with the account that the link is for, then begin "
        "again.",
        status=409,
        may_try_again=True,
    ),
    "not_tracked": Notice(
        headline="Nobody asks for this account any more",
        text="The person who sent the link does not track it now. Nothing was "
        "connected, and the consent was given back.",
        hint="You need not do anything.",
        status=409,
    ),
    "somebody_else": Notice(
        headline="Nothing was connected",
        text="You are somebody else, so nothing is read of your account, and your "
        "consent was given back.",
        hint="If you have the other account as well, sign in at TikTok with it, and "
        "begin again.",
        may_try_again=True,
    ),
    "busy": Notice(
        headline="Please begin again",
        text="Your numbers were being read at that moment, so nothing was changed.",
        hint="Wait a minute, and go to TikTok once more.",
        status=503,
        may_try_again=True,
    ),
    "crowded": Notice(
        headline="Please begin again",
        text="Too many people connected accounts at that moment, so nothing was "
        "connected.",
        hint="Wait a minute, and go to TikTok once more.",
        status=503,
        may_try_again=True,
    ),
    "too_often": Notice(
        headline="This link was followed too often",
        text="It leads to TikTok at most twenty times an hour.",
        hint="Open it again in an hour.",
        status=429,
    ),
    "failed": Notice(
        headline="TikTok did not answer as expected",
        text="Its answer was not one that connects an account. Nothing was connected.",
        hint="Begin again in a few minutes.",
        status=502,
        may_try_again=True,
    ),
}
