"""Logos as SVG, which mails and PDF draw whatever the type of the picture is."""

from base64 import b64encode

from domain.organization.logo import Logo


def svg_of_logo(logo: Logo, content: bytes, *, scale: float = 1) -> str:
    """Return a drawing of a logo alone, ``scale`` times as large as the picture."""
    width, height = round(logo.width * scale) or 1, round(logo.height * scale) or 1
    data = b64encode(content).decode()
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">'
        f'<image width="{width}" height="{height}" '
        f'href="data:{logo.media_type};base64,{data}"/></svg>'
    )
