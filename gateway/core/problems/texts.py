"""What each problem says, in English and in Indonesian: what happened, and what to do next.

A table, nothing else. A text never repeats what a request held.
"""

from dataclasses import dataclass
from typing import Final

from gateway.core.problems.kinds import ProblemType
from gateway.core.problems.language import Language


@dataclass(frozen=True, slots=True)
class Text:
    """A problem in one language: what it is, and what to do next."""

    title: str
    detail: str


@dataclass(frozen=True, slots=True)
class Description:
    """A problem's status and its texts."""

    status: int
    english: Text
    indonesian: Text

    def text(self, language: Language) -> Text:
        """The texts in ``language``."""
        return self.indonesian if language is Language.INDONESIAN else self.english


DESCRIPTIONS: Final[dict[ProblemType, Description]] = {
    ProblemType.BAD_REQUEST: Description(
        400,
        Text(
            "The request cannot be read safely",
            "Nothing was kept. Correct the part named in `reason` and send it again.",
        ),
        Text(
            "Permintaan tidak dapat dibaca dengan aman",
            "Tidak ada yang disimpan. Perbaiki bagian yang disebut di `reason`, lalu kirim lagi.",
        ),
    ),
    ProblemType.IDEMPOTENCY_KEY_REQUIRED: Description(
        400,
        Text(
            "An idempotency key is required",
            "Nothing was kept. Send the request with an Idempotency-Key header: one new key for "
            "each enrollment, the same key when it is sent again.",
        ),
        Text(
            "Kunci idempotensi wajib disertakan",
            "Tidak ada yang disimpan. Kirim dengan header Idempotency-Key: satu kunci baru untuk "
            "setiap perekaman, kunci yang sama bila dikirim ulang.",
        ),
    ),
    ProblemType.IDEMPOTENCY_KEY_INVALID: Description(
        400,
        Text(
            "The idempotency key is not valid",
            "Nothing was kept. Use one Idempotency-Key header with 1 to 255 printable ASCII "
            "characters, bare or as a quoted string.",
        ),
        Text(
            "Kunci idempotensi tidak sah",
            "Tidak ada yang disimpan. Gunakan satu header Idempotency-Key berisi 1 sampai 255 "
            "karakter ASCII yang dapat dicetak, dengan atau tanpa tanda kutip.",
        ),
    ),
    ProblemType.IDEMPOTENCY_KEY_REUSED: Description(
        422,
        Text(
            "The idempotency key was used for another request",
            "The first enrollment with this key is untouched. If this is another enrollment, "
            "send it with a key of its own; if it is the same one, send the same bytes.",
        ),
        Text(
            "Kunci idempotensi sudah dipakai untuk permintaan lain",
            "Perekaman pertama dengan kunci ini tidak berubah. Bila ini perekaman lain, kirim "
            "dengan kunci tersendiri; bila sama, kirim isi yang sama persis.",
        ),
    ),
    ProblemType.CONTENT_DIGEST_MISMATCH: Description(
        400,
        Text(
            "The body does not match its Content-Digest",
            "Nothing was kept. The body was altered on its way, or the digest is wrong: compute "
            "the sha-256 again and send the request again.",
        ),
        Text(
            "Isi tidak cocok dengan Content-Digest",
            "Tidak ada yang disimpan. Isi berubah di perjalanan, atau nilai SHA-256 salah: "
            "hitung ulang, lalu kirim lagi.",
        ),
    ),
    ProblemType.UNAUTHORIZED: Description(
        401,
        Text(
            "This station is not known",
            "Send `Authorization: Bearer` with this station's token, or a client certificate with "
            "the station's name. If it was revoked or lost, ask the operators for a new one.",
        ),
        Text(
            "Stasiun ini tidak dikenal",
            "Kirim `Authorization: Bearer` dengan token stasiun ini, atau sertifikat klien dengan "
            "nama stasiun. Bila dicabut atau hilang, minta yang baru kepada operator.",
        ),
    ),
    ProblemType.FORBIDDEN: Description(
        403,
        Text(
            "This station may not use this path",
            "The token is valid, but not for this path. Ask the operators to allow it.",
        ),
        Text(
            "Stasiun ini tidak boleh memakai jalur ini",
            "Token sah, tetapi tidak untuk jalur ini. Minta izin kepada operator.",
        ),
    ),
    ProblemType.NOT_FOUND: Description(
        404,
        Text(
            "There is nothing here",
            "Check the id or key: a receipt is seen only by the station that sent the "
            "enrollment, and is forgotten when its retention ends.",
        ),
        Text(
            "Tidak ada apa pun di sini",
            "Periksa id atau kunci: tanda terima hanya terlihat oleh stasiun pengirim, dan "
            "dihapus setelah masa simpan berakhir.",
        ),
    ),
    ProblemType.CONFLICT: Description(
        409,
        Text(
            "The enrollment's status does not allow this",
            "Nothing was changed. Look at its status first.",
        ),
        Text(
            "Status perekaman tidak mengizinkan tindakan ini",
            "Tidak ada yang berubah. Lihat statusnya dahulu.",
        ),
    ),
    ProblemType.BODY_TOO_LARGE: Description(
        413,
        Text(
            "The body is too large",
            "Nothing was kept. Send a smaller body, or ask the operators to raise the limit.",
        ),
        Text(
            "Isi terlalu besar",
            "Tidak ada yang disimpan. Kirim isi yang lebih kecil, atau minta operator menaikkan "
            "batasnya.",
        ),
    ),
    ProblemType.TOO_MANY_REQUESTS: Description(
        429,
        Text(
            "This station asks too much at once",
            "Nothing was kept. Wait as long as Retry-After says, then send it again with the same "
            "key.",
        ),
        Text(
            "Stasiun ini mengirim terlalu banyak sekaligus",
            "Tidak ada yang disimpan. Tunggu selama Retry-After, lalu kirim lagi dengan kunci yang "
            "sama.",
        ),
    ),
    ProblemType.JOURNAL_FULL: Description(
        503,
        Text(
            "The gateway has no room to keep this",
            "Nothing was accepted. Keep the enrollment and send it again later with the same key.",
        ),
        Text(
            "Gerbang tidak punya ruang untuk menyimpan ini",
            "Tidak ada yang diterima. Simpan perekaman ini dan kirim lagi nanti dengan kunci "
            "yang sama.",
        ),
    ),
    ProblemType.JOURNAL_UNAVAILABLE: Description(
        503,
        Text(
            "The gateway cannot keep anything now",
            "Nothing was promised. Keep the enrollment and send it again with the same key.",
        ),
        Text(
            "Gerbang sedang tidak dapat menyimpan",
            "Tidak ada janji yang diberikan. Simpan perekaman ini dan kirim lagi dengan kunci "
            "yang sama.",
        ),
    ),
    ProblemType.OVERLOADED: Description(
        503,
        Text(
            "The gateway has too much in hand",
            "Nothing was accepted. Send it again after a moment with the same key.",
        ),
        Text(
            "Gerbang sedang memproses terlalu banyak",
            "Tidak ada yang diterima. Kirim lagi sebentar lagi dengan kunci yang sama.",
        ),
    ),
    ProblemType.UPSTREAM_UNAVAILABLE: Description(
        503,
        Text(
            "The recording server cannot be reached now",
            "This request is not one that is kept for later. Send it again after a while.",
        ),
        Text(
            "Server perekaman sedang tidak dapat dihubungi",
            "Permintaan ini bukan jenis yang disimpan untuk nanti. Kirim lagi beberapa saat lagi.",
        ),
    ),
    ProblemType.REQUEST_TIMEOUT: Description(
        408,
        Text(
            "The request did not arrive in time",
            "Nothing was kept. Check the line and send it again with the same key.",
        ),
        Text(
            "Permintaan tidak tiba pada waktunya",
            "Tidak ada yang disimpan. Periksa jaringan dan kirim lagi dengan kunci yang sama.",
        ),
    ),
    ProblemType.INTERNAL_ERROR: Description(
        500,
        Text(
            "The gateway made a mistake",
            "Whether it was kept is not certain: send it again with the same key. "
            "The operators find the cause in the log.",
        ),
        Text(
            "Terjadi kesalahan pada gerbang",
            "Belum pasti apakah tersimpan: kirim lagi dengan kunci yang sama. "
            "Operator menemukan penyebabnya di log.",
        ),
    ),
}
