"""CSV files of other tools: the observations in them, and what is refused."""

import gzip
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from workers.sources.recordings.csv_cells import Cells
from workers.sources.recordings.csv_columns import ColumnsError, mapping_in
from workers.sources.recordings.csv_file import CsvOptions, CsvTable
from workers.sources.recordings.file_format import (
    BadFileError,
    BadLineError,
    Observation,
    RecordingError,
)

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
LINK = "https://www.tiktok.com/@old.billy/video/7593820674163100946"
CONTENT = (
    '"Time","Video title","Video link","Post time","Total likes","Total comments",'
    '"Total shares","Total views"\n'
    f'"January 18","One, ""two""","{LINK}","January 10","529","170","0","28,590"\n'
)
EXPORT = (
    "In TikTok Studio, export Content.csv for the numbers of videos, and "
    "FollowerHistory.csv for the followers of each day."
)
OVERVIEW = "Date,Video Views,Profile Views,Likes,Comments,Shares\n2026-03-01,9,8,7,6,5"
FOLLOWERS = (
    "Date,Followers,Difference in followers from previous day\n"
    "December 30,undefined,0\nDecember 31,10,0\nJanuary 1,9,-1\n"
)
APIFY = (
    "id,text,createTimeISO,authorMeta/name,authorMeta/fans,playCount,diggCount,"
    "collectCount,webVideoUrl\n"
    f"7001,Bells,2026-03-01T08:00:00.000Z,old.billy,1200,30,4,,{LINK}\n"
)
POSTS = (
    "aweme_id,desc,create_time,author.unique_id,statistics.play_count,"
    "statistics.digg_count\n7001,Bells,1772352000,old.billy,30,4\n"
)


def options(
    *,
    columns: str | None = None,
    creator: str | None = None,
    observed_at: datetime | None = None,
    last_day: date | None = None,
    zone: str = "UTC",
) -> CsvOptions:
    return CsvOptions(
        cells=Cells(zone=ZoneInfo(zone), now=NOW, last_day=last_day),
        columns=None if columns is None else mapping_in(columns),
        creator=creator,
        observed_at=observed_at,
    )


class Table:
    """A CSV file in a folder."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "file.csv"

    def read(
        self, text: str, options: CsvOptions
    ) -> list[Observation | RecordingError]:
        self.path.write_text(text)
        return self.reads(options)

    def reads(self, options: CsvOptions) -> list[Observation | RecordingError]:
        with CsvTable(self.path, options) as file:
            return [
                one
                for read in file.observations(until=NOW)
                for one in (read if isinstance(read, list) else [read])
            ]

    def good(self, text: str, options: CsvOptions) -> list[Observation]:
        read = self.read(text, options)
        good = [one for one in read if isinstance(one, Observation)]
        assert good == read
        return good

    def refusal(self, text: str, options: CsvOptions) -> str:
        with pytest.raises(ColumnsError) as refused:
            self.read(text, options)
        return str(refused.value)

    def problem(self, cells: str, headings: str = "Day,Link,Views,Likes") -> str:
        named = options(columns="date=Day,video=Link,views=Views,likes=Likes")
        (bad,) = self.read(f"{headings}\n{cells}\n", named)
        assert isinstance(bad, BadLineError)
        assert bad.line_number == 2
        return bad.reason


@pytest.fixture
def table(tmp_path: Path) -> Table:
    return Table(tmp_path)


def test_content_of_studio_has_levels_of_videos(table: Table):
    (seen,) = table.good(
        CONTENT, options(last_day=date(2026, 1, 20), zone="Asia/Tokyo")
    )

    # A day stands for its end, and a day of posting for no time at all.
    assert seen.observed_at == datetime(2026, 1, 18, 14, 59, 59, tzinfo=UTC)
    assert seen.handle == "old.billy"
    video = seen.video
    assert video is not None
    assert (video.tiktok_video_id, video.title) == (LINK[-19:], 'One, "two"')
    assert (video.view_count, video.like_count) == (28_590, 529)
    assert (video.comment_count, video.share_count) == (170, 0)
    assert (video.save_count, video.posted_at) == (None, None)


def test_the_time_of_a_file_replaces_the_column_of_days(table: Table):
    (seen,) = table.good(CONTENT, options(observed_at=NOW, creator="new.billy"))

    assert (seen.observed_at, seen.handle) == (NOW, "new.billy")


def test_daily_gains_of_studio_are_refused_by_the_names_of_their_columns(table: Table):
    known = table.refusal(OVERVIEW, options(creator="ada"))
    mapped = table.refusal(
        OVERVIEW, options(columns='date=Date,views="Video Views"', creator="ada")
    )

    assert known == (
        "There is nothing to import in Overview.csv of TikTok Studio. Video Views, "
        "Profile Views, Likes, Comments, Shares: daily gains: Goatherd keeps levels, "
        f"and computes gains from them. {EXPORT}"
    )
    assert mapped.startswith(
        "Video Views: this number belongs to a video, and no column"
    )


def test_followers_in_an_overview_are_levels(table: Table):
    text = "Date,Video views,Profile views,Followers\n2026-03-01,9,8,120\n"

    (seen,) = table.good(text, options(creator="ada"))

    assert seen.profile is not None
    assert seen.profile.follower_count == 120
    assert seen.observed_at == datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC)


def test_days_without_a_year_count_back_from_the_last_day(table: Table):
    named = options(creator="ada", last_day=date(2026, 1, 1))

    found = table.good(FOLLOWERS, named)
    bad = table.read(FOLLOWERS, options(creator="ada"))

    assert [
        (
            seen.observed_at.date().isoformat(),
            seen.profile and seen.profile.follower_count,
        )
        for seen in found
    ] == [("2025-12-31", 10), ("2026-01-01", 9)]
    assert [str(one).partition(", ")[2].partition(": say")[0] for one in bad] == [
        "line 2: Date 'December 30' has no year",
        "line 3: Date 'December 31' has no year",
        "line 4: Date 'January 1' has no year",
    ]


def test_rows_of_apify_have_a_video_and_a_profile(table: Table):
    profile, video = table.good(APIFY, options(observed_at=NOW))

    assert profile.profile is not None
    assert profile.profile.follower_count == 1_200
    assert video.video is not None
    assert (video.video.view_count, video.video.save_count) == (30, None)
    assert video.video.posted_at == datetime(2026, 3, 1, 8, tzinfo=UTC)
    assert profile.handle == video.handle == "old.billy"


def test_posts_of_paid_services(table: Table):
    (seen,) = table.good(POSTS, options(observed_at=NOW))

    assert seen.video is not None
    assert seen.video.posted_at == datetime(2026, 3, 1, 8, tzinfo=UTC)
    assert (seen.video.view_count, seen.video.like_count) == (30, 4)
    assert table.refusal(POSTS, options()).startswith("No column has the time")


@pytest.mark.parametrize("separator", (",", ";", "\t"))
def test_columns_are_named_and_separated_in_any_way(
    table: Table, tmp_path: Path, separator: str
):
    text = "\ufeffDay,Link,All  views\n\n2026-03-01T09:00:00,7001,12\n".replace(
        ",", separator
    )
    named = options(
        columns='date=day, video=Link,views="All views"', creator="ada",
        zone="Europe/Berlin",
    )  # fmt: skip

    (seen,) = table.good(text, named)
    packed = Table(tmp_path)
    packed.path = tmp_path / "file.csv.gz"
    packed.path.write_bytes(gzip.compress(text.encode()))

    assert seen.observed_at == datetime(2026, 3, 1, 8, tzinfo=UTC)
    assert seen.video is not None
    assert seen.video.view_count == 12
    assert packed.reads(named) == [seen]


@pytest.mark.parametrize(
    ("text", "reason"),
    (
        ("happiness=Day", "--map: there is no field happiness. The fields are date"),
        ("date=Day,views", "--map: 'views' is not of the form FIELD=HEADING."),
        ('date="Day', "--map: 'date=\"Day' is not of the form FIELD=HEADING."),
    ),
)
def test_a_map_of_another_form_is_refused(text: str, reason: str):
    with pytest.raises(ColumnsError) as refused:
        mapping_in(text)

    assert str(refused.value).startswith(reason)


@pytest.mark.parametrize(
    ("text", "columns", "reason"),
    (
        ("", None, "The file has no row of headings."),
        ("A,B\n1,2", None, "The headings A, B are not those of a file that is known."),
        ("A,B\n1,2", "date=A,video=C", "--map: video is to be in the column 'C'"),
        ("A,B\n1,2", "video=A,views=B", "No column has the time of the observations"),
        ("A,B\n1,2", "date=A,followers=B", "No column has the creator: name the"),
        ("A,B\n1,2", "date=A,handle=B", "There is nothing to import."),
    ),
)
def test_files_without_a_needed_column_are_refused(
    table: Table, text: str, columns: str | None, reason: str
):
    assert table.refusal(text, options(columns=columns)).startswith(reason)


@pytest.mark.parametrize(
    ("cells", "reason"),
    (
        (f"2026-03-01,{LINK},1.2K,", "Views must be a whole number, not '1.2K'"),
        (f"01/02/2026,{LINK},1,", "Day must be a day or a time, such as 2026-01-31"),
        (f"2026-11-30,{LINK},1,", "Day '2026-11-30' is not over: say with --obs"),
        (f"2026-12-05T00:00:00Z,{LINK},1,", "2026-12-05T00:00:00+00:00 is in the fut"),
        ("February 30 2026,7001,1,", "Day 'February 30 2026' is not a day of 2026"),
        ("2026-03-01,,1,", "has numbers of a video, and names no video"),
        ("2026-03-01,7001,1,", "has no creator"),
        (",https://www.tiktok.com/@a.b/video/7,1,", "has no time"),
        (f"2026-03-01,{LINK},1,2,3", "has 5 values under 4 headings"),
        (f"2026-03-01,{LINK},9223372036854775808,", "Views: "),
        ("2026-03-01,https://vm.tiktok.com/abc/,1,", "Link "),
        ('2026-03-01,"a"b,1,', "',' expected after"),
    ),
)
def test_bad_rows_are_named_with_their_column(table: Table, cells: str, reason: str):
    assert table.problem(cells).startswith(reason)


def test_a_file_that_is_no_text_is_refused(table: Table):
    table.path.write_bytes("Date,Views\n1,é".encode("utf-16"))

    with pytest.raises(BadFileError, match="not UTF-8: save the file as CSV UTF-8"):
        table.reads(options())
