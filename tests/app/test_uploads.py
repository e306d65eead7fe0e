"""Files that readers upload are capped for each visit, and freed when it ends."""

from __future__ import annotations

import subprocess
import sys

SERVER = """
import asyncio, warnings
warnings.simplefilter("ignore")
from streamlit.runtime.uploaded_file_manager import UploadedFileRec
from streamlit.web import bootstrap
from streamlit.web.server.server import Server
from sim.app import serve

class Reader:
    def write_forward_msg(self, message): pass

def held():
    files = app.uploaded_file_mgr.file_storage
    return sorted(file.file_id for visit in files.values() for file in visit.values())

async def visits():
    await app.start()
    one, other = (app.connect_session(client=Reader(), user_info={}) for _ in range(2))
    app.uploaded_file_mgr.add_file(other, UploadedFileRec("other", "a.toml", "", b"x"))
    for n in range(200):
        app.uploaded_file_mgr.add_file(one, UploadedFileRec(str(n), "a.toml", "", bytes(2**20)))
    print(held())
    app.disconnect_session(one)
    print(held())
    app.disconnect_session(other)
    print(held())
    app.stop()

serve.cap_uploads()
bootstrap.load_config_options({name.replace(".", "_"): value for name, value in serve.OPTIONS.items()})
app = Server(str(serve.PAGES), False)._runtime
asyncio.run(visits())
"""


def test_files_of_a_visit_are_capped_and_freed_at_its_end() -> None:
    done = subprocess.run([sys.executable, "-c", SERVER], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["['198', '199', 'other']", "['other']", "[]"]
