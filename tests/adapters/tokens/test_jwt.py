"""Nobody but the issuer can create a valid token."""

import base64
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from hashlib import sha256, sha512
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mechshare.adapters.clock.frozen import FrozenClock
from mechshare.adapters.tokens.jwt import JwtTokenIssuer
from mechshare.domain.errors import InvalidToken
from mechshare.domain.ids import SessionId, UserId
from mechshare.domain.sessions import Claims

KEY = b"0123456789abcdef0123456789abcdef"
OTHER = b"another key, of thirty-two bytes"
CLOCK = FrozenClock()
NOW = int(CLOCK.now().timestamp())
CLAIMS = Claims(
    user_id=UserId("01900000-0000-7000-8000-000000000001"),
    session_id=SessionId("01900000-0000-7000-8000-000000000002"),
    token_id="01900000-0000-7000-8000-000000000003",
    issued_at=CLOCK.now(),
    expires_at=CLOCK.now() + timedelta(minutes=15),
)
PAYLOAD = {
    "sub": CLAIMS.user_id,
    "sid": CLAIMS.session_id,
    "jti": CLAIMS.token_id,
    "iat": NOW,
    "exp": NOW + 900,
    "iss": "mechshare",
    "aud": "mechshare",
}
ISSUERS = {
    "HS256": JwtTokenIssuer.from_secret(KEY, CLOCK),
    "EdDSA": JwtTokenIssuer.from_ed25519_seed(KEY, CLOCK),
}


class Absent:
    """A claim that is omitted. Its repr is constant, so that test ids are the same in every process."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = Absent()


def coded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def decoded(part: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def changed(content: Mapping[str, Any], **changes: Any) -> bytes:
    return json.dumps(
        {name: value for name, value in {**content, **changes}.items() if value is not ABSENT}
    ).encode()


def signature(algorithm: str, signed: bytes, key: bytes = KEY) -> bytes:
    if algorithm == "HS256":
        return hmac.digest(key, signed, "sha256")
    return Ed25519PrivateKey.from_private_bytes(key).sign(signed)


def header_of(algorithm: str) -> dict[str, Any]:
    found = decoded(ISSUERS[algorithm].issue(CLAIMS).split(".")[0])
    assert isinstance(found, dict)
    return found


def signed(algorithm: str, header: bytes, payload: bytes) -> str:
    """Returns a token with a valid signature, as if the issuer had signed this header and payload."""
    content = f"{coded(header)}.{coded(payload)}"
    return f"{content}.{coded(signature(algorithm, content.encode()))}"


def with_header(**changes: Any) -> Callable[[str], str]:
    return lambda algorithm: signed(algorithm, changed(header_of(algorithm), **changes), changed(PAYLOAD))


def with_claims(**changes: Any) -> Callable[[str], str]:
    return lambda algorithm: signed(algorithm, changed(header_of(algorithm)), changed(PAYLOAD, **changes))


def with_bytes(header: Callable[[bytes], bytes], payload: Callable[[bytes], bytes]) -> Callable[[str], str]:
    return lambda algorithm: signed(
        algorithm, header(changed(header_of(algorithm))), payload(changed(PAYLOAD))
    )


def with_text(change: Callable[[str, str, str], str]) -> Callable[[str], str]:
    return lambda algorithm: change(*ISSUERS[algorithm].issue(CLAIMS).split("."))


def unsigned(name: str) -> Callable[[str], str]:
    return lambda algorithm: f"{coded(changed(header_of(algorithm), alg=name))}.{coded(changed(PAYLOAD))}."


def same(content: bytes) -> bytes:
    return content


def signed_by_another(algorithm: str) -> str:
    content = f"{coded(changed(header_of(algorithm)))}.{coded(changed(PAYLOAD))}"
    return f"{content}.{coded(signature(algorithm, content.encode(), OTHER))}"


def signed_with_what_is_public(algorithm: str) -> str:
    """Returns an HS256 token whose secret is the public key, under that key's id (RFC 8725, 2.1)."""
    key = base64.urlsafe_b64decode(ISSUERS["EdDSA"].public_keys()[0]["x"] + "=")
    content = f"{coded(changed(header_of('EdDSA'), alg='HS256'))}.{coded(changed(PAYLOAD))}"
    return f"{content}.{coded(hmac.digest(key, content.encode(), 'sha256'))}"


def signed_with_the_jwk(algorithm: str) -> str:
    key = json.dumps(ISSUERS["EdDSA"].public_keys()[0]).encode()
    content = f"{coded(changed(header_of('EdDSA'), alg='HS256'))}.{coded(changed(PAYLOAD))}"
    return f"{content}.{coded(hmac.digest(key, content.encode(), 'sha256'))}"


def of_the_other_algorithm(algorithm: str) -> str:
    return ISSUERS["EdDSA" if algorithm == "HS256" else "HS256"].issue(CLAIMS)


def of_the_other_algorithm_under_our_kid(algorithm: str) -> str:
    other = "EdDSA" if algorithm == "HS256" else "HS256"
    return signed(other, changed(header_of(other), kid=header_of(algorithm)["kid"]), changed(PAYLOAD))


def longer_hmac(algorithm: str) -> str:
    content = f"{coded(changed(header_of(algorithm), alg='HS512'))}.{coded(changed(PAYLOAD))}"
    return f"{content}.{coded(hmac.new(KEY, content.encode(), sha512).digest())}"


def loose_last_bits(header: str, payload: str, signature: str) -> str:
    """Sets the unused bits of the last character: another spelling of the same bytes."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return f"{header}.{payload}.{signature[:-1]}{alphabet[alphabet.index(signature[-1]) + 1]}"


def twice(name: str, value: object) -> Callable[[bytes], bytes]:
    return lambda content: content[:-1] + f',"{name}":{json.dumps(value)}}}'.encode()


FORGERIES: Mapping[str, Callable[[str], str]] = {
    **{f"unsigned, alg {name}": unsigned(name) for name in ("none", "None", "NONE", "nOnE", "", "HS256", "EdDSA")},
    **{
        f"signed, alg {name!r}": with_header(alg=name)
        for name in ("none", "hs256", "HS512", "ES256", "RS256", "PS256", "ed25519", "Ed25519", " HS256", None, 1, [])
    },
    "alg absent": with_header(alg=ABSENT),
    "signed by another key": signed_by_another,
    "signed with the public key": signed_with_what_is_public,
    "signed with the public key's JWK": signed_with_the_jwk,
    "of the other algorithm": of_the_other_algorithm,
    "of the other algorithm, our kid": of_the_other_algorithm_under_our_kid,
    "HS512 with our secret": longer_hmac,
    **{
        f"typ {name!r}": with_header(typ=name)
        for name in ("JWT", "jwt", "AT+JWT", "application/at+jwt", "at+jwt ", "dpop+jwt", "", None, ["at+jwt"], ABSENT)
    },
    **{
        f"kid {name!r}": with_header(kid=name)
        for name in (
            "", "../../../dev/null", "/dev/null", "' OR 1=1 --", "| whoami", "k" * 2000, "\u0000", None, 0, True, [],
            {}, ABSENT,
        )
    },
    "kid in an array": lambda algorithm: with_header(kid=[header_of(algorithm)["kid"]])(algorithm),
    "kid in capitals": lambda algorithm: with_header(kid=header_of(algorithm)["kid"].swapcase())(algorithm),
    "crit": with_header(crit=["exp"]),
    "crit, empty": with_header(crit=[]),
    "b64 false": with_header(b64=False, crit=["b64"]),
    "jku": with_header(jku="https://attacker.example/keys.json"),
    "x5u": with_header(x5u="https://attacker.example/key.pem"),
    "x5c": with_header(x5c=["MIIB"]),
    "embedded jwk": with_header(jwk={"kty": "oct", "k": coded(OTHER)}),
    "compressed": with_header(zip="DEF"),
    "encrypted": with_header(enc="A256GCM"),
    "content type": with_header(cty="JWT"),
    **{
        f"exp {value!r}": with_claims(exp=value)
        for value in (
            ABSENT, None, str(NOW + 900), NOW + 900.0, NOW + 0.5, True, False, -1, 0, NOW, NOW - 1, 10**20, 10**400,
            float("inf"), float("nan"), [NOW + 900], {},
        )
    },
    **{
        f"iat {value!r}": with_claims(iat=value)
        for value in (ABSENT, None, str(NOW), NOW + 0.0, True, -1, NOW + 31, 10**20, [NOW])
    },
    "nbf to come": with_claims(nbf=NOW + 60),
    "nbf of text": with_claims(nbf="soon"),
    "a claim we never make": with_claims(role="admin"),
    **{
        f"{claim} {value!r}": with_claims(**{claim: value})
        for claim in ("sub", "sid", "jti")
        for value in (ABSENT, None, 1, True, ["x"], {"$ne": None})
    },
    **{
        f"iss {value!r}": with_claims(iss=value)
        for value in (ABSENT, None, "", "Mechshare", "mechshare ", "https://mechshare", ["mechshare"], True)
    },
    **{
        f"aud {value!r}": with_claims(aud=value)
        for value in (ABSENT, None, "", "other", "MECHSHARE", ["mechshare"], ["mechshare", "other"], {})
    },
    "alg twice": with_bytes(twice("alg", "none"), same),
    "kid twice": with_bytes(twice("kid", "x"), same),
    "exp twice": with_bytes(same, twice("exp", NOW + 10**6)),
    "sub twice": with_bytes(same, twice("sub", "somebody else")),
    "header with a byte order mark": with_bytes(lambda content: b"\xef\xbb\xbf" + content, same),
    "header in UTF-16": with_bytes(lambda content: content.decode().encode("utf-16"), same),
    "payload in UTF-16": with_bytes(same, lambda content: content.decode().encode("utf-16")),
    "header is an array": with_bytes(lambda content: b"[" + content + b"]", same),
    "payload is an array": with_bytes(same, lambda content: b"[" + content + b"]"),
    "payload is text": with_bytes(same, lambda content: json.dumps(content.decode()).encode()),
    "payload is empty": with_bytes(same, lambda content: b""),
    "payload is not JSON": with_bytes(same, lambda content: content + b"x"),
    "payload is not UTF-8": with_bytes(same, lambda content: content.replace(b"mechshare", b"mech\xff")),
    "payload nests too deep": with_bytes(same, lambda content: b"[" * 2_000),
    "oversize": with_claims(jti="x" * 4096),
    "signature absent": with_text(lambda header, payload, signature: f"{header}.{payload}."),
    "signature and its dot absent": with_text(lambda header, payload, signature: f"{header}.{payload}"),
    "signature cut": with_text(lambda header, payload, signature: f"{header}.{payload}.{signature[:-4]}"),
    "signature of one byte": with_text(lambda header, payload, signature: f"{header}.{payload}.{signature[:2]}"),
    "signature twice": with_text(lambda header, payload, signature: f"{header}.{payload}.{signature}{signature}"),
    "signature lengthened": with_text(lambda header, payload, signature: f"{header}.{payload}.{signature}AAAA"),
    "signature in hexadecimal digits": lambda algorithm: with_text(
        lambda header, payload, text: (
            f"{header}.{payload}.{signature(algorithm, f'{header}.{payload}'.encode()).hex()}"
        )
    )(algorithm),
    "signature padded": with_text(
        lambda header, payload, signature: f"{header}.{payload}.{signature}{'=' * (-len(signature) % 4)}"
    ),
    "header padded": with_text(lambda header, payload, signature: f"{header}=.{payload}.{signature}"),
    "payload padded": with_text(lambda header, payload, signature: f"{header}.{payload}==.{signature}"),
    "loose last bits": with_text(loose_last_bits),
    "leading space": with_text(lambda *parts: " " + ".".join(parts)),
    "trailing newline": with_text(lambda *parts: ".".join(parts) + "\n"),
    "space inside": with_text(lambda *parts: " .".join(parts)),
    "newline in the signature": with_text(
        lambda header, payload, signature: f"{header}.{payload}.{signature[:9]}\n{signature[9:]}"
    ),
    "Bearer in front": with_text(lambda *parts: "Bearer " + ".".join(parts)),
    "five parts": with_text(lambda *parts: ".".join((*parts, "", ""))),
    "four parts": with_text(lambda *parts: ".".join((*parts, ""))),
    "wide letters": with_text(lambda *parts: ".".join(parts).replace("e", "\uff45", 1)),
    "a dot like ours": with_text(lambda *parts: "\u2024".join(parts)),
    "surrogate": with_text(lambda *parts: ".".join(parts) + "\udc80"),
    "surrogate in the payload": with_text(
        lambda header, payload, signature: f"{header}.{payload}\ud800.{signature}"
    ),
    "NUL": with_text(lambda *parts: ".".join(parts) + "\x00"),
    "parts in another order": with_text(lambda header, payload, signature: f"{payload}.{header}.{signature}"),
    "another payload": with_text(
        lambda header, payload, signature: f"{header}.{coded(changed(PAYLOAD, sub='x'))}.{signature}"
    ),
    "JSON serialization": with_text(
        lambda header, payload, signature: json.dumps(
            {"protected": header, "payload": payload, "signature": signature}
        )
    ),
}  # fmt: skip


@pytest.mark.parametrize("algorithm", ISSUERS)
def test_the_helpers_of_these_tests_can_create_a_valid_token(algorithm: str) -> None:
    token = signed(algorithm, changed(header_of(algorithm)), changed(PAYLOAD))
    assert ISSUERS[algorithm].verify(token) == CLAIMS


@pytest.mark.parametrize("algorithm", ISSUERS)
@pytest.mark.parametrize("forgery", FORGERIES)
def test_no_forgery_is_accepted(algorithm: str, forgery: str) -> None:
    forged = FORGERIES[forgery](algorithm)
    assert forged != issued(algorithm)
    with pytest.raises(InvalidToken):
        ISSUERS[algorithm].verify(forged)


@pytest.mark.parametrize("algorithm", ISSUERS)
def test_another_spelling_of_the_same_signature_is_refused(algorithm: str) -> None:
    true, forged = issued(algorithm), FORGERIES["loose last bits"](algorithm)
    assert base64.urlsafe_b64decode(forged.split(".")[2] + "==") == base64.urlsafe_b64decode(
        true.split(".")[2] + "=="
    )
    with pytest.raises(InvalidToken):
        ISSUERS[algorithm].verify(forged)


def issued(algorithm: str) -> str:
    return ISSUERS[algorithm].issue(CLAIMS)


@pytest.mark.parametrize("algorithm", ISSUERS)
def test_a_token_is_valid_until_its_last_second(algorithm: str) -> None:
    clock = FrozenClock()
    issuer = issuer_of(algorithm, clock, KEY)
    token = issuer.issue(CLAIMS)
    clock.advance(timedelta(minutes=15, microseconds=-1))
    assert issuer.verify(token) == CLAIMS
    clock.advance(timedelta(microseconds=1))
    with pytest.raises(InvalidToken):
        issuer.verify(token)


def issuer_of(algorithm: str, clock: FrozenClock, key: bytes, *older: bytes) -> JwtTokenIssuer:
    if algorithm == "HS256":
        return JwtTokenIssuer.from_secret(key, clock, older=older)
    return JwtTokenIssuer.from_ed25519_seed(key, clock, older=older)


@pytest.mark.parametrize("algorithm", ISSUERS)
def test_keys_are_rotated_by_their_ids(algorithm: str) -> None:
    before = issuer_of(algorithm, CLOCK, KEY)
    during = issuer_of(algorithm, CLOCK, OTHER, KEY)
    after = issuer_of(algorithm, CLOCK, OTHER)

    assert during.verify(before.issue(CLAIMS)) == CLAIMS
    assert after.verify(during.issue(CLAIMS)) == CLAIMS
    with pytest.raises(InvalidToken):
        before.verify(during.issue(CLAIMS))
    with pytest.raises(InvalidToken):
        after.verify(before.issue(CLAIMS))


@pytest.mark.parametrize("algorithm", ISSUERS)
def test_the_id_of_one_key_does_not_validate_another_signature(algorithm: str) -> None:
    both = issuer_of(algorithm, CLOCK, OTHER, KEY)
    content = f"{coded(changed(decoded(both.issue(CLAIMS).split('.')[0])))}.{coded(changed(PAYLOAD))}"
    with pytest.raises(InvalidToken):
        both.verify(f"{content}.{coded(signature(algorithm, content.encode(), KEY))}")


def test_tokens_of_another_issuer_or_audience_are_refused() -> None:
    ours = ISSUERS["HS256"]
    key = ours._first
    for strange in (
        JwtTokenIssuer("HS256", [key], CLOCK, issuer="elsewhere"),
        JwtTokenIssuer("HS256", [key], CLOCK, audience="elsewhere"),
    ):
        assert strange.verify(strange.issue(CLAIMS)) == CLAIMS
        with pytest.raises(InvalidToken):
            ours.verify(strange.issue(CLAIMS))


@pytest.mark.parametrize("secret", [b"", b"short", b"k" * 31])
def test_a_weak_secret_is_refused_at_once(secret: bytes) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        JwtTokenIssuer.from_secret(secret, CLOCK)
    with pytest.raises(ValueError, match="32 bytes"):
        JwtTokenIssuer.from_ed25519_seed(secret, CLOCK)
    with pytest.raises(ValueError, match="32 bytes"):
        JwtTokenIssuer.from_secret(KEY, CLOCK, older=[secret])


def test_a_public_key_is_refused_as_a_secret() -> None:
    pem = (
        b"-----BEGIN PUBLIC KEY-----\n"
        b"MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
        b"-----END PUBLIC KEY-----\n"
    )
    with pytest.raises(ValueError, match="another kind"):
        JwtTokenIssuer.from_secret(pem, CLOCK)


def test_an_issuer_without_keys_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a key"):
        JwtTokenIssuer("HS256", [], CLOCK)


def test_a_public_key_is_published_under_its_thumbprint() -> None:
    (key,) = ISSUERS["EdDSA"].public_keys()
    members = json.dumps({name: key[name] for name in ("crv", "kty", "x")}, separators=(",", ":"))

    assert (key["kty"], key["crv"], key["alg"], key["use"]) == ("OKP", "Ed25519", "EdDSA", "sig")
    assert key["kid"] == coded(sha256(members.encode()).digest()) == header_of("EdDSA")["kid"]


def test_the_published_key_verifies_signed_tokens() -> None:
    (key,) = ISSUERS["EdDSA"].public_keys()
    content, _, signature = issued("EdDSA").rpartition(".")
    public = Ed25519PrivateKey.from_private_bytes(KEY).public_key()

    assert coded(public.public_bytes_raw()) == key["x"]
    public.verify(base64.urlsafe_b64decode(signature + "=="), content.encode())


def test_secrets_and_derived_keys_are_not_exposed() -> None:
    issuer = ISSUERS["HS256"]
    assert issuer.public_keys() == ()
    assert KEY.decode() not in repr(issuer._first)
    kid = header_of("HS256")["kid"]
    assert kid not in (sha256(KEY).hexdigest()[: len(kid)], KEY.hex()[: len(kid)])
