"""Files that hold keys or passwords: by their names, or by what is in them. They are sent only if the user insists."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import PurePath

from ..errors import InputError

__all__ = ["check_content", "check_name"]

_KEYS = "such files hold private keys"
_PASSWORDS = "such files hold passwords or keys"

_NAMES = {
    **dict.fromkeys(("id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", "*.pem", "*.key", "*.ppk"), _KEYS),
    **dict.fromkeys(("*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx", "*.gpg", "secring.*"), _KEYS),
    **dict.fromkeys((".env", ".env.*", "*.env", ".envrc", ".netrc", "_netrc", ".npmrc", ".pypirc"), _PASSWORDS),
    **dict.fromkeys((".pgpass", "pgpass.conf", ".my.cnf", ".git-credentials", ".htpasswd", "shadow"), _PASSWORDS),
    **dict.fromkeys((".dockercfg", "kubeconfig*", "*.kubeconfig", ".vault-token", ".boto", ".s3cfg"), _PASSWORDS),
    **dict.fromkeys(("application_default_credentials.json", "client_secret*.json", "*.tfstate"), _PASSWORDS),
}
"""Patterns of names, and why such files are not sent."""

_FOLDERS = {
    ".ssh": ("*", _KEYS),
    ".gnupg": ("*", _KEYS),
    ".aws": ("credentials*", _PASSWORDS),
    ".kube": ("*", _PASSWORDS),
    ".docker": ("config.json", _PASSWORDS),
    "gcloud": ("*credential*", _PASSWORDS),
    "gh": ("hosts.yml", _PASSWORDS),
}
"""The same for all that stands in a folder, at whatever depth."""

_PUBLIC = ("*.pub", "known_hosts*", "*.example", "*.sample", "*.template")

_CONTENT = re.compile(
    r"""^[ \t]*-----BEGIN[ ](?:[A-Z0-9]+[ ])*PRIVATE[ ]KEY(?:[ ]BLOCK)?----- | ^PuTTY-User-Key-File-\d
    | "private_key"\s*:\s*"-----BEGIN | ^[ \t]*client-key-data:\s""",
    re.VERBOSE | re.MULTILINE,
)


def check_name(path: PurePath, name: str, instead: str) -> None:
    """Raise InputError for the path of a file that holds keys or passwords. `name` is how errors call it."""
    own = path.name.lower()
    if any(fnmatchcase(own, pattern) for pattern in _PUBLIC):
        return
    why = next((why for pattern, why in _NAMES.items() if fnmatchcase(own, pattern)), "")
    for folder in map(str.lower, path.parts[:-1]):
        pattern, of_folder = _FOLDERS.get(folder, ("", ""))
        why = why or (of_folder if pattern and fnmatchcase(own, pattern) else "")
    if not why and own == "environ" and path.parts[1:2] == ("proc",):
        why = "it is the environment of a process"
    if why:
        raise InputError(f"{name} is not sent, because {why}. {instead}".rstrip())


def check_content(text: str, name: str, instead: str) -> None:
    """Raise InputError for the text of a file in which a private key stands."""
    if _CONTENT.search(text):
        raise InputError(f"{name} is not sent, because a private key is in it. {instead}".rstrip())
