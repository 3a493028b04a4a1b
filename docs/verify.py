"""Check a proof of Goatherd's: python3 verify.py FILE [--key FILE] [--root FILE].

FILE is from `goatherd export proof` or /.well-known/goatherd-consistency.json. --key
has the keys of the installation, kept from /.well-known/goatherd-key.json, and --root a
root that was kept, for which FILE was made. Exit status: 0 if all fits, 1 if something
does not, 2 if a file cannot be read, 3 if not all that is older than the kept root
leads to it.
"""

import argparse
import json
import sys
from datetime import datetime, timedelta
from hashlib import sha256, sha512
from pathlib import Path
from uuid import UUID

TIME = "%Y-%m-%dT%H:%M:%S.%fZ"
# Events recorded while a root was made need not be in it, nor any not this old.
WHILE = timedelta(hours=1)
# Members of each part of a file; those after a bar may be missing. Others may not be.
MEMBERS = {
    "answer": "data | error meta",
    "proof": "format creator_id made_at root streams signature | kept keys",
    "consistency": "format root kept | keys",
    "root": "signed_at tree details key signature | size roots",
    "kept": "root index inclusion consistency",
    "stream": "stream version path events | kept_version kept_path",
    "event": "position version name body recorded_at actor correlation_id causation_id"
    " digest",
    "key file": "key | algorithm keys",
    "key": "key from until signatures",
}


def part(value, kind):
    needed, _, allowed = (names.split() for names in MEMBERS[kind].partition("|"))
    if not {*needed} <= value.keys() <= {*needed, *allowed}:
        raise ValueError(f"a {kind} with these members: {sorted(value)}")
    return value


def once(pairs):
    if len(dict(pairs)) != len(pairs):
        raise ValueError(f"a name that stands twice: {[name for name, _ in pairs]}")
    return dict(pairs)


def read(path):
    document = json.loads(path.read_bytes(), object_pairs_hook=once)
    return part(document, "answer")["data"] if "data" in document else document


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
        written = key, signature
        key, signature = bytes.fromhex(key), bytes.fromhex(signature)
        # Blanks and capitals would give one signature several spellings.
        if (key.hex(), signature.hex()) != written:
            return False
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


def node_of(left, right):
    return sha256(b"\1" + left + right).digest()


def climbed(low, high, node, path):
    """Return the roots of the older and of the newer tree by RFC 9162, 2.1.3.2."""
    old = new = node
    for sibling in path:
        if high == 0 or len(sibling) != 32:
            return None
        if low & 1 or low == high:
            old, new = node_of(sibling, old), node_of(sibling, new)
            while low and not low & 1:
                low, high = low >> 1, high >> 1
        else:
            new = node_of(new, sibling)
        low, high = low >> 1, high >> 1
    return (old, new) if high == 0 else None


def is_included(index, size, leaf, path, root):
    """Tell whether a leaf's hash is in the tree over so many leaves."""
    found = 0 <= index < size and climbed(index, size - 1, leaf, path)
    return bool(found) and len(leaf) == 32 and found[1] == root


def is_consistent(first, second, old, new, path):
    """Tell whether the tree over the second number of leaves continues the first."""
    if first == second:
        return first > 0 and path == [] and old == new
    if not 0 < first < second or path == []:
        return False
    start, *rest = path if first & (first - 1) else [old, *path]
    low, high = first - 1, second - 1
    while low & 1:
        low, high = low >> 1, high >> 1
    return climbed(low, high, start, rest) == (old, new)


def text_of(root):
    roots = [f"{root['size']} {root['roots']}"] if root.get("roots") else []
    words = (root["signed_at"], root["tree"], root["details"], *roots, root["key"])
    return lines_of(f"goatherd root {1 + len(roots)}", *words)


def keys_of(file, proof):
    """Return the keys of a file, continued by the changes of keys of a proof."""
    keys = [part(key, "key") for key in file.get("keys", [])]
    keys = keys or [{"key": file["key"], "from": None, "until": None}]
    known = {key["key"] for key in keys}
    offered = [part(key, "key") for key in proof.get("keys", [])]
    ours = [number for number, key in enumerate(offered) if key["key"] in known]
    for new in offered[ours[-1] + 1 :] if ours else []:
        old = keys[-1]
        text = lines_of("goatherd key 1", new["from"], old["key"], new["key"])
        signed = zip((old["key"], new["key"]), new["signatures"], strict=True)
        if old["until"] or not all(is_signed(*each, text) for each in signed):
            raise ValueError("a key that the one before it did not sign")
        keys = [*keys[:-1], {**old, "until": new["from"]}, {**new, "until": None}]
    return keys


def signs(at, keys):
    """Return the key that signed at a time."""
    times = ((key["from"] or "", key["until"] or "~", key["key"]) for key in keys)
    return next(key for first, end, key in times if first <= at < end)


def check_root(root, keys, which):
    key = signs(part(root, "root")["signed_at"], keys)
    if root["key"] != key or not is_signed(key, root["signature"], text_of(root)):
        yield f"{which} is not signed with this key, or not in its time"


def check_kept(root, kept, keys):
    old, size, index = part(kept, "kept")["root"], root.get("size", 0), kept["index"]
    yield from check_root(old, keys, "the kept root")
    if text_of(old) == text_of(root):
        return
    after, before = (bytes.fromhex(each.get("roots") or "") for each in (root, old))
    leaf = sha256(b"\0" + text_of(old)).digest()
    path = [bytes.fromhex(each) for each in kept["inclusion"]]
    if not is_included(index, size, leaf, path, after):
        yield "the kept root is not among the roots that the newest one names"
    path = [bytes.fromhex(each) for each in kept["consistency"]]
    is_same = index and is_consistent(index, size, before, after, path)
    if before and (old["size"] != index or (index and not is_same)):
        yield "the newest root does not continue the roots that the kept one names"


def digest_of(before, stream, event):
    at = datetime.strptime(event["recorded_at"], TIME)
    microseconds = (at - datetime(1970, 1, 1)) // timedelta(microseconds=1)
    numbers = microseconds.to_bytes(8, "big", signed=True) + UUID(stream).bytes
    numbers += event["version"].to_bytes(8, "big")
    names = ("actor", "correlation_id", "causation_id", "name")
    words = lines_of(*(event[name] or "" for name in names))
    return sha256(before + numbers + words + event["body"].encode()).hexdigest()


def check_chain(stream):
    before, last, name = b"", 0, stream["stream"]
    for expected, event in enumerate(stream["events"], 1):
        part(event, "event")
        where = f"position {event['position']}, version {event['version']} of {name}"
        if event["version"] != expected:
            yield f"{where}: removed, inserted or reordered before it"
        elif event["position"] <= last:
            yield f"{where}: reordered, it stands before what it follows"
        elif digest_of(before, name, event) != event["digest"]:
            yield f"{where}: changed, its digest is not that of what is here"
        before, last = bytes.fromhex(event["digest"]), event["position"]


def check_head(stream, version, path, tree, which):
    name = stream["stream"]
    if version > len(stream["events"]):
        yield f"version {version} of {name}: cut off, {which} has it"
    elif version:
        head = bytes.fromhex(stream["events"][version - 1]["digest"])
        node = sha256(
            b"\0" + UUID(name).bytes + version.to_bytes(8, "big") + head
        ).digest()
        for step in path:
            pair = node, bytes.fromhex(step[1:])
            node = node_of(*pair[::-1]) if step[0] == "L" else node_of(*pair)
        if node.hex() != tree:
            yield f"version {version} of {name}: not the one that {which} has"


def older(stream, version, root):
    """Return the events after a version that are an hour older than a root."""
    end = datetime.strptime(root["signed_at"], TIME) - WHILE
    events = stream["events"][version:]
    return [
        each for each in events if datetime.strptime(each["recorded_at"], TIME) < end
    ]


def check(proof, keys):
    root, kept = proof["root"], proof.get("kept")
    yield from check_root(root, keys, "the root")
    if kept:
        yield from check_kept(root, kept, keys)
    lines = [proof.get("made_at"), sha256(text_of(root)).hexdigest()]
    for stream in proof.get("streams", []):
        name, version = part(stream, "stream")["stream"], stream["version"]
        yield from check_chain(stream)
        yield from check_head(stream, version, stream["path"], root["tree"], "the root")
        if kept:
            then = stream["kept_version"], stream["kept_path"], kept["root"]["tree"]
            yield from check_head(stream, *then, "the kept root")
        if older(stream, version, root):
            yield f"after version {version} of {name}: older than the root, not in it"
        hashed = sha256()
        for event in stream["events"]:
            position = event["position"].to_bytes(8, "big")
            hashed.update(position + bytes.fromhex(event["digest"]))
        lines.append(f"{name} {version} {hashed.hexdigest()}")
    if "streams" in proof:
        text = lines_of(proof["format"], proof["creator_id"], *lines)
        if not is_signed(signs(proof["made_at"], keys), proof["signature"], text):
            yield "the list of streams and positions is not the one that was signed"


def not_proven(proof, own):
    """Say what nothing leads to the root from that somebody kept themselves."""
    root, kept, streams = proof["root"], proof.get("kept"), proof.get("streams", [])
    found = kept["root"] if kept else root
    # A whole root, as operators get it, has its hash; that of its text is the same.
    if sha256(text_of(found)).hexdigest() != (
        own.get("hash") or sha256(text_of(part(own, "root"))).hexdigest()
    ):
        yield "The file was not made for the root that you kept: ask for one with it."
        return
    events = sum(
        len(older(each, each.get("kept_version", 0), found)) for each in streams
    )
    if kept and events:
        yield f"{events} events are older than the kept root, and do not lead to it."


def main():
    parser = argparse.ArgumentParser(description="Check a proof of Goatherd's.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--key", type=Path, help="the installation's public keys")
    parser.add_argument("--root", type=Path, help="a root that was kept")
    given = parser.parse_args()
    try:
        proof = read(given.file)
        proof = part(proof, "proof" if "streams" in proof else "consistency")
        root, streams = proof["root"], proof.get("streams", [])
        file = read(given.key) if given.key else (proof.get("keys") or [root])[0]
        file = part(file, "key file") if given.key else {"key": file["key"]}
        problems = [*check(proof, keys_of(file, proof))]
        unproven = [*not_proven(proof, read(given.root))] if given.root else []
        events = sum(len(stream["events"]) for stream in streams)
        new = events - sum(stream["version"] for stream in streams)
    except Exception as error:
        print(f"This cannot be read as a proof: {error!r}", file=sys.stderr)
        return 2
    for text in (*(f"DOES NOT FIT: {each}" for each in problems), *unproven):
        print(text)
    if given.root and not problems and not unproven:
        print("The root that was kept is among those that the newest one names.")
    if streams:
        print(
            f"Checked {events} events, {new} of them not yet under a root, of creator"
        )
        print(proof["creator_id"], end=", ")
    print(f"root of {root['signed_at']}, key {root['key']}.")
    print("" if given.key else "The key is the proof's own: compare it elsewhere.")
    print("Not checked: whether what was recorded is true, and all that happened.")
    return 1 if problems else 3 if unproven else 0


if __name__ == "__main__":
    sys.exit(main())
