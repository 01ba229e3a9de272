# SPDX-License-Identifier: BSD-2-Clause
"""clickos check, flatten, pretty, graph and elements: configurations looked at without a VM, by the rules of the router."""

import json
import os
import pathlib
import resource
import subprocess

import pytest

import random_configurations
from conformance import Case, case_files

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("BUILD") or ROOT / "build")


def clickos(*words, code=0, input=""):
    """(standard output, standard error) of a command that ends with this code."""
    done = subprocess.run([BUILD / "clickos", *words], capture_output=True, text=True, timeout=60, input=input,
                          errors="replace")
    assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout, done.stderr


CONFIGS = [path for path in case_files() if Case(ROOT / path).get("config") is not None
           and (Case(ROOT / path).get("args") or ["config"])[-1].split()[-1] == "config"
           and not Case(ROOT / path).all("file") and "=" not in "".join(Case(ROOT / path).get("args") or [])]


def text_of(path):
    return "\n".join(Case(ROOT / path).get("config")) + "\n"


def both(tmp_path, path, *words):
    """What build/click and clickos say of the same file."""
    (tmp_path / "config").write_text(text_of(path))
    click = subprocess.run([BUILD / "click", "-q", "-o-", "config"], cwd=tmp_path, capture_output=True, text=True,
                           timeout=60, errors="replace", check=False)
    ours = subprocess.run([BUILD / "clickos", *words, "config"], cwd=tmp_path, capture_output=True, text=True,
                          timeout=60, errors="replace", check=False)
    return click, ours


# ---- check ----

@pytest.mark.parametrize("path", CONFIGS, ids=str)
def test_check_says_what_click_says(path, tmp_path):
    click, check = both(tmp_path, path, "check")
    if "While initializing" in click.stderr:        # what check leaves out
        assert check.returncode == 0
        return
    said = click.stderr.replace("Router could not be initialized!\n", "")
    # A run may complain at once, of a script that begins for instance.
    assert check.stderr == said or (check.returncode == 0 and said.startswith(check.stderr))
    assert check.returncode == click.returncode
    assert check.stdout == ""


def test_check_finds_everything():
    config = "a :: Counter(COUNT_CALL x);\nIdle -> b :: Switch(x) -> Discard;\nIdle -> a -> Discard;\n"
    _, error = clickos("check", code=1, input=config)
    assert "<stdin>:1: While configuring 'a :: Counter':" in error
    assert "<stdin>:2: While configuring 'b :: Switch':" in error


def test_check_opens_no_device_and_no_file(tmp_path):
    out = tmp_path / "out.pcap"
    clickos("check", "-e", f"FromDevice(nosuch0) -> ToDump({out}); FromDump(/nosuch) -> Discard; "
            "Idle -> Queue -> ToDevice(tap:nosuch1)")
    assert not out.exists()


def test_check_takes_parameters():
    config = "define($N 1); Idle -> Switch($N) -> Discard"
    assert "must be < 1" in clickos("check", "-e", config, code=1)[1]
    assert clickos("check", "N=0", "-e", config) == ("", "")


def test_check_as_json():
    config = "Idle -> b :: Switch(x) -> Discard;\nIdle -> Switch(9) -> Discard;\n"
    report = json.loads(clickos("check", "--json", "-", code=1, input=config)[0])
    assert (report["errors"], report["warnings"], report["file"]) == (2, 0, "<stdin>")
    assert [m["landmark"] for m in report["messages"]] == ["<stdin>:1", "<stdin>:2"]
    assert report["messages"][0]["about"] == "While configuring 'b :: Switch'"
    assert report["messages"][0]["message"].startswith("OUTPUT: ")
    good = json.loads(clickos("check", "--json", "-e", "Idle -> Discard")[0])
    assert (good["errors"], good["elements"], good["messages"]) == (0, 2, [])


@pytest.mark.parametrize("command", ["check", "flatten", "pretty", "graph"])
def test_a_file_without_end(command):
    limit = (600 << 20, 600 << 20)
    done = subprocess.run([BUILD / "clickos", command, "/dev/zero"], capture_output=True, text=True, timeout=60,
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, limit), check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "/dev/zero: File too large\n")


def test_check_needs_one_configuration(tmp_path):
    assert "another" in clickos("check", "a", "b", code=2)[1]
    assert "/nosuch/file" in clickos("check", "/nosuch/file", code=1)[1]
    assert "clickos check" in clickos("check", "--help")[0]


@pytest.mark.parametrize("example", sorted((ROOT / "examples").glob("*.click")), ids=lambda path: path.name)
def test_examples_are_in_order(example):
    assert clickos("check", str(example)) == ("", "")


# ---- flatten ----

@pytest.mark.parametrize("path", CONFIGS, ids=str)
def test_flatten_prints_what_click_prints(path, tmp_path):
    click, flatten = both(tmp_path, path, "flatten")
    if click.returncode == 0:
        assert flatten.stdout == click.stdout
    if flatten.returncode == 0:     # and that says the same again
        assert clickos("flatten", input=flatten.stdout)[0] == flatten.stdout
    else:
        assert flatten.stdout == "" and flatten.stderr


def test_flatten_takes_classes_that_we_do_not_have():
    assert "f :: Foreign(1);" in clickos("flatten", "-e", "Idle -> f :: Foreign(1) -> Other -> Discard")[0]
    assert "class 'A' used as element name" in clickos("flatten", "-e", "A -> B; A :: Idle", code=1)[1]


def test_flatten_into_a_file(tmp_path):
    assert clickos("flatten", "-o", str(tmp_path / "flat"), "-e", "Idle -> Discard") == ("", "")
    assert (tmp_path / "flat").read_text() == "Idle@1 :: Idle;\nDiscard@2 :: Discard;\n\nIdle@1 -> Discard@2;\n"
    assert "/nosuch/flat: No such file" in clickos("flatten", "-o", "/nosuch/flat", "-e", "Idle", code=1)[1]


def test_flatten_finds_libraries(tmp_path):
    (tmp_path / "lib.click").write_text("elementclass Twice { input -> Null -> Null -> output }\n")
    config = "require(library lib.click); Idle -> Twice -> Discard"
    assert "Twice@2/Null@2" in clickos("flatten", "-C", str(tmp_path), "-e", config)[0]


# ---- pretty ----

def prettied(text):
    """The pretty text, which must be its own pretty text and mean the same."""
    pretty, error = clickos("pretty", input=text)
    assert clickos("pretty", input=pretty)[0] == pretty, pretty
    assert clickos("flatten", input=pretty)[0] == clickos("flatten", input=text)[0]
    return pretty


@pytest.mark.parametrize("path", CONFIGS, ids=str)
def test_pretty_changes_no_meaning(path):
    text = text_of(path)
    flat = subprocess.run([BUILD / "clickos", "flatten"], capture_output=True, text=True, timeout=60, input=text,
                          errors="replace", check=False)
    if flat.returncode == 0:
        prettied(text)
    else:
        assert clickos("pretty", code=1, input=text) == ("", flat.stderr)


@pytest.mark.parametrize("seed", range(100))
def test_pretty_of_random_configurations(seed):
    prettied(random_configurations.configuration(seed))


def test_pretty_keeps_comments_and_sets_space():
    ugly = """// first
elementclass   A {$n|input->Queue( $n )  // holds
->output}
/* two
   lines */
Idle->a::A( 5 );a [0]->Unqueue->
Discard


;Idle
 -> [ 0 ] Discard
"""
    assert prettied(ugly) == """// first
elementclass A { $n |
    input -> Queue( $n ) // holds
        -> output
}
/* two
   lines */
Idle -> a :: A( 5 );
a[0] -> Unqueue -> Discard;
Idle
    -> [0]Discard
"""


def test_pretty_in_place(tmp_path):
    file = tmp_path / "x.click"
    file.write_text("Idle->Discard;")
    assert "is not in the form" in clickos("pretty", "--check", str(file), code=1)[1]
    file.chmod(0o640)
    assert clickos("pretty", "-w", str(file)) == ("", "")
    assert file.read_text() == "Idle -> Discard;\n" and file.stat().st_mode & 0o777 == 0o640
    assert clickos("pretty", "--check", str(file)) == ("", "")
    assert [path.name for path in tmp_path.iterdir()] == ["x.click"]
    link = tmp_path / "link.click"
    link.symlink_to("x.click")
    file.write_text("Idle->Discard;")
    assert clickos("pretty", "-w", str(link)) == ("", "")
    assert link.is_symlink() and file.read_text() == "Idle -> Discard;\n"
    assert "--write needs a file" in clickos("pretty", "-w", input="Idle", code=2)[1]
    file.write_text("Idle -> ;")
    assert clickos("pretty", "-w", str(file), code=1)[1] and file.read_text() == "Idle -> ;"


# ---- elements ----

def test_elements_lists_every_class():
    names = [line.split()[0] for line in clickos("elements")[0].splitlines()]
    assert names == sorted(names) and {"Counter", "FromDevice", "IPFilter", "ToDump"} <= set(names)
    listed = json.loads(clickos("elements", "--json")[0])
    assert [entry["name"] for entry in listed] == names
    assert all(entry["purpose"] and entry["ports"] for entry in listed)


def test_the_manual_of_a_class():
    shown, _ = clickos("elements", "Queue")
    assert shown.startswith("Queue - ") and "CAPACITY" in shown and "drops (read)" in shown
    entry = json.loads(clickos("elements", "Queue", "--json")[0])
    assert entry["arguments"][0]["name"] == "CAPACITY" and entry["live_config"]


def test_a_class_that_there_is_not():
    assert "did you mean Counter" in clickos("elements", "Conter", code=1)[1]
    assert "lists them" in clickos("elements", "Xyzzyxyzzy", code=1)[1]


# ---- graph ----

def dot_of(*words, **options):
    """DOT that graphviz itself has read: its nodes and edges by label."""
    dot, _ = clickos("graph", *words, **options)
    plain = subprocess.run(["dot", "-Tplain"], input=dot, capture_output=True, text=True, timeout=60, check=True)
    assert plain.stderr == ""
    lines = [line.split() for line in plain.stdout.splitlines()]
    names = {line[1] for line in lines if line[0] == "node"} - {f"legend_{c}" for c in "abcd"}
    edges = [line for line in lines if line[0] == "edge" and not line[1].startswith("legend")]
    return dot, names, edges


def test_graph_tells_push_from_pull_and_shows_compounds():
    dot, names, edges = dot_of("-e", "elementclass A { input -> Counter -> b :: { input -> Queue(3) -> output } -> output }"
                               " Idle -> A -> Unqueue -> Discard")
    assert len(names) == 5 and len(edges) == 4
    assert 'subgraph "cluster/A@2" {' in dot and 'subgraph "cluster/A@2/b" {' in dot
    assert dot.count("{") == dot.count("}")
    dashed = [line for line in dot.splitlines() if " -> n" in line and "dashed" in line]
    assert len(dashed) == 1 and "Queue(3)" in dot


@pytest.mark.parametrize("path", [path for path in CONFIGS if Case(ROOT / path).value("exit", "0") == "0"], ids=str)
def test_graph_of_every_case(path, tmp_path):
    (tmp_path / "config").write_text(text_of(path))
    elements = json.loads(clickos("check", "--json", str(tmp_path / "config"))[0])["elements"]
    dot, names, _ = dot_of(str(tmp_path / "config"))
    assert len(names) == elements and dot.count("subgraph") >= 1


def test_text_in_a_graph_is_text():
    strange = r'"a|b{c}<d>\\\" \n ->"'
    _, names, edges = dot_of("-e", f"Idle -> Print({strange}) -> Discard")
    assert len(names) == 3 and len(edges) == 2


@pytest.mark.parametrize("suffix,magic", [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF"), ("dot", b"digraph")])
def test_graph_files(suffix, magic, tmp_path):
    picture = tmp_path / f"picture.{suffix}"
    assert clickos("graph", "-o", str(picture), str(ROOT / "examples" / "router.click")) == ("", "")
    assert picture.read_bytes().startswith(magic)


def test_graph_on_standard_output():
    assert dot_of("-o", "-", "-e", "Idle -> Discard") == dot_of("-e", "Idle -> Discard")


def test_graph_errors(tmp_path):
    assert "does not end in" in clickos("graph", "-o", "x.gif", "-e", "Idle", code=2)[1]
    assert "undeclared element" in clickos("graph", "-o", str(tmp_path / "x.svg"), "-e", "Idle -> foo", code=1)[1]
    assert not (tmp_path / "x.svg").exists()
    assert "--vm" in clickos("graph", "--vm", "a", "file", code=2)[1]
    assert "failed" in clickos("graph", "-o", "/nosuch/x.svg", "-e", "Idle", code=1)[1]
    done = subprocess.run([BUILD / "clickos", "graph", "-o", tmp_path / "x.svg", "-e", "Idle"], capture_output=True,
                          text=True, timeout=60, env={"PATH": str(tmp_path)}, check=False)
    assert done.returncode == 1 and "package graphviz" in done.stderr
