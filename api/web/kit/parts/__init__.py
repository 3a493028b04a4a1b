"""Parts of pages as HTML: numbers, badges and pictures, which lists have hundreds of.

Python draws them, because a macro of a template takes several times as long. Templates
import them from ``macros.html``.
"""
