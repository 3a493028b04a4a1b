"""The forms of projects: made, renamed, described."""

import httpx
import pytest

from tests.kit.application import Goatherd, Tenant, data_of
from tests.kit.markup import Element, read
from tests.kit.pictures import LOGO, chunk, png
from tests.kit.visitor import Visitor

PROJECTS = "/projects"


@pytest.fixture
def looking(home: Tenant, visitor: Visitor) -> Visitor:
    """Somebody who sees the project that the organization has."""
    home.goatherd.catch_up()
    return visitor


def test_a_project_is_made_and_listed(home: Tenant, looking: Visitor):
    form = looking.see(PROJECTS)

    answer = looking.submit(
        form, PROJECTS, name="Spring <herd>", description="One\nTwo"
    )

    assert answer.status_code == 303
    home.goatherd.catch_up()
    newest = data_of(home.get("/projects"))[0]
    assert newest["description"] == "One\nTwo"
    assert answer.headers["Location"] == f"{PROJECTS}/{newest['id']}"
    page = looking.see(answer.headers["Location"])
    assert page.one("h1").text == "Spring <herd>"
    assert "One Two" in page.text
    rows = looking.see(PROJECTS).one("tbody").all("tr")
    assert "Spring <herd>" in [row.one("a").text for row in rows]


def test_a_plan_without_room_is_told_and_what_was_typed_stays(goatherd: Goatherd):
    home = goatherd.tenant(plan="free")
    visitor = Visitor(goatherd)
    visitor.sign_in(home.key)
    goatherd.catch_up()

    answer = visitor.post(PROJECTS, {"name": "Second", "description": "More"})

    page = read(answer.text)
    assert answer.status_code == 402
    assert "The plan allows " in page.one("p", role="alert").text
    assert page.one("input", name="name")["value"] == "Second"


def test_a_project_without_a_name_is_refused_at_the_field(looking: Visitor):
    answer = looking.post(PROJECTS, {"name": " ", "description": "Kept"})

    page = read(answer.text)
    assert answer.status_code == 400
    assert page.one("p", id="h-name")["class"] == "problem"
    assert page.one("textarea", name="description").text == "Kept"


def test_a_project_is_renamed_and_described(home: Tenant, looking: Visitor):
    path = f"{PROJECTS}/{home.project_id}/settings"

    answer = looking.submit(looking.see(path), path, name="Ours", description="Alps")

    assert answer.headers["Location"] == f"{PROJECTS}/{home.project_id}"
    home.goatherd.catch_up()
    kept = data_of(home.get(f"/projects/{home.project_id}"))
    assert (kept["name"], kept["description"]) == ("Ours", "Alps")


def test_the_words_and_the_colour_of_reports_are_saved_and_cleared(
    home: Tenant, looking: Visitor
):
    path = f"{PROJECTS}/{home.project_id}/settings"
    form = looking.see(path)
    looking.submit(
        form, path, client=" Alm & Co ", comment="May\nand June", color=" #0f766e "
    )
    home.goatherd.catch_up()
    saved = looking.see(path)

    looking.submit(saved, path, client="", comment="", color="")
    home.goatherd.catch_up()

    assert saved.one("input", name="client")["value"] == "Alm & Co"
    assert "May\nand June" in looking_text(saved)
    kept = data_of(home.get(f"/projects/{home.project_id}"))
    assert saved.one("input", name="color")["value"] == "#0f766e"
    assert kept["client"] is kept["comment"] is kept["color"] is None


def test_a_wrong_colour_is_refused_at_the_field_in_plain_words(
    home: Tenant, looking: Visitor
):
    path = f"{PROJECTS}/{home.project_id}/settings"

    answer = looking.submit(looking.see(path), path, color="teal")

    page = read(answer.text)
    assert answer.status_code == 400
    assert page.one("p", id="h-color").text.startswith("Must be a colour such as #1D")
    assert page.one("input", name="color")["value"] == "teal"


def test_too_long_a_client_is_refused_at_the_field(home: Tenant, looking: Visitor):
    path = f"{PROJECTS}/{home.project_id}/settings"

    answer = looking.submit(looking.see(path), path, client="x" * 201)

    page = read(answer.text)
    assert answer.status_code == 400
    assert page.one("p", id="h-client")["class"] == "problem"
    assert page.one("input", name="client")["value"] == "x" * 201


def test_a_logo_is_uploaded_shown_and_removed(home: Tenant, looking: Visitor):
    path = f"{PROJECTS}/{home.project_id}/settings"

    saved = upload(looking, f"{path}/logo", LOGO)
    home.goatherd.catch_up()
    page = looking.see(path)
    picture = looking.get(page.one("img", alt="Present logo")["src"])
    removed = looking.submit(page, f"{path}/logo/remove")
    home.goatherd.catch_up()

    assert saved.headers["Location"] == removed.headers["Location"] == path
    assert (picture.content, picture.headers["Content-Type"]) == (LOGO, "image/png")
    assert not looking.see(path).all("img", alt="Present logo")
    assert looking.get(f"{PROJECTS}/{home.project_id}/logo").status_code == 404


def test_a_logo_is_kept_only_under_the_address_with_its_own_digest(
    home: Tenant, looking: Visitor
):
    path = f"{PROJECTS}/{home.project_id}/settings"
    upload(looking, f"{path}/logo", LOGO)
    home.goatherd.catch_up()
    address = looking.see(path).one("img", alt="Present logo")["src"]
    present = looking.get(address)
    another = png(more=chunk(b"tEXt", b"another"))
    upload(looking, f"{path}/logo", another)
    home.goatherd.catch_up()

    late = looking.get(address)

    assert present.headers["Cache-Control"] == "private, max-age=86400"
    assert (late.content, late.headers["Cache-Control"]) == (another, "no-store")


def test_a_file_that_is_no_logo_is_refused_at_the_field(
    home: Tenant, looking: Visitor, subtests: pytest.Subtests
):
    path = f"{PROJECTS}/{home.project_id}/settings"
    large = png(more=chunk(b"tEXt", b"x" * 1_000_000))
    for reason, content in {
        "A logo is a PNG, JPEG or WebP picture.": b"<svg/>",
        "The picture is broken.": LOGO[:-1],
        "The picture is larger than 1 MB.": large,
    }.items():
        with subtests.test(reason):
            answer = upload(looking, f"{path}/logo", content)

            page = read(answer.text)
            assert answer.status_code in {413, 422}
            assert page.one("p", id="h-logo").text == reason
            # The other form of the page has no mistake.
            assert not page.all("p", role="alert")


def test_a_largest_logo_fits_into_the_form(home: Tenant, looking: Visitor):
    path = f"{PROJECTS}/{home.project_id}/settings/logo"
    largest = png(more=chunk(b"tEXt", b"x" * (1_000_000 - len(LOGO) - 12)))

    assert upload(looking, path, largest).status_code == 303


def test_a_logo_of_another_organization_is_not_found(
    goatherd: Goatherd, looking: Visitor
):
    other = goatherd.tenant()
    other.ask("PUT", f"/projects/{other.project_id}/logo", content=LOGO)
    goatherd.catch_up()

    assert looking.get(f"{PROJECTS}/{other.project_id}/logo").status_code == 404


def upload(visitor: Visitor, path: str, content: bytes) -> httpx.Response:
    """Send a file as the form of a browser does."""
    request = httpx.Request(
        "POST",
        "http://any",
        data={"csrf": visitor.csrf},
        files={"logo": ("logo.png", content, "image/png")},
    )
    headers = {"Content-Type": request.headers["Content-Type"]}
    return visitor.ask("POST", path, content=request.read(), headers=headers)


def looking_text(page: Element) -> str:
    """The text of the comment, with its line breaks."""
    area = page.one("textarea", name="comment")
    return "".join(part for part in area.children if isinstance(part, str))


def test_who_comes_second_is_told_and_loses_nothing(home: Tenant, looking: Visitor):
    path = f"{PROJECTS}/{home.project_id}/settings"
    form = looking.see(path)
    home.patch(f"/projects/{home.project_id}", {"name": "Theirs"})
    home.goatherd.catch_up()

    refused = looking.submit(form, path, name="Ours")
    page = read(refused.text)
    saved = looking.submit(page, path)

    assert refused.status_code == 412
    assert "Name: Theirs" in page.one("div", role="alert").text
    assert page.one("input", name="name")["value"] == "Ours"
    assert saved.status_code == 303


def test_another_organizations_project_is_not_there(stranger: Tenant, looking: Visitor):
    stranger.goatherd.catch_up()

    path = f"{PROJECTS}/{stranger.project_id}/settings"
    assert looking.get(path).status_code == 404


def test_who_may_only_read_has_no_form(goatherd: Goatherd, home: Tenant):
    reader = Visitor(goatherd)
    reader.sign_in(home.with_key("read").key)
    goatherd.catch_up()

    page = reader.see(PROJECTS)

    assert page.one("tbody").all("tr")
    assert not page.all("form", action=PROJECTS)
    tabs = reader.see(f"{PROJECTS}/{home.project_id}").one("nav", aria_label="Project")
    assert "Settings" not in tabs.text
    settings = reader.get(f"{PROJECTS}/{home.project_id}/settings")
    assert settings.status_code == 403


def test_the_former_addresses_lead_to_the_projects(home: Tenant, looking: Visitor):
    former = f"/operations{PROJECTS}"
    one = looking.get(f"{former}/{home.project_id}")

    assert one.status_code == 301
    assert looking.get(former).headers["Location"] == PROJECTS
    assert one.headers["Location"] == f"{PROJECTS}/{home.project_id}/settings"


def test_a_project_is_archived_and_goes_on(home: Tenant, looking: Visitor):
    made = data_of(home.post("/projects", {"name": "Autumn"}), status=201)
    home.goatherd.catch_up()
    path = f"{PROJECTS}/{made['id']}"
    settings = f"{path}/settings"

    page = looking.see(settings)
    archived = looking.submit(page, f"{settings}/archive")
    home.goatherd.catch_up()
    listing = looking.see(PROJECTS)
    resting = looking.see(path)
    switcher = {
        option["value"]
        for option in listing.all("option")
        if option["value"] == made["id"]
    }
    restored = looking.submit(looking.see(settings), f"{settings}/restore")
    home.goatherd.catch_up()

    assert archived.status_code == restored.status_code == 303
    assert archived.headers["Location"] == PROJECTS
    rest = listing.one("details", id="archived")
    assert rest.one("a")["href"] == path
    assert made["id"] not in listing.one("tbody").text + str(switcher)
    assert "nothing in it is scraped" in resting.one("div", role="note").one("p").text
    assert data_of(home.get(f"/projects/{made['id']}"))["archived_at"] is None
    assert looking.see(PROJECTS).all("details", id="archived") == []


def test_the_last_project_is_not_archived_by_its_page(home: Tenant, looking: Visitor):
    settings = f"{PROJECTS}/{home.project_id}/settings"

    answer = looking.submit(looking.see(settings), f"{settings}/archive")

    assert answer.status_code == 409
    assert "No other project would be left" in read(answer.text).text
