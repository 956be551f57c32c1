""" Commands, packages, ports and processes of this machine. """

import atexit
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager, nullcontext
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
DEV = REPOSITORY / 'dev'
CACHE = Path(
    os.environ.get('PAYMENT_APS_CACHE') or Path.home() / '.cache' / 'payment_aps'
).resolve()

STARTED = []  # The processes to stop at the end, in the order in which they were started.
SAID = {'text': '', 'time': time.monotonic()}  # What was said last, and when.
DOING = set()  # What goes on in other processes, for the signs of life.
SILENCE = 20  # The seconds after which a sign of life is due.
STOP_TIME = 60  # How long a process may take to stop, with what it has started, in seconds.


class Failure(Exception):
    """ A step that failed, with a sentence that says what to do. """


def say(text):
    """ Print a line of progress at once. """
    print(text, flush=True)
    SAID.update(text=text.strip(), time=time.monotonic())


def give_signs_of_life():
    """ Have a line printed whenever nothing was said for some time.

    :return: What ends that, once it is set; else the end of the process does.
    :rtype: threading.Event
    """
    begin, end = time.monotonic(), threading.Event()

    def watch():
        while not end.wait(1):
            if time.monotonic() - SAID['time'] >= SILENCE:
                doing = ', '.join(sorted(DOING)) or SAID['text'].splitlines()[-1]
                say(f"  {time.monotonic() - begin:.0f} s: {doing}")
                SAID['text'] = doing

    threading.Thread(target=watch, daemon=True).start()
    return end


def make_run_folder():
    """ Return a new temporary folder, which is removed at the end.

    :return: The folder.
    :rtype: Path
    """
    folder = Path(tempfile.mkdtemp(prefix='payment_aps-'))
    folder.chmod(0o755)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def run(command, log=None, what=None, timeout=None, **kwargs):
    """ Run a command to its end.

    :param list command: The command and its arguments.
    :param Path log: The file that takes what the command prints.
    :param str what: What the command does, for the message if it fails.
    :param float timeout: The seconds after which it is stopped.
    :return: The completed process.
    :rtype: subprocess.CompletedProcess
    :raise Failure: If the command fails and `what` is given.
    """
    command = [str(part) for part in command]
    with open(log, 'ab') if log else nullcontext(subprocess.PIPE) as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output,
            stderr=subprocess.STDOUT if log else subprocess.PIPE, text=True, **kwargs,
        )
        try:
            texts = process.communicate(timeout=timeout)
        except BaseException:  # Let it stop what it has started itself.
            process.terminate()
            process.wait(60)
            raise
    result = subprocess.CompletedProcess(command, process.returncode, *texts)
    if what and result.returncode:
        last = (result.stderr or result.stdout or '').strip().splitlines()[-1:] if not log else []
        raise Failure(
            f"{what} failed (exit status {result.returncode}). "
            + (f"Log: {log}" if log else ''.join(last))
        )
    return result


def start(command, log=None, **kwargs):
    """ Start a process that is stopped at the end, with all its children.

    :param list command: The command and its arguments.
    :param Path log: The file that takes what it prints; it is shown by default.
    :return: The process.
    :rtype: subprocess.Popen
    """
    with open(log, 'ab') if log else nullcontext() as output:
        process = subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=output,
            stderr=subprocess.STDOUT, start_new_session=True, **kwargs,
        )
    STARTED.append(process)
    return process


def stop(process):
    """ Stop a process that was started, and its children. """
    if process in STARTED:
        STARTED.remove(process)
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
            process.wait(STOP_TIME)
            return
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def end(process, sign):
    """ End a process that was started, and its children, with one signal.

    :param subprocess.Popen process: The process.
    :param signal.Signals sign: The signal, such as `SIGKILL` for a death without warning.
    :return: None
    """
    os.killpg(process.pid, sign)
    process.wait(60)
    STARTED.remove(process)


def list_family(pid):
    """ Return a process and its living descendants.

    :param int pid: The process.
    :return: The ids.
    :rtype: list[int]
    """
    with open(f'/proc/{pid}/task/{pid}/children') as file:
        children = [int(child) for child in file.read().split()]
    return [pid, *(one for child in children for one in list_family(child))]


@atexit.register
def stop_all():
    """ Stop whatever was started, latest first. """
    for process in reversed(list(STARTED)):
        stop(process)


def exit_on_signals():
    """ Have everything stopped when the user or the system ends the command.

    The first signal counts: another one would end the stopping, and leave servers behind.
    """
    signs = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def leave(*_args):
        for sign in signs:
            signal.signal(sign, signal.SIG_IGN)
        sys.exit(130)

    for sign in signs:
        signal.signal(sign, leave)


def find_free_port():
    """ Return a port of the loopback interface that nobody listens on, at least 8000. """
    while True:
        with socket.socket() as probe:
            probe.bind(('127.0.0.1', 0))
            port = probe.getsockname()[1]
        if port >= 8000:
            return port


def wait_for_http(url, process, log, seconds=180):
    """ Wait until a server answers.

    :param str url: The address to ask.
    :param subprocess.Popen process: The server.
    :param Path log: The log of the server, for the message if it fails.
    :param float seconds: How long to wait.
    :return: None
    :raise Failure: If the server ends or doesn't answer in time.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise Failure(f"The server at {url} ended unexpectedly. Log: {log}")
        try:
            urllib.request.urlopen(url, timeout=30).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.3)
    raise Failure(f"The server at {url} doesn't answer. Log: {log}")


@contextmanager
def locked(name):
    """ Have one process at a time do what several may find undone.

    :param str name: What they do.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / f'{name}.lock', 'w') as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def install_packages(*names):
    """ Install Debian packages that are missing.

    :param str names: The names of the packages.
    :return: None
    :raise Failure: If they are missing and cannot be installed.
    """
    missing = [name for name in names if not is_installed(name)]
    if not missing:
        return
    say(f"Installing {', '.join(missing)} with apt...")
    apt = ['apt-get'] if os.geteuid() == 0 else ['sudo', '-n', 'apt-get']
    if not shutil.which(apt[0]):
        raise Failure(f"Please install these Debian packages: {' '.join(missing)}")
    environment = {**os.environ, 'DEBIAN_FRONTEND': 'noninteractive'}
    with locked('apt'):
        log = CACHE / 'apt.log'
        run([*apt, 'update'], log=log, env=environment)
        run(
            [*apt, 'install', '-y', '--no-install-recommends', *missing], log=log, env=environment,
            what=f"Installing {' '.join(missing)} with apt",
        )


def is_installed(name):
    """ Return whether a Debian package is installed. """
    result = run(['dpkg-query', '-W', '-f', '${Status}', name])
    return 'ok installed' in result.stdout
