"""Policies: what follows from events without a request.

* ``auto_disable``: three runs in a row without a public account disable the creator.
* ``video_policies``: videos that runs list are discovered, move in when their window
  grows, and are reported missing once a second run finds them gone.

What they know is in the projections ``VerdictStreaks`` and ``KnownVideos``, and what
is left to do in the tables ``verdict_streak`` and ``policy_task``.
"""
