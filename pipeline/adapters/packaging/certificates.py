"""Signing keys: the studio's certificate when one is configured, else a local self-signed one, made once and kept."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pipeline.domain.errors import WorkFailed

LOCAL_FOLDER = "local-signer"
LOCAL_YEARS = 10
SELF_SIGNED = "self-signed, made on this machine"
STUDIO = "studio certificate"

_KEY_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)
_CURVES = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}


@dataclass(frozen=True, repr=False)
class Signer:
    """A certificate chain (PEM, leaf first) with its private key (PEM) and the C2PA name of its algorithm."""

    chain: bytes
    key: bytes
    algorithm: str
    trust: str

    @property
    def leaf(self) -> x509.Certificate:
        """The certificate that signs."""
        return x509.load_pem_x509_certificates(self.chain)[0]

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the leaf, lowercase hex."""
        return self.leaf.fingerprint(hashes.SHA256()).hex()

    def describe(self) -> dict[str, str]:
        """What the manifest says of it."""
        leaf = self.leaf
        return {
            "subject": leaf.subject.rfc4514_string(),
            "issuer": leaf.issuer.rfc4514_string(),
            "serial_number": str(leaf.serial_number),
            "sha256": self.fingerprint,
            "algorithm": self.algorithm,
            "not_after": leaf.not_valid_after_utc.isoformat(),
            "trust": self.trust,
        }


def load_signer(*, credentials_dir: Path | None, studio: dict[str, Any] | None) -> Signer:
    """The studio's signer (`chain_path`, `key_path`) when configured, else the local one of `credentials_dir`.

    Raises WorkFailed("bad_input") when the studio's files are missing, unreadable, do not belong together or have expired.
    """
    if studio:
        signer = _read_signer(Path(str(studio["chain_path"])), Path(str(studio["key_path"])), trust=STUDIO)
        _check_usable(signer)
        return signer
    if credentials_dir is None:
        raise WorkFailed("bad_input", "There is no place for the signing key: credentials_dir is not set.")
    folder = credentials_dir / LOCAL_FOLDER
    if not (folder / "chain.pem").is_file():
        _make_local(credentials_dir, folder)
    return _read_signer(folder / "chain.pem", folder / "key.pem", trust=SELF_SIGNED)


def _read_signer(chain_path: Path, key_path: Path, *, trust: str) -> Signer:
    try:
        chain, key_data = chain_path.read_bytes(), key_path.read_bytes()
        leaf = x509.load_pem_x509_certificates(chain)[0]
        key = serialization.load_pem_private_key(key_data, password=None)
    except OSError as error:
        raise WorkFailed("bad_input", f"The signing certificate cannot be read: {error.strerror}: {error.filename}.") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        # The text of the library's error is left out: it may quote the key.
        message = f'"{chain_path.name}" and "{key_path.name}" are not a PEM certificate chain and a PEM key without a password.'
        raise WorkFailed("bad_input", message) from error
    if _public_bytes(key.public_key()) != _public_bytes(leaf.public_key()):
        raise WorkFailed("bad_input", f'The key "{key_path.name}" does not belong to the certificate "{chain_path.name}".')
    plain = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return Signer(chain=chain, key=plain, algorithm=_algorithm(key), trust=trust)


def _check_usable(signer: Signer) -> None:
    leaf, now = signer.leaf, datetime.now(UTC)
    if not leaf.not_valid_before_utc <= now <= leaf.not_valid_after_utc:
        span = f"{leaf.not_valid_before_utc:%Y-%m-%d} to {leaf.not_valid_after_utc:%Y-%m-%d}"
        raise WorkFailed("bad_input", f"The studio certificate is valid from {span}, not today. Configure a current one.")


def _public_bytes(key: Any) -> bytes:
    return bytes(key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo))


def _algorithm(key: Any) -> str:
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in _CURVES:
        return _CURVES[key.curve.name]
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "ed25519"
    if isinstance(key, rsa.RSAPrivateKey):
        return "ps256"
    raise WorkFailed("bad_input", "The signing key is of a kind that content credentials do not allow. Use ECDSA P-256.")


def _make_local(parent: Path, folder: Path) -> None:
    """Make the pair in a folder of its own and rename it into place, so that nobody ever sees half of it."""
    parent.mkdir(parents=True, exist_ok=True)
    chain, key = _local_pair(datetime.now(UTC))
    staging = Path(tempfile.mkdtemp(prefix=".signer-", dir=parent))  # mkdtemp: only its owner may enter
    _write_private(staging / "key.pem", key)
    _write_private(staging / "chain.pem", chain)
    try:
        staging.rename(folder)
    except OSError:
        if not (folder / "chain.pem").is_file():
            raise
        for path in staging.iterdir():  # another process was first; its pair is as good
            path.unlink()
        staging.rmdir()


def _write_private(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _local_pair(now: datetime) -> tuple[bytes, bytes]:
    """A certificate chain and the key of its leaf. The authority's own key is dropped: it can never sign another leaf."""
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority_name, name = _name("Stripboard local authority"), _name("Stripboard local signer")
    authority = (
        _builder(authority_name, authority_name, authority_key, now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    leaf = (
        _builder(name, authority_name, key, now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(digital_signature=True), critical=True)
        # C2PA asks a signing certificate for a purpose; without a document-signing one, e-mail protection is what it takes.
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return leaf.public_bytes(pem) + authority.public_bytes(pem), private


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365 * LOCAL_YEARS))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _name(common: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Stripboard"), x509.NameAttribute(NameOID.COMMON_NAME, common)]
    )


def _usage(**allowed: bool) -> x509.KeyUsage:
    return x509.KeyUsage(**{name: allowed.get(name, False) for name in _KEY_USAGES})
