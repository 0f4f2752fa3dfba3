"""Who asks: signed in anew whenever it is asked for, since tokens end sooner than the measuring."""

import json
from collections.abc import Mapping

import jwt

from bench.asking import ask
from bench.candidates import LITERAL, OURS, REFERENCE_SECRET, Candidate
from bench.installations import PASSWORD, USERNAME


class Callers:
    """`user_id` is of the user whom the literal design knows."""

    def __init__(self, candidates: Mapping[str, Candidate], user_id: str) -> None:
        self._candidates = candidates
        self._user_id = user_id

    def ours(self) -> dict[str, str]:
        """The header that proves to mechshare who asks."""
        body = json.dumps({"username": USERNAME, "password": PASSWORD}).encode()
        headers = {"Content-Type": "application/json"}
        address = self._candidates[OURS].address
        answer = ask(address, "/api/v1/auth/login", method="POST", headers=headers, body=body)
        return {"Authorization": f"Bearer {json.loads(answer.body)['access_token']}"}

    def literal(self) -> dict[str, str]:
        """The same for the literal design; none where that is not measured."""
        if LITERAL not in self._candidates:
            return {}
        token = jwt.encode({"sub": self._user_id}, REFERENCE_SECRET, algorithm="HS256")
        return {"Authorization": f"Bearer {token}"}

    def etag(self, path: str) -> str:
        """Of what mechshare answers."""
        return ask(self._candidates[OURS].address, path).headers["etag"]
