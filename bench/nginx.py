"""nginx, which sends the same bytes from a file whatever is asked: `python -m bench.nginx --port N`.

The bytes are the file `body` in the folder NGINX_FOLDER.
"""

import argparse
import os
import shutil
from pathlib import Path

_CONFIGURATION = """\
daemon off;
worker_processes 1;
pid {folder}/pid;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    sendfile on;
    keepalive_requests 1000000000;
    client_body_temp_path {folder}/received;
    proxy_temp_path {folder}/proxied;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} backlog=1024;
        root {folder};
        location / {{ default_type application/json; try_files /body =404; }}
    }}
}}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    folder, port = Path(os.environ["NGINX_FOLDER"]), parser.parse_args().port
    configuration = folder / "nginx.conf"
    configuration.write_text(_CONFIGURATION.format(folder=folder, port=port))
    program = shutil.which("nginx") or "nginx"
    os.execv(program, [program, "-c", str(configuration), "-e", str(folder / "errors")])


if __name__ == "__main__":
    main()
