"""JupyterLab as a learner starts it, and a real browser that opens its lessons."""

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser, Locator, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
ARTIFACTS = ROOT / "build" / "browser"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
REQUIRED = "ECGLAB_REQUIRE_BROWSER"  # set where a missing browser is a failure
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)

# What keeps someone from reading, by axe's count; what it cannot decide is not among it.
AXE = """async (root, options) => {
  await new Promise(resolve => requestAnimationFrame(() => setTimeout(resolve)));
  const found = await axe.run(root, { resultTypes: ["violations"], ...options });
  return found.violations
    .filter(({ impact }) => ["serious", "critical"].includes(impact))
    .map(({ id, nodes }) => `${id}: ${nodes.map(n => n.html.slice(0, 150)).join(" | ")}`);
}"""


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab: where it answers, its token and its folder with the lessons."""

    address: str
    token: str
    folder: Path

    def ask(self, path: str, method: str = "GET") -> Any:
        """What the server's own interface answers, None for an empty answer."""
        headers = {"Authorization": f"token {self.token}"}
        with urlopen(Request(self.address + path, method=method, headers=headers)) as answer:
            return json.loads(answer.read() or "null")

    def stop_kernels(self) -> None:
        """End every kernel, so that the next lesson has the machine to itself."""
        for session in self.ask("/api/sessions"):
            self.ask(f"/api/sessions/{session['id']}", "DELETE")


@pytest.fixture(scope="session")
def browser_program() -> str:
    """The Chromium of this machine; without one the tests say that they are left out."""
    for name in BROWSERS:
        if found := shutil.which(name):
            return found
    missing = (
        f"no browser found, looked for {', '.join(BROWSERS)}: the lessons' widgets are not tried "
        f"('apt install chromium' on Debian and Ubuntu)"
    )
    if os.environ.get(REQUIRED):
        pytest.fail(missing)
    pytest.skip(missing)


@contextlib.contextmanager
def running_lab(folder: Path, root: Path, *program: str) -> Iterator[Lab]:
    """JupyterLab on the files in ``root``, with settings of its own in ``folder``.

    ``program`` is the module with its arguments that starts it; more options come behind them.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    news = folder / "JUPYTERLAB_SETTINGS_DIR/@jupyterlab/apputils-extension"
    news.mkdir(parents=True)  # without the question that would lie on the pictures
    (news / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
    log = folder / "log.txt"
    own = ("JUPYTER_CONFIG_DIR", "JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR")
    command = [
        *(sys.executable, "-m", *program, "--no-browser", "--allow-root"),
        *("--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0"),
        *(f"--IdentityProvider.token={token}", "--LabApp.expose_app_in_browser=True"),
    ]
    with log.open("w") as output:
        server = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **{name: str(folder / name) for name in own}},
            start_new_session=True,  # a process group of its own, which can be ended whole
        )
    started = Lab(f"http://127.0.0.1:{port}", token, root)
    try:
        wait_for(started, server, log)
        yield started
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(timeout=30)
        except subprocess.TimeoutExpired:  # it waits for a kernel that does not answer
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def copy_lessons(target: Path) -> None:
    """Copy the lessons, so that a run in the browser leaves the checkout as it is."""
    left_out = shutil.ignore_patterns(".ipynb_checkpoints")
    shutil.copytree(ROOT / "notebooks", target, ignore=left_out)


@pytest.fixture(scope="module")
def lab(browser_program: str, cache_folder: Path, tmp_path_factory) -> Iterator[Lab]:
    """JupyterLab on copies of the lessons, with settings of its own."""
    folder = tmp_path_factory.mktemp("lab")
    lessons = folder / "lessons"
    copy_lessons(lessons)
    with running_lab(folder, lessons, "ecglab", "lab", f"--notebooks={lessons}", "--") as started:
        yield started


@pytest.fixture(scope="module")
def classroom(browser_program: str, tmp_path_factory) -> Iterator[Lab]:
    """JupyterLab as the classroom image starts it: with the settings of binder/."""
    folder = tmp_path_factory.mktemp("classroom")
    copy_lessons(folder / "repository" / "notebooks")
    config, settings = folder / "JUPYTER_CONFIG_DIR", folder / "settings"
    for name, target in {"jupyter_config.json": config, "overrides.json": settings}.items():
        target.mkdir()
        shutil.copy(ROOT / "binder" / name, target)
    root = folder / "repository"
    program = ("jupyterlab", str(root), f"--LabApp.app_settings_dir={settings}")
    with running_lab(folder, root, *program) as started:
        yield started


def wait_for(lab: Lab, server: subprocess.Popen, log: Path) -> None:
    """Wait until the server answers; fail with its log where it does not."""
    for _ in range(600):
        if server.poll() is not None:
            break
        with contextlib.suppress(URLError, ConnectionError):
            lab.ask("/api/status")
            return
        time.sleep(0.2)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()[-3000:]}")


@pytest.fixture(scope="module")
def browser(browser_program: str) -> Iterator[Browser]:
    """A headless browser."""
    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=browser_program, args=[*QUIET])
        yield started
        started.close()


@pytest.fixture(scope="module")
def opened(browser: Browser, lab: Lab) -> Iterator[Page]:
    """JupyterLab in a page large enough for a picture and its controls; loading it takes long."""
    shown = browser.new_page(viewport={"width": 1400, "height": 1000})
    shown.set_default_timeout(120_000)
    shown.goto(f"{lab.address}/doc?token={lab.token}&reset")
    shown.wait_for_function("() => window.jupyterapp?.commands.hasCommand('docmanager:open')")
    yield shown
    shown.close()


@pytest.fixture
def page(opened: Page, lab: Lab) -> Iterator[Page]:
    """The page with JupyterLab; what a test opens in it is closed, and its kernel ends."""
    yield opened
    opened.evaluate("() => window.jupyterapp.shell.currentWidget?.dispose()")
    lab.stop_kernels()


@pytest.fixture(scope="session")
def serious_findings() -> Callable[..., list[str]]:
    """What axe-core finds in a part of a page that keeps someone from using it.

    By all of its rules, or by those that are named.
    """
    axe = files("axe_playwright_python").joinpath("axe.min.js").read_text()

    def findings(root: Locator, *rules: str) -> list[str]:
        if not root.page.evaluate("() => 'axe' in window"):
            root.page.evaluate(axe)
        return root.evaluate(AXE, {"runOnly": list(rules)} if rules else {})

    return findings


@pytest.fixture(scope="session")
def artifacts() -> Path:
    """Folder for screenshots and measured times, kept after the tests."""
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    return ARTIFACTS
