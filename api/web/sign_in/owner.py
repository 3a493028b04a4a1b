"""The fields of a form that makes an account, and what is wrong with them."""

from application.accounts.passwords import common_passwords
from domain.decisions import check_name
from domain.email import checked_email
from domain.errors import BlankNameError, InvalidEmailError
from domain.person.errors import WeakPasswordError
from domain.person.passwords import check_password


def owner_problems(name: str, email: str, password: str) -> dict[str, str]:
    """Return what is wrong with each wrong field, by its name in the form."""
    problems: dict[str, str] = {}
    try:
        check_name(name)
    except BlankNameError:
        problems["name"] = "write your name"
    try:
        checked_email(email)
    except InvalidEmailError:
        problems["email"] = "write your email address, such as ada@example.com"
    if problem := password_problem(password, email=email):
        problems["password"] = problem
    return problems


def password_problem(password: str, *, email: str) -> str:
    """Return what is wrong with a new password, empty if nothing is."""
    try:
        check_password(password, email=email, common=common_passwords())
    except WeakPasswordError as error:
        return str(error)
    return ""
