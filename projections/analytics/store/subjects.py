"""Table analytics_subjects: creators, projects and campaigns."""

from projections.analytics.fold.entities import SubjectRow
from projections.engine.table import Table

SUBJECTS = Table(SubjectRow, name="analytics_subjects")
