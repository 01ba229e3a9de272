# SPDX-License-Identifier: BSD-2-Clause
# common.sh - what the lab's commands share: where things are, and how they speak.
#
# A command sets $usage, sources this file, reads its options (--name into $name) and calls
# locate. Afterwards:
#   $lab    this folder            $base   $BUILD/dom0: packages, keys, kernel, initramfs; the Linux guest's
#   $state  $BUILD/lab/NAME: one lab's pid, ssh port, NIC sockets, serial log

set -eu

lab=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
BUILD=${BUILD:-$lab/../build}
name=${LAB:-lab}

say() { echo "lab: $*" >&2; }
die() { say "$*"; exit 1; }

# value OPTION ARGUMENTS-LEFT: an option that wants a value has one.
value() { [ "$2" -ge 2 ] || die "$1: wants a value (see --help)"; }

# unknown ARGUMENT: the end of every command's option table.
unknown() { say "$1: not known"; echo "$usage" >&2; exit 2; }

locate() {
    case $name in
        '' | *[!A-Za-z0-9_.-]* | .*) die "--name $name: want letters, digits, '_', '-' and '.'" ;;
    esac
    mkdir -p "$BUILD/lab" "$BUILD/dom0"
    base=$(cd "$BUILD/dom0" && pwd -P)
    state=$(cd "$BUILD/lab" && pwd -P)/$name
}

# qemu_pid: prints the pid of this lab's QEMU, fails when it does not run. The number alone could be
# somebody else's by now, so the process has to have our pid file among its arguments.
qemu_pid() {
    local pid
    pid=$(cat "$state/pid" 2>/dev/null) && [ -n "$pid" ] || return 1
    tr '\0' '\n' 2>/dev/null <"/proc/$pid/cmdline" | grep -qxF -- "$state/pid" || return 1
    echo "$pid"
}

need_lab() {
    qemu_pid >/dev/null || die "lab '$name' is not up (lab/up --name $name)"
}

# become_dom0 SSH-ARGUMENTS…: turns into ssh into dom0, through the connection that lab/up left open (a
# new one costs a second of key exchange). In $state, because a socket's path has at most 107 characters.
become_dom0() {
    cd "$state"
    exec ssh -F none -i "$base/key" -p "$(cat port)" -o ControlPath=ssh \
        -o UserKnownHostsFile="$base/known_hosts" -o HostKeyAlias=dom0 \
        -o BatchMode=yes -o IdentitiesOnly=yes -o LogLevel=ERROR root@127.0.0.1 "$@"
}

dom0() { (become_dom0 "$@"); }
