"""A client of the HTTP API with only the standard library, for the demonstration."""

import http.client
import json
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

_CHUNK = 256 * 1024
API = "/api/v1"


class ApiError(Exception):
    """The server refused the request; the message is the server's."""


class Api:
    """Calls the API at `address`; requests carry a token after `login`."""

    def __init__(self, address: str) -> None:
        self._netloc = urlsplit(address).netloc
        self._token = ""

    def get(self, path: str, **query: str) -> Any:
        return self._request("GET", API + path + (f"?{urlencode(query)}" if query else ""))

    def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        encoded = json.dumps(body or {}).encode()
        return self._request("POST", API + path, encoded, {"Content-Type": "application/json"})

    def login(self, username: str, password: str) -> None:
        tokens = self.post("/auth/login", {"username": username, "password": password})
        self._token = tokens["access_token"]

    def upload(self, file: Path, fields: dict[str, str]) -> Any:
        """Uploads `file` in chunks and returns the new mechanism."""
        boundary = secrets.token_hex(16)
        parts = [
            _part(boundary, f'name="{name}"') + value.encode() + b"\r\n" for name, value in fields.items()
        ]
        head = b"".join(parts) + _part(boundary, f'name="file"; filename="{file.name}"')
        tail = f"\r\n--{boundary}--\r\n".encode()
        headers = {
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "Content-Length": str(len(head) + file.stat().st_size + len(tail)),
        }

        def body() -> Any:
            yield head
            with file.open("rb") as source:
                while chunk := source.read(_CHUNK):
                    yield chunk
            yield tail

        return self._request("POST", API + "/mechanisms", body(), headers)

    def read_range(self, path: str, first: int, last: int) -> tuple[int, str, int]:
        """(status, Content-Range, bytes received) for a part of a file."""
        connection = http.client.HTTPConnection(self._netloc, timeout=30)
        try:
            connection.request("GET", path, headers={"Range": f"bytes={first}-{last}"})
            response = connection.getresponse()
            return response.status, response.headers.get("Content-Range", ""), len(response.read())
        finally:
            connection.close()

    def _request(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Any:
        connection = http.client.HTTPConnection(self._netloc, timeout=60)
        sent = dict(headers or {})
        if self._token:
            sent["Authorization"] = f"Bearer {self._token}"
        try:
            connection.request(method, path, body=body, headers=sent)
            response = connection.getresponse()
            content = json.loads(response.read() or b"null")
        finally:
            connection.close()
        if response.status >= 400:
            raise ApiError(f"{method} {path}: {response.status} {content['message']}")
        return content


def _part(boundary: str, disposition: str) -> bytes:
    return f"--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n".encode()
