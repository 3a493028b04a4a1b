"""Policies: commands that follow from events without a request.

* ``auto_disable``: three runs in a row without a public account disable the creator.
* ``video_policies``: videos that runs list are discovered, are tracked when the
  tracking window comes to include them, and are reported missing once a second run
  finds them gone.
* ``figures``: videos that took off, and targets that campaigns reached or missed, are
  reported as soon as analytics shows it.

The knowledge of the first two is in the projections ``VerdictStreaks`` and
``KnownVideos``, and their tasks are in the tables ``verdict_streak`` and
``policy_task``. The third one reads the tables of analytics.
"""
