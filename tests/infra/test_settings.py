import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from infra.settings import MEANINGS, Settings, SettingsError, table


def test_without_variables_every_setting_has_its_default():
    settings = Settings.from_environment({"PATH": "/bin", "PORT": "1"})

    assert settings == Settings()
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.data_dir == Path(".goatherd")
    assert settings.providers == ()
    assert not settings.plays_recording
    assert settings.database_url is None
    assert settings.cors_origins == ()


def test_variables_are_read_in_the_form_of_their_setting():
    settings = Settings.from_environment(
        {
            "GOATHERD_DATABASE_URL": "postgresql://db/goatherd",
            "GOATHERD_REDIS_URL": "unix:///run/valkey.sock?db=0",
            "GOATHERD_DATA_DIR": "/srv/goatherd",
            "GOATHERD_PORT": "9000",
            "GOATHERD_PROVIDER": "web",
            "GOATHERD_REPLAY_SPEED": "2.5",
            "GOATHERD_SECRET": "s" * 32,
            "GOATHERD_CORS_ORIGINS": "https://a.example, http://localhost:5173",
            "GOATHERD_LOG_FORMAT": " json ",
        }
    )

    assert settings.database_url == "postgresql://db/goatherd"
    assert settings.redis_url == "unix:///run/valkey.sock?db=0"
    assert settings.data_dir == Path("/srv/goatherd")
    assert settings.port == 9000
    assert settings.providers == ("web",)
    assert settings.replay_speed == 2.5
    assert settings.secret == "s" * 32
    assert settings.cors_origins == ("https://a.example", "http://localhost:5173")
    assert settings.log_format == "json"


@pytest.mark.parametrize(
    ("providers", "client_key", "plays"),
    (
        ("replay", None, True),
        ("display,replay", "fake-client-key", True),
        ("display,replay", "awkey", False),
        ("display,replay,web", "fake-client-key", False),
        ("web", "fake-client-key", False),
    ),
)
def test_a_pretended_tiktok_is_a_recording_and_not_tiktok(
    providers: str, client_key: str | None, *, plays: bool
):
    variables = {
        "GOATHERD_PROVIDERS": providers,
        "GOATHERD_DISPLAY_CLIENT_KEY": client_key or "",
    }

    assert Settings.from_environment(variables).plays_recording is plays


def test_an_empty_variable_is_one_that_is_not_set():
    settings = Settings.from_environment(
        {"GOATHERD_PORT": "", "GOATHERD_RECORDINGS": " "}
    )

    assert settings == Settings()


def test_a_tilde_is_the_home_folder():
    settings = Settings.from_environment({"GOATHERD_DATA_DIR": "~/goats"})

    assert settings.data_dir == Path.home() / "goats"


def test_an_unknown_variable_is_refused_by_name():
    with pytest.raises(SettingsError) as refused:
        Settings.from_environment({"GOATHERD_PROT": "9000"})

    assert str(refused.value) == "GOATHERD_PROT is not a setting of Goatherd."


def test_the_variables_of_the_tests_are_not_refused():
    settings = Settings.from_environment({"GOATHERD_TEST_DATABASE_URL": "x"})

    assert settings == Settings()


@pytest.mark.parametrize(
    ("variable", "value"),
    (
        ("GOATHERD_DATABASE_URL", "mysql://db/goatherd"),
        ("GOATHERD_REDIS_URL", "localhost:6379"),
        ("GOATHERD_PORT", "80a"),
        ("GOATHERD_PORT", "0"),
        ("GOATHERD_PORT", "65536"),
        ("GOATHERD_PORT", "8000.5"),
        ("GOATHERD_CORS_ORIGINS", "a.example"),
        ("GOATHERD_CORS_ORIGINS", "https://a.example/page"),
        ("GOATHERD_SECRET", "short"),
        ("GOATHERD_URL", "https://a.example/goats"),
        ("GOATHERD_SMTP_URL", "smtp://mail.example.com"),
        ("GOATHERD_SMTP_URL", "smtp://mail.example.com?from=goat"),
        ("GOATHERD_SMTP_URL", "smtp://mail.example.com?from=a@b.example&tls=no"),
        ("GOATHERD_SMTP_URL", "smtps://mail.example.com?from=a@b.example"),
        ("GOATHERD_PROVIDER", "Web"),
        ("GOATHERD_REPLAY_SPEED", "0"),
        ("GOATHERD_REPLAY_SPEED", "nan"),
        ("GOATHERD_REPLAY_SPEED", "inf"),
        ("GOATHERD_TIKTOK_BASE_URL", "ftp://tiktok"),
        ("GOATHERD_SCRAPECREATORS_API_KEY", "two words"),
        ("GOATHERD_ENSEMBLEDATA_API_KEY", "schlüssel"),
        ("GOATHERD_LEASE_SECONDS", "4"),
        ("GOATHERD_OIDC_ISSUER", "login.example.com"),
        ("GOATHERD_OIDC_ORGANIZATION", "Home"),
        ("GOATHERD_OIDC_ROLES", '{"chiefs": "boss"}'),
        ("GOATHERD_OIDC_ROLES", "chiefs=admin"),
        ("GOATHERD_OIDC_MAX_AGE_SECONDS", "0"),
        ("GOATHERD_LOG_LEVEL", "loud"),
    ),
)
def test_an_unreadable_value_is_refused_in_one_sentence_with_its_name(
    variable: str, value: str
):
    with pytest.raises(SettingsError) as refused:
        Settings.from_environment({variable: value})

    message = str(refused.value)
    assert message.startswith(f"{variable} must be ")
    assert message.endswith(".")
    assert "\n" not in message


def test_a_refusal_does_not_tell_a_secret():
    with pytest.raises(SettingsError) as refused:
        Settings.from_environment({"GOATHERD_DATABASE_URL": "mysql://ada:s3cret@db"})
    with pytest.raises(SettingsError) as mail_refused:
        Settings.from_environment({"GOATHERD_SMTP_URL": "smtp://ada:s3cret@mail"})

    assert "s3cret" not in str(refused.value) + str(mail_refused.value)


OIDC = {
    "GOATHERD_OIDC_ISSUER": "https://login.example.com/goats",
    "GOATHERD_OIDC_CLIENT_ID": "goatherd",
    "GOATHERD_OIDC_CLIENT_SECRET": "s3cret",
    "GOATHERD_OIDC_ORGANIZATION": "0190c2a0-0000-7000-8000-000000000000",
    "GOATHERD_OIDC_ROLES": '{"chiefs": "admin", "herders": "member"}',
}


def test_the_settings_of_an_openid_provider_are_set_together():
    whole = Settings.from_environment(OIDC)

    assert whole.oidc_roles == {"chiefs": "admin", "herders": "member"}
    assert (whole.oidc_role_claim, whole.oidc_max_age_seconds) == ("roles", 43_200)
    for missing in OIDC:
        half = {name: text for name, text in OIDC.items() if name != missing}
        with pytest.raises(SettingsError) as refused:
            Settings.from_environment(half)
        assert str(refused.value) == (
            f"Signing in by an OpenID provider needs {missing}, which is not set."
        )
    with pytest.raises(SettingsError, match=r"ISSUER and .*, which are not set"):
        Settings.from_environment({"GOATHERD_OIDC_ROLE_CLAIM": "groups"})


def test_passwords_are_switched_off_only_where_a_provider_signs_people_in():
    off = {"GOATHERD_PASSWORDS": "false"}

    assert Settings().passwords
    assert Settings.from_environment({"GOATHERD_PASSWORDS": "true"}).passwords
    assert not Settings.from_environment({**OIDC, **off}).passwords
    with pytest.raises(SettingsError, match="needs an OpenID provider"):
        Settings.from_environment(off)


def test_secrets_are_not_shown():
    settings = Settings(
        oidc_client_secret="s3cret",  # noqa: S106
        database_url="postgresql://ada:s3cret@db",
        secret="s3cret" * 6,
        research_client_secret="s3cret",  # noqa: S106
        smtp_url="smtp://ada:s3cret@mail?from=a@b.example",
    )

    assert "s3cret" not in repr(settings)
    assert "port=8000" in repr(settings)


def test_every_setting_has_a_row_and_a_meaning():
    names = [field.name for field in msgspec.structs.fields(Settings)]

    assert list(MEANINGS) == names
    assert [row.variable for row in table()] == [f"GOATHERD_{n.upper()}" for n in names]
    assert all(row.form and row.meaning for row in table())


def test_the_table_is_printed_for_the_documentation():
    printed = subprocess.run(
        [sys.executable, "-m", "infra.settings"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    lines = printed.splitlines()

    assert len(lines) == 2 + len(table())
    assert all(line.startswith("| ") for line in lines[2:])
    assert "| `GOATHERD_PORT` | `8000` | a whole number from 1 to 65535 |" in printed
