from datetime import date

import msgspec

from domain.streams import (
    Names,
    creators_counter,
    manual_scrapes_counter,
    scrape_stream,
)
from tests.kit.builders import ADA, BERTA, NAMES, ORGANIZATION, PROJECT

OTHER_NAMES = Names(b"the goats of the other mountains")


def test_what_is_stored_is_found_under_the_same_ids_for_ever():
    ids = [
        Names().claim_stream(PROJECT, "ada"),
        Names().ban_stream("ada"),
        NAMES.claim_stream(PROJECT, "ada"),
        NAMES.ban_stream("ada"),
        scrape_stream(BERTA, ADA, "creator_profiles"),
        creators_counter(ORGANIZATION),
        manual_scrapes_counter(ORGANIZATION, date(2026, 3, 1)),
    ]

    assert [str(found) for found in ids] == [
        "1b2de745-b1fd-58a7-89f9-b684b679bd13",
        "8c81e2b5-a694-5ee6-97fd-8c4ddb07bf3b",
        "b3d11e1a-8678-5e59-9b32-b71b9cb13104",
        "0ad61acf-0a2c-53cb-964f-1fe43d214351",
        "b4c3a5cc-c464-5e74-bb68-7f9dc343e82e",
        "0177a897-1293-58f7-a13d-6437e5bb71ab",
        "6ab01fec-2a8d-53b7-843a-928871aa9419",
    ]


def test_a_video_has_other_pseudonyms_in_other_generations():
    old = Names(later_key=b"the goats that came later on")
    later = [
        msgspec.structs.replace(names, generations={"71": generation}).pseudonym("71")
        for names in (NAMES, old)
        for generation in (0, 1, 2)
    ]

    assert later[:4] == [NAMES.pseudonym("71"), *later[1:3], "71"]
    assert len({*later}) == len(later)
    assert all(0 <= int(name) < 2**63 for name in later)
    others = msgspec.structs.replace(NAMES, generations={"72": 1})
    assert others.pseudonym("71") == NAMES.pseudonym("71")


def test_no_two_things_share_a_stream():
    ids = [
        *(
            names.claim_stream(project, handle)
            for names in (Names(), NAMES, OTHER_NAMES)
            for project in (ADA, BERTA)
            for handle in ("a", "b")
        ),
        *(
            names.ban_stream(handle)
            for names in (Names(), NAMES, OTHER_NAMES)
            for handle in ("a", "b")
        ),
        *(
            scrape_stream(cause, creator, job)
            for cause in (ADA, BERTA)
            for creator in (ADA, BERTA)
            for job in ("creator_profiles", "discover_videos")
        ),
        *(creators_counter(organization) for organization in (ADA, BERTA)),
        *(
            manual_scrapes_counter(organization, date(2026, 3, day))
            for organization in (ADA, BERTA)
            for day in (1, 2)
        ),
    ]

    assert len(set(ids)) == len(ids)


def test_the_key_of_the_names_is_never_printed():
    assert repr(NAMES) == "Names(***)"
