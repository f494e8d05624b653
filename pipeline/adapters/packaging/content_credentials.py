"""C2PA content credentials: signed into media files, read back and judged. Works offline."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import c2pa

from pipeline.adapters.packaging.certificates import Signer
from pipeline.domain.errors import WorkFailed
from pipeline.domain.fingerprints import canonical

AGENT = "Stripboard"
RECIPE_LABEL = "org.stripboard.recipe"
_RECIPE_KEY = "json"
"""The recipe is kept as JSON text: readers take a list of numbers for bytes, and show something else."""
SIGNABLE = frozenset({"video/mp4", "video/quicktime", "image/gif", "image/png", "image/jpeg"})
"""Media types we sign. WebM has no place for a C2PA manifest."""

DIGITAL_SOURCE_TYPES = {
    name: f"http://cv.iptc.org/newscodes/digitalsourcetype/{name}"
    for name in ("algorithmicMedia", "trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia")
}
"""The IPTC terms a file may be labelled with."""

# No network: no time stamps, no remote manifests, no revocation lists. Checked by us afterwards, so not while signing.
_SIGNING = {"verify": {"verify_after_sign": False}, "builder": {"thumbnail": {"enabled": False}}}
_READING: dict[str, Any] = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}}
_SHA256 = re.compile("[0-9a-f]{64}")
_UNTRUSTED = "signingCredential.untrusted"


@dataclass(frozen=True)
class Credentials:
    """What a file's content credentials turned out to be. `problems` is empty when the signature fits the file."""

    problems: tuple[str, ...]
    is_trusted: bool
    serial_number: str
    recipe: Mapping[str, Any]


class FileSigner:
    """Signs many files with one certificate. `digital_source_type` is a key of DIGITAL_SOURCE_TYPES."""

    def __init__(self, signer: Signer, *, digital_source_type: str, agent_version: str) -> None:
        if digital_source_type not in DIGITAL_SOURCE_TYPES:
            known = ", ".join(DIGITAL_SOURCE_TYPES)
            raise WorkFailed("bad_input", f'Unknown digital source type "{digital_source_type}". There are: {known}.')
        self._agent = {"name": AGENT, "version": agent_version}
        self._source_type = DIGITAL_SOURCE_TYPES[digital_source_type]
        details = c2pa.C2paSignerInfo(alg=signer.algorithm, sign_cert=signer.chain, private_key=signer.key, ta_url=None)
        try:
            self._context = c2pa.Context.from_dict(_SIGNING)
            self._signer = c2pa.Signer.from_info(details)
        except c2pa.C2paError as error:
            raise WorkFailed("bad_input", f"The signing certificate is not accepted for content credentials: {error}") from error

    def sign(self, source: Path, target: Path, *, title: str, media_type: str, recipe: Mapping[str, Any]) -> None:
        """Write a signed copy of `source`. `recipe` is kept in the file; the hashes in it are ingredients.

        Raises WorkFailed: `disk_full`, else `backend_error` naming the file.
        """
        definition = {
            "title": title,
            "format": media_type,
            "claim_generator_info": [self._agent],
            "assertions": [
                {"label": "c2pa.actions.v2", "data": {"actions": [self._created()]}},
                {"label": RECIPE_LABEL, "data": {_RECIPE_KEY: canonical(dict(recipe))}},
            ],
            "ingredients": _ingredients(recipe),
        }
        try:
            with (
                c2pa.Builder(definition, self._context) as builder,
                source.open("rb") as reading,
                target.open("w+b") as writing,
            ):
                builder.sign(self._signer, media_type, reading, writing)
        except c2pa.C2paError as error:
            target.unlink(missing_ok=True)
            if "No space left" in str(error) or "os error 28" in str(error):
                raise WorkFailed("disk_full", f'"{title}" cannot be signed: no room left on the disk.') from error
            raise WorkFailed("backend_error", f'"{title}" cannot be signed: {error}') from error

    def _created(self) -> dict[str, Any]:
        return {"action": "c2pa.created", "digitalSourceType": self._source_type, "softwareAgent": self._agent}


def read_credentials(path: Path, media_type: str, *, anchors: bytes | None = None) -> Credentials:
    """Check a file's content credentials against its bytes. Never raises for the file's sake: what is wrong is in `problems`.

    `anchors` (PEM) are authorities to trust; without them a sound signature is intact but not trusted.
    """
    settings = dict(_READING)
    if anchors is not None:
        settings = {"verify": {**_READING["verify"], "verify_trust": True}, "trust": {"trust_anchors": anchors.decode()}}
    try:
        context = c2pa.Context.from_dict(settings)
        with path.open("rb") as file, c2pa.Reader(media_type, file, context=context) as reader:
            text = reader.json()
    except c2pa.C2paError as error:
        reason = "it has no content credentials" if "ManifestNotFound" in type(error).__name__ else str(error)[:200]
        return Credentials(problems=(reason,), is_trusted=False, serial_number="", recipe={})
    return _judged(json.loads(text))


def _judged(store: Mapping[str, Any]) -> Credentials:
    active = (store.get("manifests") or {}).get(store.get("active_manifest")) or {}
    codes = [str(status.get("code")) for status in store.get("validation_status") or ()]
    problems = [f"{code}" for code in codes if code != _UNTRUSTED]
    if store.get("validation_state") not in ("Valid", "Trusted"):
        problems.append(f"validation state {store.get('validation_state')}")
    found = [entry.get("data") for entry in active.get("assertions") or () if entry.get("label") == RECIPE_LABEL]
    return Credentials(
        problems=tuple(dict.fromkeys(problems)),
        is_trusted=store.get("validation_state") == "Trusted",
        serial_number=str((active.get("signature_info") or {}).get("cert_serial_number", "")),
        recipe=_recipe(found[0]) if found else {},
    )


def _recipe(data: Any) -> Mapping[str, Any]:
    """The recipe of an assertion; empty when it is not one of ours."""
    try:
        recipe = json.loads(data[_RECIPE_KEY])
    except (KeyError, TypeError, ValueError, RecursionError):
        return {}
    return recipe if isinstance(recipe, dict) else {}


def _ingredients(recipe: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The files that went in, by hash; their bytes stay at home. Every SHA-256 in the recipe names one."""
    found: dict[str, str] = {}
    _collect(recipe.get("recipe", recipe), "input", found)
    return [
        {
            "title": title,
            "format": "application/octet-stream",
            "relationship": "inputTo",
            "instance_id": f"sha256:{digest}",
        }
        for digest, title in found.items()
    ]


def _collect(value: Any, title: str, found: dict[str, str]) -> None:
    if isinstance(value, str):
        if _SHA256.fullmatch(value):
            found.setdefault(value, title)
    elif isinstance(value, Mapping):
        own = str(value.get("label") or value.get("role") or "")
        for key, inner in value.items():
            _collect(inner, own if own and key == "sha256" else str(key), found)
    elif isinstance(value, list | tuple):
        for inner in value:
            _collect(inner, title, found)
