"""How much room the disks of an installation have."""

from dataclasses import dataclass

from mechshare.domain.errors import OutOfSpace


class DiskReserveReached(OutOfSpace):
    code = "DISK_RESERVE_REACHED"
    messages = {
        "en": "The server is short of disk space and accepts no files at present. Reading, signing in and editing "
        "still work. Try again later, or tell the operator.",
        "ja": "サーバーのディスクの空きが少ないため、現在ファイルを受け付けていません。閲覧・サインイン・編集は引き続き"
        "ご利用いただけます。後で試すか、運用担当者に連絡してください。",
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskSpace:
    """The bytes that are free at `place`, and those of them that files must leave for everything else."""

    place: str
    free_bytes: int
    reserve_bytes: int

    @property
    def room(self) -> int:
        """The bytes that files may still take; negative below the reserve."""
        return self.free_bytes - self.reserve_bytes

    def require_room_for(self, size: int) -> None:
        """Raises DiskReserveReached unless `size` more bytes leave the reserve free; never without a reserve."""
        if self.reserve_bytes and self.room < size:
            raise DiskReserveReached()
