""" nginx in front of Odoo servers: the machine's, else Debian's package, unpacked in the cache. """

import os
import shutil
from pathlib import Path

from ..system import CACHE, Failure, find_free_port, run, say, start, wait_for_http

PACKAGE = CACHE / 'nginx'
CONFIGURATION = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    upstream nodes {{
        {servers}
    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://nodes;
            proxy_read_timeout 120s;
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-Host $http_host;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        }}
    }}
}}
"""


def start_nginx(run_folder, name, addresses):
    """ Start an nginx that hands requests to servers in turn.

    :param Path run_folder: The folder of the run.
    :param str name: The name of its own folder.
    :param list[str] addresses: The hosts and ports of the servers.
    :return: Its address.
    :rtype: str
    """
    folder = run_folder / name
    folder.mkdir()
    port = find_free_port()
    configuration = folder / 'nginx.conf'
    configuration.write_text(CONFIGURATION.format(
        folder=folder, port=port,
        servers='\n        '.join(f'server {address};' for address in addresses),
    ))
    if os.geteuid() == 0:  # The worker must not need another account.
        configuration.write_text('user root;\n' + configuration.read_text())
    log = folder / 'error.log'
    process = start(
        [find_nginx(), '-p', folder, '-e', log, '-c', configuration], log=log, cwd=folder
    )
    url = f'http://127.0.0.1:{port}'
    wait_for_http(f'{url}/web/health', process, log, seconds=30)
    return url


def find_nginx():
    """ Return the program, unpacked from Debian's package if the machine has none.

    The package isn't installed: it would start a server on port 80.

    :return: The program.
    :rtype: Path
    :raise Failure: If it cannot be had.
    """
    installed = shutil.which('nginx') or shutil.which('nginx', path='/usr/sbin')
    if installed:
        return Path(installed)
    program = PACKAGE / 'usr' / 'sbin' / 'nginx'
    if program.exists():
        return program
    say("Fetching nginx from the Debian archive...")
    PACKAGE.mkdir(parents=True, exist_ok=True)
    if run(['apt-get', 'download', 'nginx'], cwd=PACKAGE).returncode:
        apt = ['apt-get'] if os.geteuid() == 0 else ['sudo', '-n', 'apt-get']
        run([*apt, 'update'], what="Updating the lists of apt")
        run(['apt-get', 'download', 'nginx'], cwd=PACKAGE, what="Downloading nginx")
    for file in PACKAGE.glob('*.deb'):
        run(['dpkg', '-x', file, PACKAGE], what=f"Unpacking {file.name}")
        file.unlink()
    if not program.exists():
        raise Failure("Debian's package of nginx holds no program. Install nginx.")
    return program
