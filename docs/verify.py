"""Check a proof of `goatherd export proof`: python3 verify.py FILE [--key FILE].

FILE of --key has the installation's key, kept from /.well-known/goatherd-key.json. Exit
status: 0 if all fits, 1 if something does not, 2 if the proof cannot be read.
"""

import argparse
import json
import sys
from datetime import datetime, timedelta
from hashlib import sha256, sha512
from pathlib import Path
from uuid import UUID

# Ed25519 as RFC 8032 defines it, for machines without the library `cryptography`.
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(factor, point):
    rest = times(factor >> 1, add(point, point)) if factor else (0, 1, 1, 0)
    return add(rest, point) if factor & 1 else rest


def point_of(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if (x * x - square) % P == 0 else x * pow(2, (P - 1) // 4, P) % P
    if y >= P or (x * x - square) % P or (x == 0 and sign):
        raise ValueError("not a point of the curve")
    x = x if x & 1 == sign else P - x
    return x, y, 1, x * y % P


def is_signed_by_rfc_8032(key, signature, text):
    a, r = point_of(key), point_of(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    k = int.from_bytes(sha512(signature[:32] + key + text).digest(), "little") % L
    base = point_of((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))
    p, q = times(s, base), add(r, times(k, a))
    same = [(p[i] * q[2] - q[i] * p[2]) % P == 0 for i in (0, 1)]
    return all([len(signature) == 64, s < L, *same])


def is_signed(key, signature, text):
    try:
        key, signature = bytes.fromhex(key), bytes.fromhex(signature)
        try:
            from cryptography.hazmat.primitives.asymmetric import ed25519
        except ImportError:
            return is_signed_by_rfc_8032(key, signature, text)
        ed25519.Ed25519PublicKey.from_public_bytes(key).verify(signature, text)
    except Exception:  # of the library, or no hex, or no point
        return False
    return True


def lines_of(*lines):
    return "".join(f"{line}\n" for line in lines).encode()


def digest_of(before, stream, event):
    at = datetime.strptime(event["recorded_at"], "%Y-%m-%dT%H:%M:%S.%fZ")
    microseconds = (at - datetime(1970, 1, 1)) // timedelta(microseconds=1)
    numbers = microseconds.to_bytes(8, "big", signed=True) + UUID(stream).bytes
    numbers += event["version"].to_bytes(8, "big")
    names = ("actor", "correlation_id", "causation_id", "name")
    words = lines_of(*(event[name] or "" for name in names))
    return sha256(before + numbers + words + event["body"].encode()).hexdigest()


def check_stream(stream, tree):
    before, last, name, version = b"", 0, stream["stream"], stream["version"]
    for expected, event in enumerate(stream["events"], 1):
        where = f"position {event['position']}, version {event['version']} of {name}"
        if event["version"] != expected:
            yield f"{where}: removed, inserted or reordered before it"
        elif event["position"] <= last:
            yield f"{where}: reordered, it stands before what it follows"
        elif digest_of(before, name, event) != event["digest"]:
            yield f"{where}: changed, its digest is not that of what is here"
        before, last = bytes.fromhex(event["digest"]), event["position"]
    if version > len(stream["events"]):
        yield f"version {version} of {name}: cut off, the root has it"
    elif version:
        head = bytes.fromhex(stream["events"][version - 1]["digest"])
        node = sha256(b"\0" + UUID(name).bytes + version.to_bytes(8, "big") + head)
        for step in stream["path"]:
            pair = node.digest(), bytes.fromhex(step[1:])
            node = sha256(b"\1" + b"".join(pair[::-1] if step[0] == "L" else pair))
        if node.hexdigest() != tree:
            yield f"version {version} of {name}: not the one that the root has"


def check(proof, key):
    root = proof["root"]
    words = [root[name] for name in ("signed_at", "tree", "details", "key")]
    text = lines_of("goatherd root 1", *words)
    if root["key"] != key or not is_signed(key, root["signature"], text):
        yield "the root is not signed with this key"
    lines = [proof["made_at"], sha256(text).hexdigest()]
    for stream in proof["streams"]:
        yield from check_stream(stream, root["tree"])
        hashed = sha256()
        for event in stream["events"]:
            position = event["position"].to_bytes(8, "big")
            hashed.update(position + bytes.fromhex(event["digest"]))
        lines.append(f"{stream['stream']} {stream['version']} {hashed.hexdigest()}")
    text = lines_of(proof["format"], proof["creator_id"], *lines)
    if not is_signed(key, proof["signature"], text):
        yield "the list of streams and positions is not the one that was signed"


def main():
    parser = argparse.ArgumentParser(description="Check a proof of Goatherd's.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--key", type=Path, help="the installation's public key")
    given = parser.parse_args()
    try:
        proof = json.loads(given.file.read_bytes())
        proof = proof.get("data", proof)
        key = json.loads(given.key.read_bytes()) if given.key else proof["root"]
        key = key.get("data", key)["key"]
        problems = list(check(proof, key))
    except Exception as error:
        print(f"This cannot be read as a proof: {error!r}", file=sys.stderr)
        return 2
    for problem in problems:
        print(f"DOES NOT FIT: {problem}")
    events = sum(len(stream["events"]) for stream in proof["streams"])
    new = events - sum(stream["version"] for stream in proof["streams"])
    print(f"Checked {events} events, {new} of them not yet under a root, of creator")
    print(f"{proof['creator_id']}, root of {proof['root']['signed_at']}, key {key}.")
    print("" if given.key else "The key is the proof's own: compare it elsewhere.")
    print("Not checked: whether what was recorded is true, and all that happened.")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
