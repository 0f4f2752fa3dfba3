"""Signed-in clients. They sign in again at each call, because tokens expire before a measurement ends."""

import json
from collections.abc import Mapping

import jwt

from bench.candidates import LITERAL, OURS, REFERENCE_SECRET, Candidate
from bench.http import request
from bench.installations import PASSWORD, USERNAME


class Callers:
    """`user_id` is the user in the literal design."""

    def __init__(self, candidates: Mapping[str, Candidate], user_id: str) -> None:
        self._candidates = candidates
        self._user_id = user_id

    def ours(self) -> dict[str, str]:
        """Returns the authorization header for mechshare."""
        body = json.dumps({"username": USERNAME, "password": PASSWORD}).encode()
        headers = {"Content-Type": "application/json"}
        address = self._candidates[OURS].address
        response = request(address, "/api/v1/auth/login", method="POST", headers=headers, body=body)
        return {"Authorization": f"Bearer {json.loads(response.body)['access_token']}"}

    def literal(self) -> dict[str, str]:
        """Returns the authorization header for the literal design, or {} if that is not measured."""
        if LITERAL not in self._candidates:
            return {}
        token = jwt.encode({"sub": self._user_id}, REFERENCE_SECRET, algorithm="HS256")
        return {"Authorization": f"Bearer {token}"}

    def etag(self, path: str) -> str:
        """Returns the ETag of mechshare's response to `path`."""
        return request(self._candidates[OURS].address, path).headers["etag"]
