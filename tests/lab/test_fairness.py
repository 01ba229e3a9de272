# SPDX-License-Identifier: BSD-2-Clause
"""Two greedy VMs and a polite one share a bridge, netback and one processor:

    greedy, greedy -- vifs --+-- fair0 (a switch) --+-- sink: what the greedy ones send
    polite --------- vif ----+                      +-- goal: what the polite one sends

The greedy ones send as fast as they can; the polite one sends at an even rate, some of what it could. Beside greedy ones
without limits it gets a third of the processor, as does dom0, which moves everybody's frames: far less arrives. `clickos
create --rate --cap` holds greedy ones to what was agreed, and then at least 0.9 of what it gets alone arrives.
The test prints the table (pytest -s).

What the machine can do changes while the test runs, as others use it, too. So the polite one's rate is a part of what it
can send at most, the phases take turns, and each round is compared with itself."""

import statistics

import pytest

ROUNDS, SECONDS, FRAME = 3, 3, 60
RATE, CAP = "200Kb/s", 10                   # of a greedy one
LIMIT = 200_000 / 8 / FRAME                 # frames a second
POLITE = 0.25                               # of what the polite one could send alone
SINK, GOAL = "020000000051", "020000000052"

SETUP = f"""
ip link add fair0 type bridge && ip link set fair0 up
for end in sink:{SINK} goal:{GOAL}; do
    name=${{end%:*}}; mac=$(echo ${{end#*:}} | sed 's/../&:/g; s/:$//')
    ip link add $name-br type veth peer name $name address $mac
    ip link set $name-br master fair0; ip link set $name-br up; ip link set $name up
    bridge fdb replace $mac dev $name-br master static
done
"""
TEARDOWN = "for name in sink-br goal-br fair0; do ip link del $name; done"

# What goes into the bridge from each VM, what comes to each end, and the time; twice, and CPU in between.
MEASURE = """
look() {{ cat /sys/class/net/goal/statistics/rx_packets {vifs}; cut -d' ' -f1 /proc/uptime; }}
look; xentop -b -f -i 2 -d {seconds} >/tmp/xentop; look
awk '$1 == "NAME" {{ n++ }} n == 2 && $1 != "NAME" {{ print $1, $4 }}' /tmp/xentop
"""


def frame(destination, source):
    return f"DATA \\<{destination} 0200000000{source} 88b5>, LENGTH {FRAME}"


def greedy(number):
    return f"s :: InfiniteSource({frame(SINK, f'1{number}')}, LIMIT -1, ACTIVE false, BURST 32) -> ToDevice(0);"


NAMES = ("free-0", "free-1", "bound-0", "bound-1")
PHASES = {"alone": (), "greedy": NAMES[:2], "limited": NAMES[2:]}       # who is active beside the polite one


@pytest.fixture(scope="module")
def vms(clickos, lab):
    """Their vifs, by name. They are made once and take turns: making a VM takes longer than a phase."""
    lab.run(SETUP, check=True)
    try:
        made = {}
        for number, name in enumerate(NAMES):
            limits = ["--rate", RATE, "--cap", CAP] if name.startswith("bound") else []
            made[name] = clickos.json("create", name, "--memory", 4, "--vif", "bridge=fair0", *limits, "--config", "-", input=greedy(number))
        made["polite"] = clickos.json("create", "polite", "--memory", 4, "--vif", "bridge=fair0", "--config", "-",
                                      input=f"s :: RatedSource({frame(GOAL, '01')}) -> Queue(200) -> ToDevice(0);")
        for name in made:
            clickos.wait_for_vifs(name, 1)
        yield {name: f"vif{vm['id']}.0" for name, vm in made.items()}
    finally:
        clickos.run("destroy", *NAMES, "polite")
        lab.run(TEARDOWN)


class Phase:
    """`sent`: frames a second that each VM got into the bridge; `goal`: those of the polite one that arrived; `cpu`: percent."""

    def __init__(self, lab, vms, active):
        switch = "".join(f"write {name} s.active %s --timeout 120\n" for name in active)
        lab.run("clickos batch", input=switch.replace("%s", "true"), check=True)
        out = lab.run(MEASURE.format(seconds=SECONDS, vifs=" ".join(f"/sys/class/net/{vif}/statistics/rx_packets" for vif in vms.values())),
                      check=True).stdout.split("\n")
        lab.run("clickos batch", input=switch.replace("%s", "false"), check=True)
        n = len(vms) + 2
        first, second = ([float(line) for line in out[k * n:k * n + n]] for k in (0, 1))
        counts = [(b - a) / (second[-1] - first[-1]) for a, b in zip(first, second)]
        self.goal = counts[0]
        self.sent = dict(zip(vms, counts[1:]))
        self.cpu = {line.split()[0]: float(line.split()[1]) for line in out[2 * n:] if line}


def show(rounds, shares):
    print(f"\n{'polite beside':14} {'polite/s':>9} {'share':>6} {'CPU%':>5}   {'greedy/s':>15} {'CPU%':>11} {'dom0 CPU%':>10}")
    for phases in rounds:
        for name, p in phases.items():
            print(f"{name:14} {p.goal:9.0f} {p.goal / phases['alone'].goal:6.2f} {p.cpu['polite']:5.1f}   "
                  f"{' '.join(f'{p.sent[vm]:7.0f}' for vm in PHASES[name]):>15} "
                  f"{' '.join(f'{p.cpu[vm]:5.1f}' for vm in PHASES[name]):>11} {p.cpu['Domain-0']:10.1f}")
    print("median shares:", ", ".join(f"{name} {share:.2f}" for name, share in shares.items()))


@pytest.mark.slow
def test_the_polite_one_keeps_its_share(lab, vms):
    lab.run("clickos write polite s.rate 1000000", check=True)
    most = Phase(lab, vms, ()).goal
    lab.run(f"clickos write polite s.rate {int(most * POLITE)}", check=True)
    rounds = [{name: Phase(lab, vms, active) for name, active in PHASES.items()} for _ in range(ROUNDS)]
    shares = {name: statistics.median(phases[name].goal / phases["alone"].goal for phases in rounds) for name in PHASES}
    print(f"\nthe polite one can send {most:.0f} frames a second, and wants {most * POLITE:.0f}; limits {RATE} ({LIMIT:.0f}/s), {CAP} %")
    show(rounds, shares)
    for phases in rounds:
        for vm in PHASES["greedy"]:
            assert phases["greedy"].sent[vm] > 1.5 * LIMIT and phases["greedy"].cpu[vm] > 1.5 * CAP, "not greedy at all"
        for vm in PHASES["limited"]:
            assert phases["limited"].sent[vm] <= 1.1 * LIMIT, "more than its rate"
            assert phases["limited"].cpu[vm] <= 1.2 * CAP, "more than its cap"
    assert shares["greedy"] < 0.9, "without limits there is no harm: this shows nothing"
    assert shares["limited"] >= 0.9
