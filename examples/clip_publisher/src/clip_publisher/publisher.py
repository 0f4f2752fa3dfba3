"""Publishes clips on a mechshare server."""

import time
from pathlib import Path

import httpx

API = "/api/v1"


class Refused(Exception):
    """The server refused a request, or could not process a clip; the message says why."""


class Publisher:
    """Works with any httpx client whose base URL is a mechshare server."""

    def __init__(self, http: httpx.Client, *, timeout: float = 60.0) -> None:
        self._http = http
        self._timeout = timeout
        self._headers: dict[str, str] = {}

    def sign_in(self, username: str, password: str) -> None:
        """Signs in and keeps the token. Raises Refused."""
        body = {"username": username, "password": password}
        tokens = _checked(self._http.post(f"{API}/auth/login", json=body))
        self._headers = {"Authorization": f"Bearer {tokens['access_token']}"}

    def publish(self, clip: Path, title: str, categories: str = "") -> str:
        """Uploads `clip`, waits until it is processed and publishes it; returns its identifier. Raises Refused."""
        with clip.open("rb") as file:
            response = self._http.post(
                f"{API}/mechanisms",
                headers=self._headers,
                data={"title": title, "categories": categories},
                files={"file": (clip.name, file)},
            )
        url = f"{API}/mechanisms/{_checked(response)['id']}"
        self._wait_until_ready(url)
        return str(_checked(self._http.post(f"{url}/publish", headers=self._headers))["id"])

    def find(self, text: str) -> list[str]:
        """Returns the titles of the best results. Raises Refused."""
        found = _checked(self._http.get(f"{API}/search/mechanisms", params={"q": text}))
        return [hit["mechanism"]["title"] for hit in found["items"]]

    def _wait_until_ready(self, url: str) -> None:
        deadline = time.monotonic() + self._timeout
        while time.monotonic() < deadline:
            status = _checked(self._http.get(f"{url}/processing", headers=self._headers))
            if status["state"] == "ready":
                return
            if status["state"] == "failed":
                raise Refused(status["reason"]["message"])
            time.sleep(0.05)
        raise Refused(f"the clip is not processed after {self._timeout} s")


def _checked(response: httpx.Response) -> dict:
    body = response.json()
    if response.is_success:
        return body
    details = "".join(f" {one['field']}: {one['message']}" for one in body.get("details", ()))
    raise Refused(f"{body['message']}{details}")
