# SPDX-License-Identifier: BSD-2-Clause
"""examples/nat.click and router.click in a VM, between real hosts: network namespaces of dom0.

    namespace `left`  eth0 === left0 - br0 -- vif 0 [ VM ] vif 1 -- br1 - right0 === eth0  namespace `right`

curl fetches 10 MB from nginx through the VM, and the contents must be equal.
"""

import pytest

SIZE = 10_000_000


def host(lab, name, bridge, address, gateway=None, offloads=False):
    """A namespace with one interface on the bridge. Without offloads frames are as from a real card: short, their
    checksums complete."""
    lab.run(f"""set -e
        ip netns add {name}
        ip link add {name}0 type veth peer name eth0 netns {name}
        ip link set {name}0 master {bridge} up
        {"" if offloads else f"ip netns exec {name} ethtool -K eth0 tx off tso off gso off >/dev/null"}
        ip -n {name} address add {address} dev eth0
        ip -n {name} link set lo up
        ip -n {name} link set eth0 up
        {f"ip -n {name} route add default via {gateway}" if gateway else ""}""", check=True)


@pytest.fixture
def hosts(lab):
    made = []

    def make(name, *arguments, **options):
        made.append(name)
        host(lab, name, *arguments, **options)

    yield make
    for name in made:
        lab.run(f"pkill -F /tmp/nginx-{name}.pid; ip netns pids {name} | xargs -r kill; "
                f"ip link delete {name}0; ip netns delete {name}")


def serve(lab, name):
    """nginx in the namespace, with a file of random bytes; its checksum."""
    lab.run(f"""set -e
        mkdir -p /tmp/www /var/log/nginx /var/lib/nginx
        head -c {SIZE} /dev/urandom >/tmp/www/file
        cat >/tmp/nginx.conf <<END
        user root; worker_processes 1; pid /tmp/nginx-{name}.pid; error_log /tmp/nginx.log;
        events {{ worker_connections 64; }}
        http {{ access_log off; server {{ listen 80; root /tmp/www; }} }}
END
        ip netns exec {name} nginx -c /tmp/nginx.conf""", check=True)
    return lab.run("sha256sum </tmp/www/file", check=True).stdout


def fetch(lab, name, url):
    """Checksum of what curl gets; what it complains about is in the answer, too."""
    return lab.run(f"ip netns exec {name} curl -sS --max-time 100 -o /tmp/got {url} 2>&1; sha256sum </tmp/got",
                   timeout=150).stdout


def ping(lab, name, address, *options):
    return lab.run(["ip", "netns", "exec", name, "ping", "-c", "3", "-w", "10", *options, address])


@pytest.fixture
def vm(clickos, examples):
    made = []

    def make(name, config, vm_type="pv", memory=8):
        clickos(f"create {name} --type {vm_type} --memory {memory} --vif bridge=br0 --vif bridge=br1 "
                f"--config {examples}/{config}")
        made.append(name)

    yield make
    for name in made:
        clickos(f"destroy {name}")


@pytest.mark.parametrize("vm_type", ["pv", "pvh"])
def test_nat(lab, clickos, hosts, vm, vm_type):
    hosts("left", "br0", "10.0.0.2/24", "10.0.0.1")
    hosts("right", "br1", "192.0.2.254/24")             # knows nothing of 10.0.0.0/24
    vm("nat", "nat.click", vm_type)
    done = ping(lab, "left", "192.0.2.254")
    assert done.returncode == 0, done.stdout + lab.console("nat")
    wanted = serve(lab, "right")
    assert fetch(lab, "left", "http://192.0.2.254/file") == wanted
    # The server saw the NAT's address, and nobody outside gets in.
    assert ping(lab, "right", "10.0.0.2", "-W", "1").returncode != 0
    assert int(clickos("read nat nat.table_size").stdout) > 0


def test_router(lab, hosts, vm):
    hosts("left", "br0", "10.0.1.2/24", "10.0.1.1")
    hosts("right", "br1", "10.0.2.2/24", "10.0.2.1")
    vm("router", "router.click")
    assert ping(lab, "left", "10.0.1.1").returncode == 0       # the router's own addresses
    done = ping(lab, "left", "10.0.2.2")
    assert done.returncode == 0 and "ttl=63" in done.stdout
    wanted = serve(lab, "right")
    assert fetch(lab, "left", "http://10.0.2.2/file") == wanted
