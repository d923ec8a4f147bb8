"""What a pressed button says, for chats that would let others say the same."""

import base64
import hashlib
import hmac

from notifiers.secret import Secret

LONGEST_CODE = 64
_CODE_CHARS = 20


def proof_of(secret: Secret, token: str) -> str:
    """What only a button of ours knows beside its token, which also stands in links: an HMAC-SHA-256 under `secret`."""
    return _mac(secret, f"button\0{token}")


def is_proof(secret: Secret, token: str, proof: str) -> bool:
    """Whether `proof` was made by `proof_of`."""
    return hmac.compare_digest(proof_of(secret, token).encode(), proof.encode("utf-8", "replace"))


def code_of(secret: Secret, notifier: str, verb: str, incident: str) -> str:
    """What stands for a button where 64 bytes must do: verb, number, and 120 bits of an HMAC-SHA-256 over both and the
    notifier's name; empty where that is longer."""
    code = f"{verb}:{incident}:{_mac(secret, _said(notifier, verb, incident))[:_CODE_CHARS]}"
    return code if len(code.encode("utf-8", "replace")) <= LONGEST_CODE else ""


def read_code(secret: Secret, notifier: str, code: str) -> tuple[str, str] | None:
    """Verb and number of a code that `code_of` made under the same secret; None of any other."""
    verb, _, rest = code.partition(":")
    incident, _, _ = rest.partition(":")
    made = code_of(secret, notifier, verb, incident).encode("utf-8", "replace")
    return (verb, incident) if made and hmac.compare_digest(made, code.encode("utf-8", "replace")) else None


def _said(notifier: str, verb: str, incident: str) -> str:
    return f"code\0{notifier}\0{verb}\0{incident}"


def _mac(secret: Secret, text: str) -> str:
    digest = hmac.new(secret.reveal().encode(), text.encode("utf-8", "replace"), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
