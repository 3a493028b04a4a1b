"""Codes of authenticator apps and recovery codes: their form, and what matches."""

from urllib.parse import parse_qs, urlsplit

from application.accounts.one_time_codes import (
    app_address,
    digest_of_recovery_code,
    matching_step,
    new_recovery_codes,
    new_seed,
)

# The seed of RFC 6238, appendix B, in base32; its codes there have eight digits.
SEED = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


def test_the_codes_of_the_standard_match_in_their_time():
    for at, code in (
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ):
        assert matching_step(SEED, code, at=at) == at // 30
        # Blanks between the digits are those that apps show.
        assert matching_step(SEED, f" {code[:3]} {code[3:]}", at=at) == at // 30


def test_a_clock_may_be_wrong_by_one_step():
    step = 1111111111 // 30
    for drift, matches in ((-2, False), (-1, True), (0, True), (1, True), (2, False)):
        at = (step + drift) * 30
        found = matching_step(SEED, "050471", at=at)
        assert found == (step if matches else None)


def test_no_other_text_is_a_code():
    for text in ("", "05047", "0504711", "x50471", "٠٥٠٤٧١", "050-471", "0" * 5_000):
        assert matching_step(SEED, text, at=1111111111) is None


def test_an_app_reads_what_all_apps_speak():
    seed = new_seed()
    address = urlsplit(app_address(seed, "ada+goats@example.com"))

    assert (address.scheme, address.netloc) == ("otpauth", "totp")
    assert address.path == "/Goatherd:ada%2Bgoats%40example.com"
    # The address leaves out the usual: SHA-1, six digits, 30 seconds.
    query = parse_qs(address.query)
    assert query == {"secret": [seed], "issuer": ["Goatherd"]}
    assert len(seed) == 32
    assert seed != new_seed()


def test_a_recovery_code_is_known_in_any_spelling():
    codes = new_recovery_codes()
    digests = {digest_of_recovery_code(code) for code in codes}

    assert len(codes) == len(digests) == 10
    for code in codes:
        assert len(code) == 19
        spelled = f" {code.lower().replace('-', ' ')} "
        assert digest_of_recovery_code(spelled) == digest_of_recovery_code(code)
    for text in ("", "123456", codes[0][:-1], codes[0] + "A", "é" * 16):
        assert digest_of_recovery_code(text) is None
