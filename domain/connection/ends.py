"""Reasons why connections end, in words for a sentence."""

from collections.abc import Mapping

from domain.messages import ConnectionEnd

WHY_ENDED: Mapping[ConnectionEnd, str] = {
    "expired": "because TikTok takes the stored consent no more",
    "revoked_there": "because the creator withdrew its consent at TikTok",
    "revoked_here": "as decided here",
    "scope_missing": "because the creator allows too little",
}
