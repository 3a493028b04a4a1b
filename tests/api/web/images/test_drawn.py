"""People and posts of the demo have drawn pictures; real ones have none."""

from xml.etree import ElementTree as ET

from api.web.images.drawn import DrawnPictures
from tests.kit.application import Tenant
from tests.kit.visitor import Visitor


def test_a_creator_of_the_demo_has_a_goat_that_stays_the_same(
    visitor: Visitor, passer_by: Visitor, home: Tenant
):
    for name in ("ada", "bea"):
        home.add(name)
    home.goatherd.catch_up()

    addresses = [one["src"] for one in visitor.see("/creators").one("tbody").all("img")]

    assert len(set(addresses)) == 2
    pictures = [passer_by.get(address) for address in addresses]
    assert pictures[0].text != pictures[1].text
    for address, answer in zip(addresses, pictures, strict=True):
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("image/svg+xml")
        assert "immutable" in answer.headers["cache-control"]
        assert ET.fromstring(answer.text).tag.endswith("svg")  # noqa: S314
        assert len(answer.content) < 2_000
        assert visitor.get(address).text == answer.text


def test_there_is_no_other_drawing(passer_by: Visitor):
    for path in ("sheep/1.svg", "goat/ada.svg", "goat/-1.svg", "goat/.svg"):
        assert passer_by.get(f"/images/drawn/{path}").status_code == 404, path
    assert passer_by.get("/images/drawn/meadow/17.svg").status_code == 200


def test_neither_an_erased_person_nor_a_real_one_is_drawn():
    demo, real = DrawnPictures(is_demo=True), DrawnPictures(is_demo=False)

    assert demo.address("goat", "ada") is not None
    assert demo.address("goat", "erased-1") is None
    assert demo.address("meadow", "7311223344556600001") is not None
    assert demo.address("meadow", "erased") is None
    assert real.address("goat", "ada") is None
