"""Docker's library for Python, used as its documentation shows. Prints what it has done, one line each; an assertion ends it."""
import io
import socket
import tarfile
import threading
import time

import docker

client = docker.from_env(timeout=20)
NONE = {"network_mode": "none"}


def done(what):
    print(what, flush=True)


def refused(status, act):
    try:
        act()
    except docker.errors.APIError as error:
        assert error.response.status_code == status, error
        return error
    raise AssertionError("not refused")


assert client.ping()
assert client.version()["Os"] == "linux"
assert client.info()["OSType"] == "linux"
done("ping, version, info")

# Containers: run, logs, wait, errors.
assert client.containers.run("busybox", ["echo", "hello"], remove=True, **NONE) == b"hello\n"
assert client.containers.run("busybox", "sh -c 'echo err >&2'", stderr=True, stdout=False, remove=True, **NONE) == b"err\n"
try:
    client.containers.run("busybox", "sh -c 'echo why >&2; exit 3'", remove=True, **NONE)
    raise AssertionError("exit code 3 is no error?")
except docker.errors.ContainerError as error:
    assert error.exit_status == 3 and b"why" in error.stderr, error
try:
    client.containers.run("busybox", "nope", remove=True, **NONE)
    raise AssertionError("nope is there?")
except docker.errors.APIError as error:
    assert "executable file not found" in str(error), error
try:
    client.containers.get("nobody")
    raise AssertionError("nobody is there?")
except docker.errors.NotFound:
    pass
done("run, its output, exit codes and errors")

box = client.containers.run("busybox", "sh -c 'i=0; while :; do i=$((i+1)); echo line $i; sleep 0.05; done'",
                            detach=True, name="box", environment={"A": "1"}, labels={"tier": "test"},
                            mem_limit="64m", hostname="boxhost", **NONE)
assert box.status in ("created", "running")
box.reload()
assert box.status == "running" and box.name == "box" and box.labels["tier"] == "test"
assert box.attrs["Config"]["Env"][0] == "A=1" and box.attrs["HostConfig"]["Memory"] == 64 << 20
assert [c.name for c in client.containers.list(filters={"label": "tier=test"})] == ["box"]
lines = []
for line in box.logs(stream=True, follow=True):
    lines.append(line)
    if len(lines) == 5:
        break
assert b"".join(lines).startswith(b"line 1\nline 2\n"), lines
assert box.logs(tail=1).startswith(b"line ")
assert b"Z line 1\n" in box.logs(timestamps=True)
done("list, inspect, logs")

# Exec: output, streams apart, exit codes, as a socket.
code, output = box.exec_run("sh -c 'echo $A $HOSTNAME; hostname; exit 4'", environment={"HOSTNAME": "x"})
assert code == 4 and output == b"1 x\nboxhost\n", (code, output)
code, (out, err) = box.exec_run("sh -c 'echo out; echo err >&2'", demux=True)
assert (code, out, err) == (0, b"out\n", b"err\n")
assert b"".join(box.exec_run("seq 1000", stream=True).output).count(b"\n") == 1000
_, stream = box.exec_run("cat", stdin=True, socket=True, tty=False)
raw = getattr(stream, "_sock", stream)
raw.sendall(b"ping\n")
answer = b""
while not answer.endswith(b"ping\n"):
    answer += raw.recv(100)
assert answer == b"\x01\0\0\0\0\0\0\x05ping\n", answer
raw.shutdown(socket.SHUT_WR)
assert raw.recv(100) == b""
stream.close()
assert box.exec_run("id -u", user="daemon").output.strip() != b"0"
assert box.exec_run("pwd", workdir="/usr").output == b"/usr\n"
done("exec")

# Attach with input.
reads = client.api.create_container("busybox", "sh -c 'while read x; do echo got $x; done; echo over'", stdin_open=True, name="reads",
                                    host_config=client.api.create_host_config(**NONE))
sock = client.api.attach_socket(reads, params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
client.api.start(reads)
raw = getattr(sock, "_sock", sock)
raw.sendall(b"one\ntwo\n")
answer = b""
while b"got two\n" not in answer:
    answer += raw.recv(1000)
sock.close()
assert b"got one\n" in client.api.logs(reads)
client.api.kill(reads)
assert client.api.wait(reads)["StatusCode"] == 137
client.api.remove_container(reads)
done("attach")

# Stats, top, states.
figures = box.stats(stream=False)
assert figures["memory_stats"]["limit"] == 64 << 20 and figures["pids_stats"]["current"] >= 1, figures
stream = client.api.stats("box", decode=True)
assert next(stream)["name"] == "/box" and next(stream)["read"] > "2000"
assert any("sh" in process[-1] for process in box.top()["Processes"])
box.pause(); box.reload(); assert box.status == "paused"
box.unpause(); box.reload(); assert box.status == "running"
box.rename("boxed"); box.reload(); assert box.name == "boxed"
box.update(mem_limit="96m", memswap_limit="192m"); box.reload()
assert box.attrs["HostConfig"]["Memory"] == 96 << 20
box.restart(timeout=0); box.reload(); assert box.status == "running"
refused(409, lambda: client.containers.create("busybox", name="boxed", **NONE))
refused(409, lambda: box.remove())
done("stats, top, pause, rename, update, restart")

# Events, while something happens.
seen = []
events = client.events(decode=True, filters={"type": "container", "label": "told=yes"})
listener = threading.Thread(target=lambda: [seen.append(event) for event in events], daemon=True)
listener.start()
time.sleep(0.3)
client.containers.run("busybox", "true", remove=True, labels={"told": "yes"}, **NONE)
time.sleep(0.5)
events.close()
actions = [event["Action"] for event in seen]
assert actions[:2] == ["create", "attach"] or actions[:2] == ["create", "start"], actions
assert [action for action in actions if action != "attach"] == ["create", "start", "die", "destroy"], actions
done("events")

# Files: put and get archives, diff, commit, export.
tar = io.BytesIO()
with tarfile.open(fileobj=tar, mode="w") as archive:
    info = tarfile.TarInfo("put")
    info.size = 6
    archive.addfile(info, io.BytesIO(b"inside"))
assert box.put_archive("/tmp", tar.getvalue())
assert box.exec_run("cat /tmp/put").output == b"inside"
bits, stat = box.get_archive("/tmp/put")
assert stat["name"] == "put" and stat["size"] == 6, stat
with tarfile.open(fileobj=io.BytesIO(b"".join(bits))) as archive:
    assert archive.extractfile("put").read() == b"inside"
assert {"Path": "/tmp/put", "Kind": 1} in box.diff()
image = box.commit("committed", tag="1", changes='CMD ["cat", "/tmp/put"]')
assert client.containers.run("committed:1", remove=True, **NONE) == b"inside"
names = []
with tarfile.open(fileobj=io.BytesIO(b"".join(box.export()))) as archive:
    names = archive.getnames()
assert "tmp/put" in names
done("archives, diff, commit, export")

# Images and volumes.
assert "committed:1" in [tag for each in client.images.list() for tag in each.tags]
assert client.images.get("committed:1").id == image.id
saved = b"".join(client.images.get("committed:1").save(named=True))
assert image.tag("other", tag="2")
client.images.remove("committed:1")
client.images.remove("other:2")
assert [each.tags for each in client.images.load(saved)] == [["committed:1"]]
client.images.remove("committed:1")
try:
    client.images.get("committed:1")
    raise AssertionError("it is there?")
except docker.errors.ImageNotFound:
    pass
volume = client.volumes.create("vol", labels={"a": "b"})
assert volume.attrs["Labels"] == {"a": "b"} and [v.name for v in client.volumes.list(filters={"label": "a"})] == ["vol"]
client.containers.run("busybox", "touch /v/x", remove=True, volumes={"vol": {"bind": "/v", "mode": "rw"}}, **NONE)
assert client.containers.run("busybox", "ls /v", remove=True, volumes={"vol": {"bind": "/v", "mode": "ro"}}, **NONE) == b"x\n"
volume.remove()
assert client.volumes.list() == []
assert {n.name for n in client.networks.list()} >= {"none", "host"}
done("images, volumes, networks")

box.stop(timeout=0)
assert box.wait()["StatusCode"] == 137
box.remove()
# The one whose command is not there was made, and never started.
assert [c.status for c in client.containers.list(all=True)] == ["created"]
assert len(client.containers.prune()["ContainersDeleted"]) == 1
assert client.containers.list(all=True) == []
assert client.df()["Containers"] in (None, [])
done("stop, wait, rm, prune, df")
