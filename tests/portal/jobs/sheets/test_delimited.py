"""What the CSV reader understands, and how it refuses what it does not."""

import io

import pytest

from portal.jobs.sheets import limits
from portal.jobs.sheets.delimited import delimiter_of, read_csv
from portal.jobs.sheets.opening import open_sheet
from portal.kernel.errors import InvalidInput

TEXT = "id{0}name\r\n007{0}Zoë Müller\r\n008{0}Adé\r\n"


def read(data: bytes) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    sheet = open_sheet(io.BytesIO(data))
    return sheet.header, [row.cells for row in sheet.rows]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "iso-8859-1"]
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "\x1f", ":"])
def test_encodings_and_delimiters_are_understood(encoding: str, delimiter: str) -> None:
    expected = (("id", "name"), [("007", "Zoë Müller"), ("008", "Adé")])
    assert read(TEXT.format(delimiter).encode(encoding)) == expected


def test_letters_that_come_late_decide_the_encoding_too() -> None:
    plain = "".join(f"{number};name\n" for number in range(20_000))
    _, rows = read(("a;b\n" + plain + "1;Müller\n").encode("cp1252"))
    assert rows[-1] == ("1", "Müller")
    _, rows = read(("a;b\n" + plain + "1;Adéyẹmí\n").encode())
    assert rows[-1] == ("1", "Adéyẹmí")


def test_quoted_line_breaks_short_rows_and_blank_rows_are_understood() -> None:
    header, rows = read(b'a,b,c\n"x\ny",2\n,,\n1,2,3\n')
    assert header == ("a", "b", "c")
    assert rows == [("x\ny", "2", ""), ("1", "2", "3")]


def test_old_line_ends_empty_columns_at_the_end_and_a_named_delimiter_are_understood() -> None:
    assert read(b"a;b\r1;2\r") == (("a", "b"), [("1", "2")])
    assert read(b"a,b,,\n1,2,,\n") == (("a", "b"), [("1", "2")])
    assert read(b"sep=#\na#b\n1#2\n") == (("a", "b"), [("1", "2")])


@pytest.mark.parametrize(
    ("sample", "delimiter"),
    [
        ("one\ntwo\n", ","),
        ("name;amount\nEze;1,5\nOkafor;2,5\n", ";"),
        ("name,time\nEze,10:30\nOkafor,11:15\n", ","),
        ('name,note\n"Eze; Ada",x\n', ","),
        ("time\n10:30\n11:15\n", ","),
    ],
)
def test_the_delimiter_is_the_one_on_which_rows_agree(sample: str, delimiter: str) -> None:
    assert delimiter_of(sample) == delimiter


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        (b"", "sheet-empty", "first row must name the columns"),
        (b"\n \n,,\n", "sheet-empty", "first row must name the columns"),
        (b"\xef\xbb\xbf", "sheet-empty", "first row must name the columns"),
        (b"a,,c\n1,2,3\n", "sheet-header", "Column 2 has no name"),
        (b"a,b,A\n", "sheet-header", "'A' is there twice"),
        (b"a\0b\n", "sheet-unreadable", "NUL"),
        (b"a,b\n" + b"1,2\n" * 20_000 + b"\0\0,2\n", "sheet-unreadable", "NUL"),
        ("a,b\n\0,2\n".encode("utf-16"), "sheet-unreadable", "NUL"),
        (",".join(f"c{i}" for i in range(10_000)).encode(), "sheet-too-wide", "10,000 columns"),
        (b"a,b\n" + b"x" * 1_000_002, "sheet-unreadable", "longer than"),
        (b"x" * 1_000_002, "sheet-unreadable", "longer than"),
        (b'a,b\n"1,2\n' + b"3,4\n" * 40_000, "sheet-unreadable", "quotation mark"),
        (b"a,b\n1,caf\x81\n", "sheet-unreadable", "Save the sheet as UTF-8"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 100, "sheet-unreadable", "old Excel"),
    ],
)
def test_what_is_no_sheet_is_refused_with_the_reason(data: bytes, code: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as caught:
        read(data)
    assert caught.value.code == code


class Endless(io.RawIOBase):
    """A gigabyte of letters without a line end, of which somebody counts what is read."""

    def __init__(self, size_bytes: int) -> None:
        self.size_bytes, self.place, self.taken = size_bytes, 0, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self.place = offset if whence == io.SEEK_SET else self.size_bytes + offset
        return self.place

    def tell(self) -> int:
        return self.place

    def read(self, count: int = -1) -> bytes:
        taken = min(count if count >= 0 else self.size_bytes, self.size_bytes - self.place)
        self.place += taken
        self.taken += taken
        return b"x" * taken


def test_a_line_of_almost_half_a_gigabyte_is_refused_after_a_few_megabytes() -> None:
    stream = Endless(limits.MAX_SHEET_BYTES - 1)
    with pytest.raises(InvalidInput, match="longer than"):
        open_sheet(stream)  # type: ignore[arg-type]
    assert stream.taken < 10_000_000


def test_a_gigabyte_is_refused_before_it_is_opened() -> None:
    stream = Endless(1_000_000_000)
    with pytest.raises(InvalidInput, match="500 MB are the most") as caught:
        open_sheet(stream)  # type: ignore[arg-type]
    assert (caught.value.code, stream.taken) == ("sheet-too-large", 0)


def test_too_many_rows_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.jobs.sheets.cells.MAX_ROWS", 3)
    with pytest.raises(InvalidInput) as caught:
        read(b"a\n1\n2\n3\n4\n")
    assert caught.value.code == "sheet-too-large"


def test_rows_are_numbered_as_a_spreadsheet_shows_them() -> None:
    sheet = read_csv(io.BytesIO(b"\na\n1\n\n2\n"))
    assert [(row.number, row.cells) for row in sheet.rows] == [(3, ("1",)), (5, ("2",))]
