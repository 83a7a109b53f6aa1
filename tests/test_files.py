"""What stands where a file is expected: refused in one line, never waited for, never followed, never replaced."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import socket
import stat
import sys
import tempfile
import tracemalloc
import unittest
import warnings
from collections.abc import AsyncGenerator, Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from IPython.core.interactiveshell import InteractiveShell

import g4f
from g4f import ChatCompletion, Conversation, files, locks
from g4f.conversation import Turn
from g4f.errors import InputError, MissingRequirementsError
from g4f.taping import command
from g4f_jupyter.__main__ import main as play
from g4f_jupyter.line import model_names
from g4f_jupyter.line.aliases import Aliases
from g4f_jupyter.magics.chat import ChatMagics
from g4f_jupyter.magics.chat_lines import ChatLineMagics

from . import script

BOM = b"\xef\xbb\xbf"
PNG = b"\x89PNG\r\n\x1a\n"
DEEP = b'{"x": ' + b"[" * 10_000


class Echo:
    """Says what it was asked, and how many images it saw."""

    @classmethod
    async def create_async_generator(cls, model: str, messages: Any) -> AsyncGenerator[str]:
        content = messages[-1]["content"]
        yield content if isinstance(content, str) else f"{len(content) - 1} images"


def ask(question: str = "?", **options: Any) -> str:
    """Ask for a whole answer."""
    return ChatCompletion.create("m", question, Echo, **options)


class FileTestCase(unittest.TestCase):
    """Has a folder, a shell with the magics, and a clock that ends a test which hangs."""

    def setUp(self) -> None:
        """Start what the tests need."""
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.path = self.folder / "file"
        self.enterContext(mock.patch.dict(os.environ, {"XDG_CACHE_HOME": str(self.folder), "IPYTHONDIR": "/none"}))
        shell = InteractiveShell(profile_dir=None)
        self.addCleanup(shell.history_manager.end_session)
        self.chat = ChatMagics(shell)
        self.magics = ChatLineMagics(shell, self.chat)
        self.chat.session.thread("").conversation.turns.append(Turn("q", "a"))
        self.addCleanup(signal.signal, signal.SIGALRM, signal.signal(signal.SIGALRM, self._hangs))
        self.addCleanup(signal.alarm, 0)
        signal.alarm(script.PATIENCE)

    def _hangs(self, *_: object) -> None:
        raise AssertionError("it hangs")

    def refused(self, call: Callable[[], object]) -> str:
        """Return the one line of a call that fails or warns; that of a command stands on stderr."""
        err = io.StringIO()
        with contextlib.redirect_stderr(err), self.assertRaises((InputError, UserWarning, SystemExit)) as caught:
            call()
        told = err.getvalue().splitlines()[-1] if isinstance(caught.exception, SystemExit) else str(caught.exception)
        self.assertTrue(told.isprintable(), told)
        self.assertLess(len(told), 1000)
        return told

    def readers(self) -> Iterator[tuple[str, Callable[[str], object]]]:
        """Yield each way in which a file is read that somebody names."""
        yield "tape", self._replay
        yield "tape check", lambda path: command.main(["check", path])
        yield "history", lambda path: self.magics.chat_history(f'--load "{path}"')
        yield "notebook", lambda path: play([path])
        yield "image", lambda path: ask(images=path)

    def writers(self) -> Iterator[tuple[str, Callable[[str], object]]]:
        """Yield each way in which a file is written that somebody names."""
        yield "tape", self._record
        yield "tape prune", lambda path: command.main(["prune", path])
        yield "history", lambda path: self.magics.chat_history(f'--json "{path}"')

    def kept(self) -> Iterator[tuple[str, Path, Callable[[], object]]]:
        """Yield each file whose name is ours, and what writes it."""
        folder = self.folder / "profile"
        folder.mkdir(exist_ok=True)
        yield "aliases", folder / "g4f_aliases.json", lambda: Aliases(folder).set("fast", "OpenAI:x")
        cache = model_names._file("http://h")
        cache.parent.mkdir(parents=True, exist_ok=True)
        yield "cache", cache, lambda: model_names._keep("http://h", ["x"])

    @staticmethod
    def _replay(path: str) -> None:
        try:
            with g4f.tape(path, "replay"):
                ask()
        except MissingRequirementsError as error:
            raise InputError(str(error)) from None

    @staticmethod
    def _by_environment(path: str) -> None:
        with mock.patch.dict(os.environ, {"G4F_TAPE": "replay", "G4F_TAPE_FILE": path}):
            ask()

    @staticmethod
    def _record(path: str) -> None:
        with g4f.tape(path, "record"):
            ask()


def folder(path: Path) -> None:
    """A folder."""
    path.mkdir()


def pipe(path: Path) -> None:
    """A pipe that nobody writes to."""
    os.mkfifo(path)


def unix_socket(path: Path) -> None:
    """A socket."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def device(path: Path) -> None:
    """A device."""
    path.symlink_to("/dev/null")


def full(path: Path) -> None:
    """A device that takes nothing."""
    path.symlink_to("/dev/full")


def loop(path: Path) -> None:
    """A link to itself."""
    path.symlink_to(path)


KINDS = {
    folder: "Is a directory",
    pipe: "it is a pipe, not a regular file: name another",
    unix_socket: "it is a socket, not a regular file: name another",
    device: "it is a device, not a regular file: name another",
    full: "it is a device, not a regular file: name another",
    loop: "(Too many levels of symbolic links|it is a link, not a regular file: name another)",
}
NAMES = {
    "a\0b": "embedded null byte",
    "x" * 300: "File name too long",
    "x" * 5000: "File name too long|no path, but a long text",
    "no/such/file": "No such file or directory|there is no tape|has no answer to",
}


def tree(top: Path) -> dict[str, tuple[int, int, int]]:
    """Return what is in a folder: kind, number and time of each."""
    found = {str(path): path.lstat() for path in top.rglob("*")}
    return {name: (each.st_mode, each.st_ino, each.st_mtime_ns) for name, each in found.items()}


class TestKinds(FileTestCase):
    """Each kind of what is no file, for each use."""

    def test_named(self) -> None:
        """A folder, a pipe, a socket, a device and a link to itself are refused, and nothing is changed."""
        for make, told in KINDS.items():
            path = self.folder / make.__name__
            make(path)
            before = tree(self.folder)
            for name, use in (*self.readers(), *self.writers()):
                with self.subTest(name, kind=make.__name__):
                    self.assertRegex(self.refused(lambda use=use, path=path: use(str(path))), f"({told})$")
                    self.assertEqual(before, tree(self.folder))

    def test_kept(self) -> None:
        """So they are where aliases and names of models are kept."""
        for make, told in KINDS.items():
            for name, path, write in self.kept():
                with self.subTest(name, kind=make.__name__):
                    path.unlink(missing_ok=True)
                    make(path)
                    before = tree(self.folder)
                    self.assertRegex(self.refused(write), f"({told})$")
                    self.assertEqual([], model_names.cached("http://h"))
                    self.assertEqual(before, tree(self.folder))
                    path.rmdir() if make is folder else path.unlink()

    def test_names(self) -> None:
        """A name that no file has is refused in a line that is no longer than others."""
        for path, told in NAMES.items():
            for name, use in (*self.readers(), *self.writers()):
                with self.subTest(name, path=path[:9]):
                    self.assertRegex(self.refused(lambda use=use, path=path: use(path)), told)
        for wrong in (5, b"x", ["x"]):
            with self.subTest(wrong), self.assertRaisesRegex(InputError, "^the tape .* cannot be used: "):
                g4f.tape(wrong).__enter__()

    def test_lock(self) -> None:
        """What stands in the place of the lock is neither waited for nor followed, and stays."""
        target = self.folder / "target"
        target.write_bytes(b"precious")
        link = "it is a link, not a regular file: name another"
        kinds = {folder: KINDS[folder], pipe: KINDS[pipe], unix_socket: KINDS[unix_socket], device: link, loop: link}
        kinds[lambda path: path.symlink_to(target)] = link
        for number, (make, told) in enumerate(kinds.items()):
            tape = self.folder / f"{number}.jsonl"
            make(lock := self.folder / f"{number}.jsonl.lock")
            before = lock.lstat()
            with self.subTest(make), warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                self._record(str(tape))
                (said,) = [each.message for each in caught if each.category is UserWarning]
                self.assertRegex(str(said), f"because of its lock {lock.name}: {told}$")
                self.assertEqual(before, lock.lstat())
                self.assertFalse(tape.exists())
        self.assertEqual(b"precious", target.read_bytes())

    def test_put_there_while_it_is_opened(self) -> None:
        """A pipe that takes the place of a file after the first look is refused by the second."""
        self.path.write_bytes(b"x")
        regular = self.path.stat()
        self.path.unlink()
        os.mkfifo(self.path)
        with mock.patch.object(Path, "stat", return_value=regular):
            self.assertIn("it is a pipe", self.refused(lambda: files.read(self.path, "it")))
        lock = self.folder / "file.lock"
        os.mkfifo(lock)
        with mock.patch.object(Path, "lstat", side_effect=FileNotFoundError):
            self.assertIn("No such device", self.refused(lambda: locks.held(self.path, "it").__enter__()))
            reader = os.open(lock, os.O_RDONLY | os.O_NONBLOCK)
            self.assertIn("it is a pipe", self.refused(lambda: locks.held(self.path, "it").__enter__()))
            os.close(reader)
        lock.unlink()
        lock.symlink_to(self.folder / "target")
        with mock.patch.object(Path, "lstat", side_effect=FileNotFoundError):
            self.assertIn("Too many levels", self.refused(lambda: locks.held(self.path, "it").__enter__()))
        self.assertFalse((self.folder / "target").exists())

    @unittest.skipUnless(Path("/proc/kmsg").exists(), "Linux only")
    def test_of_the_system(self) -> None:
        """A file of the system's own that has nothing to read just now is not waited for."""
        for _ in range(2):  # all that is there, and then nothing
            with contextlib.suppress(InputError):
                files.read("/proc/kmsg", "it")

    def test_state(self) -> None:
        """What cannot be looked at is a line that says what failed, and why; what is not there has no state."""
        self.assertEqual((), files.state(self.folder / "none", "it fails"))
        with self.assertRaisesRegex(InputError, "^it fails: .*too long"):
            files.state(self.folder / ("x" * 300), "it fails")


class TestOwners(FileTestCase):
    """Other users, and the user's own links."""

    def test_link(self) -> None:
        """A link of one's own is followed, to read and to write, and stays one; also one to what is not there yet."""
        for number, (_, use) in enumerate(list(self.writers())[::2]):
            target, link = self.folder / f"target{number}", self.folder / f"link{number}"
            link.symlink_to(target)
            for _ in range(2):
                use(str(link))
            self.assertTrue(link.is_symlink())
            self.assertGreater(target.stat().st_size, 0)
        for name, path, write in self.kept():
            with self.subTest(name):
                path.symlink_to(self.folder / name)
                write()
                self.assertTrue(path.is_symlink())
                self.assertIn(b"x", (self.folder / name).read_bytes())

    @unittest.skipUnless(os.geteuid() == 0, "only root can make files of others")
    def test_of_another(self) -> None:
        """Where everybody may write, what belongs to another user is not used: neither file, link nor lock."""
        self._record(str(self.folder / "mine.jsonl"))
        mine = (self.folder / "mine.jsonl").read_bytes()
        for mode in (0o777, 0o1777):
            common = self.folder / f"{mode:o}"
            common.mkdir()
            common.chmod(mode)
            (common / "file").write_bytes(mine)
            (common / "link").symlink_to(self.folder / "mine.jsonl")
            (common / "folder").symlink_to(self.folder)
            (common / "locked.lock").touch()
            for path in common.iterdir():
                os.chown(path, 12345, 12345, follow_symlinks=False)
            for name in ("file", "link", "folder/mine.jsonl"):
                for use in (self._replay, self._record, self._by_environment):
                    with self.subTest(name, mode=mode, use=use):
                        path = str(common / name)
                        self.assertIn("it is of another user", self.refused(lambda p=path, u=use: u(p)))
            with self.assertWarnsRegex(UserWarning, "locked.lock: it is of another user"):
                self._record(str(common / "locked"))
            self.assertEqual(mine, (self.folder / "mine.jsonl").read_bytes())
            with mock.patch("os.geteuid", return_value=54321):  # root's are trusted
                os.chown(common / "file", 0, 0)
                os.chown(common, 12346, 12346)
                self._replay(str(common / "file"))
                os.chown(common / "file", 12345, 12345)
            os.chown(common, 12345, 12345)  # whose folder it is, may have files in it
            self._record(str(common / "file"))

    @unittest.skipUnless(os.geteuid() == 0, "only root can make files of others")
    def test_writable_by_all(self) -> None:
        """A file of another user that everybody may write is not used; one that only its owner may write is."""
        self._record(str(self.path))
        os.chown(self.path, 12345, 12345)
        self._record(str(self.path))
        os.chown(self.path, 12345, 12345)
        self.path.chmod(0o666)
        for use in (self._replay, self._record):
            self.assertIn("it is of another user", self.refused(lambda use=use: use(str(self.path))))

    def test_read_only(self) -> None:
        """What is read-only, or in such a folder, is not replaced, not even by root."""
        for name, path, write in self.kept():
            write()
            before = path.read_bytes()
            for place, mode in ((path, 0o444), (path.parent, 0o555)):
                with self.subTest(name, place=place):
                    normal = stat.S_IMODE(place.stat().st_mode)
                    place.chmod(mode)
                    self.assertIn("Permission denied", self.refused(write))
                    place.chmod(normal)
                    self.assertEqual((before, 1), (path.read_bytes(), len(list(path.parent.iterdir()))))
        self.magics.chat_history(f"--json {self.path}")
        self.path.chmod(0o444)
        self.assertIn("Permission denied", self.refused(lambda: self.magics.chat_history(f"--json {self.path}")))


class TestWhole(FileTestCase):
    """A file is replaced as a whole, or not at all."""

    def test_full_disk(self) -> None:
        """Where no more can be written, the old file stays, replaced or added to, and nothing stands beside it."""
        code = """
            import resource, sys
            from pathlib import Path
            from g4f import files, locks
            from g4f.errors import InputError
            path = Path({path!r})
            path.write_bytes(b"old")
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
            for write in (files.replace, files.append):
                try:
                    with locks.held(path, "it"):
                        write(path, b"x" * 2000, "it cannot be written")
                except InputError as error:
                    print(error, path.read_bytes(), len(list(path.parent.iterdir())))
            """
        told = script.run(code.format(path=str(self.path)))
        self.assertEqual("it cannot be written: File too large b'old' 1\n" * 2, told)

    def test_added(self) -> None:
        """A line is added behind what is there; half a line that is there stays one of its own."""
        for before, after in ((None, b"x\n"), (b"", b"x\n"), (b"a\n", b"a\nx\n"), (b"a", b"a\nx\n")):
            self.path.unlink(missing_ok=True)
            if before is not None:
                self.path.write_bytes(before)
            files.append(self.path, b"x\n", "it")
            self.assertEqual(after, self.path.read_bytes())
        with mock.patch("g4f.files.LARGEST", 5):
            self.assertIn("it would have", self.refused(lambda: files.append(self.path, b"y\n", "it")))
        self.assertEqual(after, self.path.read_bytes())

    def test_beside(self) -> None:
        """The new file has a name that nobody can foresee, is made by us, and is gone when anything fails."""
        names = []

        def seen(new: Path, path: Path) -> Path:
            names.append(new.name)
            raise KeyboardInterrupt

        self.path.write_bytes(b"old")
        with mock.patch.object(Path, "replace", seen):
            for _ in range(2):
                self.assertRaises(KeyboardInterrupt, files.replace, self.path, b"new", "it")
        self.assertEqual((2, [self.path]), (len(set(names)), list(self.folder.iterdir())))
        with mock.patch("g4f.files.token_hex", return_value="foreseen"):
            planted = self.folder / ".g4f-foreseen.new"
            planted.symlink_to(target := self.folder / "target")
            self.assertIn("File exists", self.refused(lambda: files.replace(self.path, b"new", "it")))
        self.assertEqual((False, b"old"), (target.exists(), self.path.read_bytes()))

    def test_mode(self) -> None:
        """A new file is made as others are, and one that is replaced keeps its mode."""
        umask = os.umask(0o027)
        self.addCleanup(os.umask, umask)
        files.replace(self.path, b"a", "it")
        self.assertEqual(0o640, stat.S_IMODE(self.path.stat().st_mode))
        self.path.chmod(0o600)
        files.replace(self.path, b"b", "it")
        self.assertEqual((0o600, b"b"), (stat.S_IMODE(self.path.stat().st_mode), self.path.read_bytes()))

    def test_no_history(self) -> None:
        """`%chat_history --json` replaces a history, and no other file, not even an empty one."""
        self.magics.chat_history(f"--json {self.path}")
        self.magics.chat_history(f"--json {self.path}")
        for data in (b"notes", b"{}", b'{"cells": []}', b"", b"[]", b"\xff", DEEP):
            self.path.write_bytes(data)
            with self.subTest(data[:20]):
                told = self.refused(lambda: self.magics.chat_history(f"--json {self.path}"))
                self.assertIn("is there already, and holds no conversation, so name another file: ", told)
                self.assertEqual((data, 1), (self.path.read_bytes(), len(list(self.folder.iterdir()))))


class TestContents(FileTestCase):
    """Marks, sizes and depths."""

    def test_byte_order_mark(self) -> None:
        """A mark at the beginning, as some editors make it, is passed over."""
        self._record(str(self.path))
        self.path.write_bytes(BOM + self.path.read_bytes())
        with warnings.catch_warnings(), g4f.tape(self.path, "replay"):
            warnings.simplefilter("error")
            self.assertEqual("?", ask())
        self.assertEqual(0, command.main(["check", str(self.path)]))
        text = Conversation(turns=[Turn("q", "a")]).to_json()
        self.path.write_bytes(BOM + text.encode())
        self.magics.chat_history(f"--load {self.path} --thread copy")
        self.magics.chat_history(f"--json {self.path}")
        self.assertEqual([Turn("q", "a")], Conversation.from_json("\ufeff" + text).turns)
        for name, path, write in self.kept():
            with self.subTest(name):
                write()
                path.write_bytes(BOM + path.read_bytes())
                write()
        self.assertEqual(["x"], model_names.cached("http://h"))
        self.path.write_bytes(BOM + json.dumps({"cells": []}).encode())
        with contextlib.redirect_stdout(io.StringIO()):
            self.assertEqual(0, play([str(self.path)]))

    def test_too_large(self) -> None:
        """A file of absurd size is a line, and is not read; of one that is no image, only the beginning."""
        with self.path.open("wb") as file:
            file.write(PNG)
            file.truncate(2**42)  # a file of holes, where the system has them
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        for name, use in (*self.readers(), *self.writers()):
            with self.subTest(name):
                self.assertIn("it has more than 256 MB", self.refused(lambda use=use: use(str(self.path))))
        for name, path, write in self.kept():
            path.touch()
            os.truncate(path, 2**42)
            with self.subTest(name), contextlib.suppress(InputError):
                write()
        self.assertLess(tracemalloc.get_traced_memory()[1], 2**25)
        with mock.patch("g4f.files.LARGEST", 10):
            self.assertIn("it would have", self.refused(lambda: files.replace(self.folder / "n", b"x" * 11, "it")))

    def test_deep(self) -> None:
        """A file that is nested 10,000 deep is a line; a line of a tape that is stays as it is."""
        self.path.write_bytes(DEEP)
        for name, use in self.readers():
            if name in ("history", "notebook"):
                with self.subTest(name):
                    self.assertIn("nested too deeply", self.refused(lambda use=use: use(str(self.path))))
        for name, path, write in self.kept():
            path.write_bytes(DEEP)
            with self.subTest(name), contextlib.suppress(InputError):
                write()
        self.path.write_bytes(DEEP)
        with self.assertWarnsRegex(UserWarning, "line 1 is no answer of a tape"), g4f.tape(self.path):
            ask()
        self.assertEqual(DEEP, self.path.read_bytes().splitlines()[1])

    def test_broken_answer(self) -> None:
        """An answer whose events or times nobody has recorded is a line, not an error of Python's own."""
        self._record(str(self.path))
        whole = json.loads(self.path.read_bytes())
        for change in ({"ms": [10**400]}, {"ms": [-1]}, {"ms": [10**12]}, {"events": [{"type": "Nothing"}]}):
            self.path.write_bytes(json.dumps(whole | change).encode())
            with self.subTest(change), g4f.tape(self.path, "replay"):
                self.assertRegex(self.refused(ask), "^the answer .* on the tape .* is broken: ")


if __name__ == "__main__":
    sys.exit(unittest.main())
