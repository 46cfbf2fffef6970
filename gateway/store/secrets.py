"""Secrets at rest: encrypted with Fernet, under keys that never are in the store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import SecretStr

from gateway.errors import ConfigurationError, Problem

_MARK = "imgw:fernet"
_SETTING = "IMGW_SECRETS__KEY"


class SecretBox:
    """Seals and opens the secrets of a document. The first key seals; every key opens, so keys can be
    changed."""

    def __init__(self, keys: SecretStr) -> None:
        try:
            self._fernet = MultiFernet([Fernet(key.strip()) for key in keys.get_secret_value().split(",")])
        except ValueError as error:
            what = "is not a Fernet key (32 bytes in URL-safe base64); make one with: imgw secret-key"
            raise ConfigurationError([Problem(_SETTING, what)]) from error

    @staticmethod
    def new_key() -> str:
        return Fernet.generate_key().decode()

    def seal(self, value: Any) -> Any:
        """The same structure with every SecretStr in it replaced by its sealed form."""
        if isinstance(value, SecretStr):
            return {_MARK: self._fernet.encrypt(value.get_secret_value().encode()).decode()}
        if isinstance(value, Mapping):
            return {key: self.seal(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.seal(item) for item in value]
        return value

    def open(self, value: Any) -> Any:
        """The same structure with every sealed secret in it in the clear. Raises ConfigurationError on a
        wrong key."""
        if isinstance(value, Mapping):
            if value.keys() == {_MARK} and isinstance(value[_MARK], str):
                return self._open_one(value[_MARK])
            return {key: self.open(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.open(item) for item in value]
        return value

    def _open_one(self, token: str) -> str:
        try:
            return self._fernet.decrypt(token.encode()).decode()
        except InvalidToken as error:
            what = "does not open the secrets in the store: they were sealed with another key"
            raise ConfigurationError([Problem(_SETTING, what)]) from error
