"""Keys and tokens of NATS, made with openssl: https://docs.nats.io, "NKeys" and "JWT"."""
import base64
import binascii
import json
import pathlib
import subprocess

OPERATOR, ACCOUNT, USER = 14 << 3, 0, 20 << 3
SEED = 18 << 3


def encoded(raw: bytes) -> str:
    checked = raw + binascii.crc_hqx(raw, 0).to_bytes(2, "little")
    return base64.b32encode(checked).decode().rstrip("=")


def seed_of(kind: int, secret: bytes) -> str:
    return encoded(bytes([SEED | kind >> 5, (kind & 31) << 3]) + secret)


def unpadded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


class Key:
    """An Ed25519 key of one of the kinds above."""

    def __init__(self, folder: pathlib.Path, name: str, kind: int):
        self.file = folder / f"{name}.pem"
        self.openssl("genpkey", "-algorithm", "ed25519", "-out", self.file)
        # Both encodings end with the 32 bytes themselves.
        secret = self.openssl("pkey", "-in", self.file, "-outform", "DER")[-32:]
        public = self.openssl("pkey", "-in", self.file, "-pubout", "-outform", "DER")[-32:]
        self.public = encoded(bytes([kind]) + public)
        self.seed = seed_of(kind, secret)

    @staticmethod
    def openssl(*words) -> bytes:
        return subprocess.run(["openssl", *words], check=True, capture_output=True).stdout

    def token(self, subject: str, name: str, claims: dict) -> str:
        """What this key says of another."""
        body = {"iss": self.public, "sub": subject, "name": name, "iat": 1,
                "nats": {"version": 2, **claims}}
        digest = base64.b32encode(name.encode()).decode().rstrip("=")
        head = {"typ": "JWT", "alg": "ed25519-nkey"}
        text = ".".join(unpadded(json.dumps(part).encode())
                        for part in (head, {**body, "jti": digest}))
        message = self.file.with_suffix(".message")
        message.write_text(text)
        signature = self.openssl("pkeyutl", "-sign", "-inkey", self.file, "-rawin", "-in", message)
        return f"{text}.{unpadded(signature)}"


def with_nkey(folder: pathlib.Path) -> tuple[str, list]:
    """What a server is told, and the words for a client."""
    user = Key(folder, "user", USER)
    (folder / "user.nk").write_text(user.seed)
    return (f"authorization {{ users: [ {{ nkey: {user.public} }} ] }}\n",
            ["--nkey", user.public, "--nkey-seed", str(folder / "user.nk")])


def with_credentials(folder: pathlib.Path) -> tuple[str, list]:
    operator = Key(folder, "operator", OPERATOR)
    system, account = Key(folder, "system", ACCOUNT), Key(folder, "account", ACCOUNT)
    user = Key(folder, "user", USER)
    unlimited = dict.fromkeys(["subs", "data", "payload", "imports", "exports", "conn", "leaf"], -1)
    storage = dict.fromkeys(["mem_storage", "disk_storage", "streams", "consumer"], -1)
    limits = {**unlimited, "wildcards": True}
    accounts = {
        key.public: operator.token(key.public, name, {"type": "account", "limits": of_it})
        for key, name, of_it in ((system, "SYS", limits), (account, "LOGS", {**limits, **storage}))}
    token = account.token(user.public, "shipper",
                          {"type": "user", **dict.fromkeys(["subs", "data", "payload"], -1)})
    (folder / "user.creds").write_text(
        f"-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{user.seed}\n------END USER NKEY SEED------\n")
    preload = "".join(f"  {public}: {jwt}\n" for public, jwt in accounts.items())
    said = operator.token(operator.public, "operator", {"type": "operator"})
    return (f"operator: {said}\nresolver: MEMORY\nresolver_preload {{\n{preload}}}\n"
            f"system_account: {system.public}\n", ["--creds", str(folder / "user.creds")])
