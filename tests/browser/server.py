"""A real JupyterLab on a free loopback port, with folders of its own, that reaches for nothing outside.

1. A temporary home holds the notebooks, Jupyter's config, data and runtime folders, IPython's profile and temp files,
   and the record of what was tried in the course (`progress`).
2. JupyterLab's own test settings (`jupyterlab.galata`) put `window.jupyterapp` on the page; a token stays on, since
   other people may use this machine.
3. The server is ready when it answers (it prints its address before it listens).  `log` keeps what it prints.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

CONFIG = """
from jupyterlab.galata import configure_jupyter_server

configure_jupyter_server(c)
c.ServerApp.port = {port}
c.ServerApp.root_dir = {root!r}
c.ServerApp.allow_root = True
c.IdentityProvider.token = {token!r}
c.LabApp.workspaces_dir = {workspaces!r}
c.LabApp.extension_manager = "readonly"
c.LabServerApp.extra_labextensions_path = [{galata!r}]
"""

# No question about news, no look-up of a newer version: both would leave this machine.
SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
}


class LabServer:
    """A running JupyterLab; `root` is the folder it serves."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.root = home / "root"
        self.progress = home / "progress.jsonl"
        self.token = secrets.token_hex(16)
        self.log: list[str] = []
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        folders = {name: home / name for name in ("config", "data", "runtime", "ipython", "temporary", "workspaces")}
        for folder in (*folders.values(), self.root, folders["config"] / "labconfig"):
            folder.mkdir(parents=True, exist_ok=True)
        (folders["config"] / "labconfig" / "default_setting_overrides.json").write_text(json.dumps(SETTINGS))
        config = home / "server_config.py"
        import jupyterlab

        galata = Path(jupyterlab.__file__).parent / "galata"
        config.write_text(
            CONFIG.format(
                port=port,
                root=str(self.root),
                token=self.token,
                workspaces=str(folders["workspaces"]),
                galata=str(galata),
            )
        )
        environment = {key: value for key, value in os.environ.items() if not key.startswith("JUPYTER")}
        environment |= {
            "JUPYTER_CONFIG_DIR": str(folders["config"]),
            "JUPYTER_DATA_DIR": str(folders["data"]),
            "JUPYTER_RUNTIME_DIR": str(folders["runtime"]),
            "IPYTHONDIR": str(folders["ipython"]),
            "TMPDIR": str(folders["temporary"]),
            "INTERP_WIDGETS_PROGRESS": str(self.progress),
            "HF_HUB_OFFLINE": "1",
            "PYTHONUNBUFFERED": "1",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", f"--config={config}"],
            cwd=self.root,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # Ctrl-C in a terminal reaches pytest, which ends it in order
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self.log.append(line)

    def wait(self, seconds: float = 90) -> None:
        """Return when the server answers; raise with its log when it ends or stays silent for `seconds`."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                self.api("status")
                return
            except OSError:  # refused: not listening yet
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(0.1)
        self.stop()
        raise RuntimeError(f"JupyterLab did not start within {seconds:.0f} s:\n{''.join(self.log)}")

    def api(self, path: str, method: str = "GET") -> Any:
        """The JSON that Jupyter's REST API answers; None when it answers nothing."""
        request = urllib.request.Request(f"{self.url}/api/{path}", method=method)
        request.add_header("Authorization", f"token {self.token}")
        with urllib.request.urlopen(request, timeout=60) as answer:
            body = answer.read()
        return json.loads(body) if body else None

    def shut_down_kernels(self) -> None:
        """End every session and its kernel: a loaded model is half a gigabyte."""
        for session in self.api("sessions"):
            self.api(f"sessions/{session['id']}", "DELETE")
        for kernel in self.api("kernels"):
            self.api(f"kernels/{kernel['id']}", "DELETE")

    def stop(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait(15)
        self._reader.join(15)
