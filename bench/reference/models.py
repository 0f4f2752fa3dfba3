"""The tables, in a schema of their own beside mechshare's, and their representation in the API."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict
from sqlalchemy import DateTime, ForeignKey, Index, MetaData, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

SCHEMA = "reference"


class Base(DeclarativeBase):
    metadata = MetaData(schema=SCHEMA)


class UserRow(Base):
    __tablename__ = "users"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    username: Mapped[str] = mapped_column(String(30), unique=True)
    role: Mapped[str] = mapped_column(String(16))


class MechanismCategoryRow(Base):
    __tablename__ = "mechanism_categories"

    mechanism_id: Mapped[str] = mapped_column(ForeignKey("mechanisms.id"), primary_key=True)
    category_id: Mapped[str] = mapped_column(String(40), primary_key=True, index=True)


class MechanismRow(Base):
    __tablename__ = "mechanisms"
    __table_args__ = (Index("ix_reference_mechanisms_newest", "is_published", "created_at"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    title: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(Text)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    file_url: Mapped[str] = mapped_column(Text)
    thumbnail_url: Mapped[str] = mapped_column(Text)
    duration: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    is_published: Mapped[bool]
    category_rows: Mapped[list[MechanismCategoryRow]] = relationship(lazy="raise")

    @property
    def categories(self) -> list[str]:
        return [row.category_id for row in self.category_rows]


class MechanismCreate(BaseModel):
    title: str
    description: str
    file_url: str
    thumbnail_url: str
    duration: int
    categories: list[str]


class Mechanism(MechanismCreate):
    model_config = ConfigDict(from_attributes=True)

    id: str
    user_id: str
    created_at: datetime
    updated_at: datetime
    is_published: bool


class MechanismPage(BaseModel):
    items: list[Mechanism]
    page: int
    limit: int
    total: int
