import asyncio

from mechshare.domain.personal_access_tokens import MAX_TOKENS_OF_USER, Scope, TooManyTokens
from mechshare.services.personal_access_tokens import NewToken
from tests.services.world import HERE


async def test_concurrent_requests_never_exceed_the_limit_of_tokens(world):
    mika = await world.join("mika")
    service = world.app.personal_access_tokens
    new = NewToken(name="x", scopes=(Scope.READ,), expires_in_days=1)
    made = await asyncio.gather(
        *(service.create(mika.id, new, HERE) for _ in range(MAX_TOKENS_OF_USER + 5)), return_exceptions=True
    )
    assert sum(isinstance(one, TooManyTokens) for one in made) == 5
    assert len(await service.find_of_user(mika.id)) == MAX_TOKENS_OF_USER
