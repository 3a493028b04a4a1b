"""The parts by their names in templates, where ``macros.html`` passes them on."""

from api.web.kit.parts.figures import ROUNDED_WHY, badge, figure
from api.web.kit.parts.pictures import Pictures


def named_parts(pictures: Pictures) -> dict[str, object]:
    return {
        "badge": badge,
        "figure": figure,
        "pictures": pictures,
        "rounded_why": ROUNDED_WHY,
    }
