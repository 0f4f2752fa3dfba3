"""The design that mechshare began from, built as written: FastAPI, SQLAlchemy's ORM, Redis, pydantic.

Open points are decided in its favour: mechshare's driver and as many connections, an index for each list, and no
metrics, logging, audit, limits, entity tags or checks of text, even if it mentions them.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated
from uuid import uuid4

import jwt
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from bench.reference.models import Mechanism, MechanismCreate, MechanismPage, UserRow
from bench.reference.repository import CacheService, PostgresMechanismRepository

ALGORITHM = "HS256"
_CONNECTIONS = 16


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    engine = create_async_engine(os.environ["REFERENCE_DATABASE_URL"], pool_size=_CONNECTIONS, max_overflow=0)
    app.state.sessions = async_sessionmaker(engine, expire_on_commit=False)
    app.state.secret = os.environ["REFERENCE_SECRET"]
    async with Redis.from_url(os.environ["REFERENCE_REDIS_URL"]) as redis:
        app.state.cache = CacheService(redis)
        yield
    await engine.dispose()


async def db_session(request: Request) -> AsyncIterator[AsyncSession]:
    async with request.app.state.sessions() as session:
        yield session


Session = Annotated[AsyncSession, Depends(db_session)]
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))]


async def get_current_user(request: Request, credentials: Credentials, session: Session) -> UserRow | None:
    """Returns the user that the token names, read at each request; None without one."""
    if credentials is None:
        return None
    try:
        payload = jwt.decode(credentials.credentials, request.app.state.secret, algorithms=[ALGORITHM])
    except jwt.PyJWTError as problem:
        raise HTTPException(status_code=401) from problem
    user = await session.get(UserRow, payload.get("sub", ""))
    if user is None:
        raise HTTPException(status_code=401)
    return user


CurrentUser = Annotated[UserRow | None, Depends(get_current_user)]


router = APIRouter(prefix="/api/v1")


@router.get("/mechanisms/{mechanism_id}")
async def get_mechanism(
    mechanism_id: str, request: Request, session: Session, current_user: CurrentUser
) -> Mechanism:
    cache: CacheService = request.app.state.cache
    mechanism = await cache.get_mechanism(mechanism_id)
    if mechanism is None:
        mechanism = await PostgresMechanismRepository(session).find_by_id(mechanism_id)
        if mechanism is None:
            raise HTTPException(status_code=404)
        await cache.set_mechanism(mechanism)
    if not mechanism.is_published and (current_user is None or current_user.id != mechanism.user_id):
        raise HTTPException(status_code=404)
    return mechanism


@router.get("/mechanisms")
async def find_mechanisms(
    session: Session,
    page: Annotated[int, Query(ge=1)] = 1,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    category_ids: Annotated[list[str] | None, Query()] = None,
    user_id: str | None = None,
) -> MechanismPage:
    items, total = await PostgresMechanismRepository(session).find_all(page, limit, category_ids, user_id)
    return MechanismPage(items=items, page=page, limit=limit, total=total)


@router.post("/mechanisms")
async def create_mechanism(data: MechanismCreate, session: Session, current_user: CurrentUser) -> Mechanism:
    if current_user is None:
        raise HTTPException(status_code=401)
    now = datetime.now(UTC)
    mechanism = Mechanism(
        **data.model_dump(),
        id=str(uuid4()),
        user_id=current_user.id,
        created_at=now,
        updated_at=now,
        is_published=False,
    )
    return await PostgresMechanismRepository(session).save(mechanism)


def create() -> FastAPI:
    """Creates the application that REFERENCE_DATABASE_URL, REFERENCE_REDIS_URL and REFERENCE_SECRET describe."""
    app = FastAPI(lifespan=lifespan)
    app.include_router(router)
    return app
